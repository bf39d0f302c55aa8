"""SEALING items: one per run that seals an experiment's days, so that concurrent readers know of it."""

import secrets
from typing import NamedTuple

from experimentation import settings
from experimentation.domain.clock import DAY_MS
from experimentation.storage.aws import client
from experimentation.storage.aws.failures import translated
from experimentation.storage.aws.paged_query import every_item, in_partition


class Run(NamedTuple):
    """A run; a killed one has not ended until its item expires."""

    name: str
    has_ended: bool


def begin(experiment_id: str, now: int) -> str:
    """Note that a run begins, before its first transaction, and return its name."""
    name = f"{now:013d}#{secrets.token_hex(4)}"
    _put(experiment_id, name, now, has_ended=False)
    return name


def end(experiment_id: str, name: str, now: int) -> None:
    """Note that a run has ended, after its last transaction."""
    _put(experiment_id, name, now, has_ended=True)


def read(experiment_id: str) -> list[Run]:
    """Return the runs of the last day, read consistently."""
    query = in_partition(settings.data_table(), f"SEALING#{experiment_id}", consistent=True)
    return [Run(item["SK"]["S"], item["ended"]["BOOL"]) for item in every_item(query)]


def _put(experiment_id: str, name: str, now: int, *, has_ended: bool) -> None:
    with translated():
        client.dynamodb().put_item(
            TableName=settings.data_table(),
            Item={
                "PK": {"S": f"SEALING#{experiment_id}"},
                "SK": {"S": name},
                "ended": {"BOOL": has_ended},
                # Ends a killed run: until then, readers compare two readings.
                "expires_at": {"N": str((now + DAY_MS) // 1000)},
            },
        )
