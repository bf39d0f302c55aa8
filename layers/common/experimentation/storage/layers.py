"""LAYERS items, one a layer: which experiment has which range, rewritten on the condition of a version."""

import json
from collections.abc import Sequence
from typing import NamedTuple

from experimentation import settings
from experimentation.domain.experiment import Experiment
from experimentation.domain.layers import Claim, claimed, released
from experimentation.storage.aws.client import dynamodb
from experimentation.storage.aws.failures import translated
from experimentation.storage.aws.paged_query import in_partition, one_page
from experimentation.storage.aws.transactions import Action, Item, put_if, put_new

PARTITION = {"S": "LAYERS"}


class Claims(NamedTuple):
    """A layer's claims as they are stored; version 0 is a layer without an item."""

    key: str
    version: int
    claims: tuple[Claim, ...]


class Page(NamedTuple):
    """Some layers in the order of their keys, and where the next page starts."""

    layers: list[Claims]
    next_start: str | None


def writes(before: Experiment | None, after: Experiment | None, now: int) -> list[Action]:
    """Return the actions that claim or release ranges for a change of an experiment.

    `before` is None for a new experiment, `after` for a deleted one. ConflictError names the experiment that
    holds some of the range. A condition that fails means a concurrent claim: read and try again.
    """
    if _claim(before) == _claim(after):
        return []
    keys = {each.layer.key for each in (before, after) if each is not None and each.layer is not None}
    # A move to another layer rewrites both in the transaction of the change.
    return [_write(read(key), before, after, now) for key in sorted(keys)]


def read(key: str) -> Claims:
    """Return the layer's claims, read consistently."""
    with translated():
        answer = dynamodb().get_item(
            TableName=settings.data_table(), Key={"PK": PARTITION, "SK": {"S": key}}, ConsistentRead=True
        )
    return _claims(answer["Item"]) if "Item" in answer else Claims(key, 0, ())


def list_page(limit: int, start: str | None = None) -> Page:
    """Return up to `limit` layers; `start` is an earlier page's `next_start`."""
    query = in_partition(settings.data_table(), PARTITION["S"], consistent=True)
    items, next_start = one_page(query, limit, start)
    return Page([_claims(item) for item in items], next_start)


def _claim(experiment: Experiment | None) -> object:
    if experiment is None or experiment.layer is None:
        return None
    return experiment.layer, experiment.ended_at


def _write(layer: Claims, before: Experiment | None, after: Experiment | None, now: int) -> Action:
    if after is not None and after.layer is not None and after.layer.key == layer.key:
        return _put(layer, claimed(layer.claims, after, now))
    released_by = before if after is None else after
    if released_by is None:
        raise ValueError("neither an experiment before nor one after")
    return _put(layer, released(layer.claims, released_by.id, now))


def _put(layer: Claims, claims: Sequence[Claim]) -> Action:
    item = {
        "PK": PARTITION,
        "SK": {"S": layer.key},
        "v": {"N": str(layer.version + 1)},
        "claims": {"S": json.dumps(claims, separators=(",", ":"))},
    }
    return put_if(item, "v", layer.version) if layer.version else put_new(item)


def _claims(item: Item) -> Claims:
    claims = tuple(Claim(*claim) for claim in json.loads(item["claims"]["S"]))
    return Claims(item["SK"]["S"], int(item["v"]["N"]), claims)
