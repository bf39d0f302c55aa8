"""ASSIGN items: one per experiment and user, for uniqueness and export."""

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple
from zlib import crc32

from experimentation import settings
from experimentation.domain.assignment import Assignment
from experimentation.storage.aws import client
from experimentation.storage.aws.batch_read import read_items
from experimentation.storage.aws.failures import translated
from experimentation.storage.aws.paged_query import in_partition, one_page
from experimentation.storage.aws.transactions import delete, put_new

if TYPE_CHECKING:
    from experimentation.storage.aws.transactions import Action, Item

PARTITIONS = 64  # each takes 1,000 writes a second, and an export reads them in parallel


class AssignmentPage(NamedTuple):
    """Some assignments of one partition; the next page starts after `next_user`."""

    assignments: list[Assignment]
    next_user: str | None


def put(assignment: Assignment) -> "Action":
    """Return the write of a new assignment."""
    item = _key(assignment.experiment_id, assignment.user_id) | {
        "variant": {"S": assignment.variant},
        "assigned_at": {"N": str(assignment.assigned_at)},
        "context": {"S": json.dumps(dict(assignment.context), ensure_ascii=False)},
    }
    if assignment.imported:
        item["imported"] = {"BOOL": True}
    if assignment.late:
        item["late"] = {"BOOL": True}
    return put_new(item)


def read(experiment_id: str, user_id: str) -> Assignment | None:
    """Return the user's stored assignment, read consistently."""
    with translated():
        answer = client.dynamodb().get_item(
            TableName=settings.data_table(), Key=_key(experiment_id, user_id), ConsistentRead=True
        )
    return _assignment(answer["Item"]) if "Item" in answer else None


def removal(experiment_id: str, user_id: str) -> "Action":
    """Return the removal of a stored assignment."""
    return delete(_key(experiment_id, user_id))


def enrolled(experiment_id: str, user_ids: Iterable[str]) -> set[str]:
    """Return those of the users who have a stored assignment, read consistently."""
    keys = [_key(experiment_id, user_id) for user_id in user_ids]
    return {item["SK"]["S"].removeprefix("USER#") for item in read_items(keys)}


def read_many(pairs: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Assignment]:
    """Return the stored assignments of (experiment, user) pairs that exist, read consistently."""
    found = map(_assignment, read_items([_key(*pair) for pair in pairs]))
    return {(each.experiment_id, each.user_id): each for each in found}


def page(experiment_id: str, partition: int, limit: int, after_user: str | None = None) -> AssignmentPage:
    """Return up to `limit` assignments of one of the 64 partitions."""
    query = in_partition(settings.data_table(), f"ASSIGN#{experiment_id}#{partition}", consistent=False)
    items, next_user = one_page(query, limit, after_user, "USER#")
    return AssignmentPage(list(map(_assignment, items)), next_user)


def _key(experiment_id: str, user_id: str) -> "Item":
    partition = crc32(user_id.encode()) % PARTITIONS
    return {"PK": {"S": f"ASSIGN#{experiment_id}#{partition}"}, "SK": {"S": f"USER#{user_id}"}}


def _assignment(item: "Item") -> Assignment:
    return Assignment(
        item["PK"]["S"].split("#")[1],
        item["SK"]["S"].removeprefix("USER#"),
        item["variant"]["S"],
        int(item["assigned_at"]["N"]),
        json.loads(item["context"]["S"]),
        "imported" in item,
        "late" in item,
    )
