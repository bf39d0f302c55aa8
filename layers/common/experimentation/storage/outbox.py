"""Facts: NOTIFICATIONS items for the list, and OUTBOX items until they are sent."""

import json
from typing import NamedTuple

from experimentation import settings
from experimentation.domain.clock import DAY_MS
from experimentation.domain.facts import Fact, FactKind
from experimentation.storage.aws.client import dynamodb
from experimentation.storage.aws.failures import translated
from experimentation.storage.aws.paged_query import every_item, in_partition, one_page
from experimentation.storage.aws.transactions import Action, Item, put_new

LISTED = "NOTIFICATIONS"
PENDING = "OUTBOX"
MARK = "FACT#"  # under the experiment, of a fact that may be told only once
KEPT_DAYS = 400  # facts stay readable for a little over a year


class Page(NamedTuple):
    """Some facts, newest first, and where the next page starts."""

    facts: list[Fact]
    next_start: str | None


def put(fact: Fact) -> list[Action]:
    """Return the actions that list a fact and queue it for sending."""
    return [put_new(_item(LISTED, fact) | _expiry(fact)), put_new(_item(PENDING, fact))]


def mark(fact: Fact) -> Action:
    """Return the action that marks a fact as told: a second transaction with it fails."""
    return put_new({"PK": {"S": f"EXP#{fact.experiment_id}"}, "SK": {"S": f"{MARK}{fact.id}"}})


def marked(experiment_id: str) -> set[str]:
    """Return the ids of an experiment's facts that are marked, read consistently."""
    query = in_partition(settings.data_table(), f"EXP#{experiment_id}", MARK, consistent=True)
    return {item["SK"]["S"].removeprefix(MARK) for item in every_item(query)}


def pending(limit: int) -> list[Fact]:
    """Return the oldest facts that are not sent yet, read consistently."""
    return _query(PENDING, limit, None, forward=True).facts


def sent(fact: Fact) -> None:
    """Remove a sent fact from the outbox."""
    with translated():
        dynamodb().delete_item(TableName=settings.data_table(), Key=_key(PENDING, fact))


def list_page(limit: int, start: str | None = None) -> Page:
    """Return up to `limit` facts, newest first; `start` is an earlier page's `next_start`."""
    return _query(LISTED, limit, start, forward=False)


def _query(partition: str, limit: int, start: str | None, *, forward: bool) -> Page:
    # A stale read could return a fact that was sent and removed.
    query = in_partition(settings.data_table(), partition, consistent=True) | {"ScanIndexForward": forward}
    items, next_start = one_page(query, limit, start)
    return Page([_fact(item) for item in items], next_start)


def _key(partition: str, fact: Fact) -> Item:
    return {"PK": {"S": partition}, "SK": {"S": f"{fact.at:013d}#{fact.id}"}}


def _item(partition: str, fact: Fact) -> Item:
    held = json.dumps(fact._asdict(), ensure_ascii=False, separators=(",", ":"))
    return _key(partition, fact) | {"fact": {"S": held}}


def _expiry(fact: Fact) -> Item:
    return {"expires_at": {"N": str((fact.at + KEPT_DAYS * DAY_MS) // 1000)}}


def _fact(item: Item) -> Fact:
    held = json.loads(item["fact"]["S"])
    return Fact(**held | {"kind": FactKind(held["kind"])})
