"""The history of an experiment: one LOG item per change, written with the change and never touched again."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from experimentation import settings
from experimentation.domain.changes import Change
from experimentation.storage.aws.client import dynamodb
from experimentation.storage.aws.failures import translated
from experimentation.storage.aws.paged_query import every_item, in_partition, one_page
from experimentation.storage.aws.transactions import Action, Item

PREFIX = "LOG#"
MOST_BYTES = 300_000  # of an item's 400 KB, for the values before and after a change together
LONG_BYTES = 20_000  # a value that is left out where they are more


class Entry(NamedTuple):
    """One change: who did what when; `at` in milliseconds, `version` is the experiment's after it.

    `reason` and `figures` say why the schedule or the guard made it.
    """

    at: int
    version: int
    actor: str
    action: str
    changes: Sequence[Change] = ()
    reason: str = ""
    figures: Mapping[str, object] = {}


class Page(NamedTuple):
    """Some entries, newest first, and where the next page starts."""

    entries: list[Entry]
    next_start: str | None


def append(experiment_id: str, entry: Entry) -> Action:
    """Return the transaction's action that adds the entry."""
    return {
        "Put": {
            "TableName": settings.data_table(),
            "Item": {
                "PK": {"S": f"EXP#{experiment_id}"},
                "SK": {"S": f"{PREFIX}{entry.at:013d}#{entry.version:06d}"},
                "at": {"N": str(entry.at)},
                "version": {"N": str(entry.version)},
                "actor": {"S": entry.actor},
                "action": {"S": entry.action},
                "changes": {"S": _kept(entry.changes)},
                "reason": {"S": entry.reason},
                "figures": {"S": _json(entry.figures)},
            },
            "ConditionExpression": "attribute_not_exists(PK)",
        }
    }


def _kept(changes: Sequence[Change]) -> str:
    """Return the changes as they are stored: a value that is too long is replaced by its length."""
    text = _json(changes)
    if len(text.encode()) <= MOST_BYTES:
        return text
    return _json([Change(each.field, _shortened(each.before), _shortened(each.after)) for each in changes])


def _shortened(value: object) -> object:
    size = len(_json(value).encode())
    return value if size <= LONG_BYTES else f"not kept: {size} bytes"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def list_page(experiment_id: str, limit: int, start: str | None = None) -> Page:
    """Return up to `limit` entries, newest first; `start` is an earlier page's `next_start`."""
    query = _query(experiment_id, consistent=False) | {"ScanIndexForward": False}
    items, next_start = one_page(query, limit, start, PREFIX)
    return Page([_entry(item) for item in items], next_start)


def replace_user(experiment_id: str, user_id: str, name: str) -> None:
    """Replace a user id by a name in the overrides of the experiment's entries."""
    query = _query(experiment_id, consistent=True) | {"FilterExpression": "contains(changes, :user)"}
    query["ExpressionAttributeValues"][":user"] = {"S": _json(user_id)}
    for item in every_item(query):
        _replace_user(item, user_id, name)


def _query(experiment_id: str, *, consistent: bool) -> dict[str, Any]:
    return in_partition(settings.data_table(), f"EXP#{experiment_id}", PREFIX, consistent=consistent)


def _replace_user(item: Item, user_id: str, name: str) -> None:
    before = item["changes"]["S"]
    changes = [Change(*change) for change in json.loads(before)]
    after = _json([_with_name(each, user_id, name) for each in changes])
    if after == before:
        return
    with translated():
        dynamodb().update_item(
            TableName=settings.data_table(),
            Key={"PK": item["PK"], "SK": item["SK"]},
            UpdateExpression="SET changes = :after",
            ConditionExpression="changes = :before",
            ExpressionAttributeValues={":after": {"S": after}, ":before": {"S": before}},
        )


def _with_name(change: Change, user_id: str, name: str) -> Change:
    if change.field != "overrides":
        return change
    return Change(change.field, _renamed(change.before, user_id, name), _renamed(change.after, user_id, name))


def _renamed(overrides: object, user_id: str, name: str) -> object:
    if not isinstance(overrides, dict):
        return overrides
    return {name if key == user_id else key: variant for key, variant in overrides.items()}


def _entry(item: Item) -> Entry:
    return Entry(
        at=int(item["at"]["N"]),
        version=int(item["version"]["N"]),
        actor=item["actor"]["S"],
        action=item["action"]["S"],
        changes=[Change(*change) for change in json.loads(item["changes"]["S"])],
        reason=item["reason"]["S"],
        figures=json.loads(item["figures"]["S"]),
    )
