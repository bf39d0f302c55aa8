"""A user's HEAD, METRIC and PAST items: their keys, their shape, and the conditions of their writes.

HEAD holds the boundaries and, while it stays small, the ledgers of all event types; a ledger that no longer
fits becomes a METRIC item. Boundaries of experiments that ended long ago move to PAST.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from experimentation import settings
from experimentation.domain.counting.ledger import Cells, Head
from experimentation.domain.counting.recording import Ledger
from experimentation.domain.counting.stored_text import (
    boundaries_of,
    boundaries_text,
    cells_of,
    cells_text,
    ledgers_of,
    ledgers_text,
)
from experimentation.domain.counting.user import StoredUser
from experimentation.storage.aws import client
from experimentation.storage.aws.batch_read import read_items
from experimentation.storage.aws.failures import translated
from experimentation.storage.aws.transactions import put_if, put_new

if TYPE_CHECKING:
    from experimentation.domain.counting.writes import HeadWrite, LedgerWrite, PastWrite
    from experimentation.storage.aws.transactions import Action, Item


class Spilled(NamedTuple):
    """The ledger of one type in an item of its own; version 0 is not stored yet."""

    version: int
    cells: Cells


UNSEEN = Spilled(0, {})
"""A ledger that HEAD says is stored apart but a read did not find: a transaction is half visible."""


class Need(NamedTuple):
    """What to read of a user besides HEAD: the spilled ledgers of these types, and PAST."""

    user_id: str
    head: Head
    types: frozenset[str]
    past: bool


def read_head(user_id: str, *, consistent: bool) -> Head:
    """Return the user's head; one of version 0 when there is none."""
    with translated():
        answer = client.dynamodb().get_item(
            TableName=settings.data_table(), Key=_key(user_id, "HEAD"), ConsistentRead=consistent
        )
    return _head(answer["Item"]) if "Item" in answer else Head()


def read_heads(user_ids: Iterable[str]) -> dict[str, Head]:
    """Return the heads of several users, read consistently."""
    wanted = dict.fromkeys(user_ids)
    items = read_items([_key(user_id, "HEAD") for user_id in wanted])
    found = {_user(item): _head(item) for item in items}
    return {user_id: found.get(user_id, Head()) for user_id in wanted}


def read_spilled(pairs: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Spilled]:
    """Return the METRIC items of (user, event type) pairs that exist, read consistently."""
    items = read_items([_key(user_id, f"METRIC#{event_type}") for user_id, event_type in pairs])
    return {
        (_user(item), item["SK"]["S"].removeprefix("METRIC#")): Spilled(
            int(item["v"]["N"]), cells_of(item["m"]["S"])
        )
        for item in items
    }


def read_users(needs: Iterable[Need]) -> dict[str, StoredUser]:
    """Return the users with what is needed besides their heads, in one batch of consistent reads."""
    wanted = {need.user_id: need for need in needs}
    keys = [_key(user_id, f"METRIC#{name}") for user_id, need in wanted.items() for name in _apart(need)]
    keys += [_key(user_id, "PAST") for user_id, need in wanted.items() if need.past]
    found = {(_user(item), item["SK"]["S"]): item for item in read_items(keys)}
    return {user_id: _stored(need, found) for user_id, need in wanted.items()}


def _stored(need: Need, found: "Mapping[tuple[str, str], Item]") -> StoredUser:
    """Return a user with what was found, by user and sort key."""
    user_id = need.user_id
    apart = {name: _spilled(found.get((user_id, f"METRIC#{name}"))) for name in _apart(need)}
    past = found.get((user_id, "PAST"))
    ledger = Ledger(
        need.head,
        {name: each.cells for name, each in apart.items()},
        boundaries_of(past["b"]["S"]) if past else (),
    )
    versions = {name: each.version for name, each in apart.items()}
    return StoredUser(user_id, ledger, versions, _past_at(past) if need.past else None)


def put_head(write: "HeadWrite") -> "Action":
    """Return the write of a head on the condition that its version is still the one that was read."""
    base, read_version = write.head.base, write.read_version
    item = _head_item(write.user_id, write.head, base + read_version + 1)
    return put_if(item, "v", base + read_version) if read_version else put_new(item)


def put_erasing(user_id: str, head: Head, erased_at: int) -> "Action":
    """Return the write that closes a head, existing or new, to everything but the erasure."""
    version = head.base + head.version
    item = _head_item(user_id, replace(head, erased_at=erased_at), version + 1) | {"erasing": {"BOOL": True}}
    return put_if(item, "v", version) if head.version else put_new(item)


def delete_erased(user_id: str, erased_at: int) -> "Action":
    """Return the removal of a head that is being erased since `erased_at`."""
    return {
        "Delete": {
            "TableName": settings.data_table(),
            "Key": _key(user_id, "HEAD"),
            # By its time too: a delayed run must not remove the HEAD of a later erasure.
            "ConditionExpression": "erasing = :true AND erased_at = :at",
            "ExpressionAttributeValues": {":true": {"BOOL": True}, ":at": {"N": str(erased_at)}},
        }
    }


def other_keys(user_id: str, limit: int) -> "list[Item]":
    """Return the keys of up to `limit` items of a user beside HEAD, read consistently."""
    with translated():
        answer = client.dynamodb().query(
            TableName=settings.data_table(),
            KeyConditionExpression="PK = :pk",
            ExpressionAttributeValues={":pk": {"S": f"USER#{user_id}"}},
            ProjectionExpression="PK, SK",
            Limit=limit + 1,  # HEAD may be among them
            ConsistentRead=True,
        )
    return [key for key in answer["Items"] if key["SK"]["S"] != "HEAD"][:limit]


def _head_item(user_id: str, head: Head, version: int) -> "Item":
    item = _key(user_id, "HEAD") | {
        "v": {"N": str(version)},
        "last": {"N": str(head.last)},
        "b": {"S": boundaries_text(head.boundaries)},
        "kmax": {"N": str(head.kmax)},
        "m": {"S": ledgers_text(head.ledgers)},
    }
    if head.past_until:
        item |= {"past_until": {"N": str(head.past_until)}, "past_k": {"N": str(head.past_k)}}
    if head.spilled:
        item["o"] = {"S": json.dumps(dict(head.spilled), separators=(",", ":"))}
    if head.erased_at:
        item |= {"base": {"N": str(head.base)}, "erased_at": {"N": str(head.erased_at)}}
    return item


def put_ledger(write: "LedgerWrite") -> "Action":
    """Return the write of one type's ledger on the condition of its own version."""
    item = _key(write.user_id, f"METRIC#{write.event_type}") | {
        "v": {"N": str(write.read_version + 1)},
        "m": {"S": cells_text(write.cells)},
    }
    return put_if(item, "v", write.read_version) if write.read_version else put_new(item)


def put_past(write: "PastWrite") -> "Action":
    """Return the write of PAST; HEAD's condition in the same transaction guards it."""
    item = _key(write.user_id, "PAST") | {
        "b": {"S": boundaries_text(write.boundaries)},
        "until": {"N": str(write.until)},
        "k": {"N": str(write.k)},
    }
    return {"Put": {"TableName": settings.data_table(), "Item": item}}


def _apart(need: Need) -> list[str]:
    return sorted(need.types & need.head.spilled.keys())


def _past_at(item: "Item | None") -> tuple[int, int]:
    return (int(item["until"]["N"]), int(item["k"]["N"])) if item else (0, 0)


def _key(user_id: str, sort_key: str) -> "Item":
    return {"PK": {"S": f"USER#{user_id}"}, "SK": {"S": sort_key}}


def _user(item: "Item") -> str:
    text: str = item["PK"]["S"]
    return text.removeprefix("USER#")


def _spilled(item: "Item | None") -> Spilled:
    return Spilled(int(item["v"]["N"]), cells_of(item["m"]["S"])) if item else UNSEEN


def _head(item: "Item") -> Head:
    base = int(item["base"]["N"]) if "base" in item else 0
    return Head(
        version=int(item["v"]["N"]) - base,
        last=int(item["last"]["N"]),
        boundaries=boundaries_of(item["b"]["S"]),
        kmax=int(item["kmax"]["N"]),
        past_until=int(item["past_until"]["N"]) if "past_until" in item else 0,
        past_k=int(item["past_k"]["N"]) if "past_k" in item else 0,
        ledgers=ledgers_of(item["m"]["S"]),
        spilled=json.loads(item["o"]["S"]) if "o" in item else {},
        base=base,
        erased_at=int(item["erased_at"]["N"]) if "erased_at" in item else 0,
        erasing="erasing" in item,
    )
