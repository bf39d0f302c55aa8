"""A user's HEAD, METRIC and PAST items: their keys, their shape, and the conditions of their writes.

HEAD holds the boundaries and, while it stays small, the ledgers of all event types; a ledger that no longer
fits becomes a METRIC item. Boundaries of experiments that ended long ago are put away in PAST.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from experimentation import settings
from experimentation.domain.counting.ledger import Boundary, Cells, Head
from experimentation.storage.aws import client
from experimentation.storage.aws.batch_read import read_items
from experimentation.storage.aws.failures import translated
from experimentation.storage.aws.transactions import put_if, put_new

if TYPE_CHECKING:
    from experimentation.storage.aws.transactions import Action, Item

HEAD_LIMIT_BYTES = 900  # one write unit, with room for the attributes' names


class Spilled(NamedTuple):
    """The ledger of one type in an item of its own; version 0 is one that is not stored yet."""

    version: int
    cells: Cells


UNSEEN = Spilled(0, {})
"""What the head says is stored apart, but a read did not find: a transaction is half-way visible."""


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
            int(item["v"]["N"]), _cells(json.loads(item["m"]["S"]))
        )
        for item in items
    }


def read_past(user_id: str) -> tuple[Boundary, ...]:
    """Return the boundaries that were put away."""
    items = read_items([_key(user_id, "PAST")])
    return _boundaries(items[0]["b"]["S"]) if items else ()


def put_head(user_id: str, read_version: int, head: Head) -> "Action":
    """Return the write of a head on the condition that its version is still the one that was read."""
    item = _key(user_id, "HEAD") | {
        "v": {"N": str(read_version + 1)},
        "last": {"N": str(head.last)},
        "b": {"S": _boundaries_text(head.boundaries)},
        "kmax": {"N": str(head.kmax)},
        "m": {"S": _ledgers_text(head.ledgers)},
    }
    if head.past_until:
        item |= {"past_until": {"N": str(head.past_until)}, "past_k": {"N": str(head.past_k)}}
    if head.spilled:
        item["o"] = {"S": json.dumps(sorted(head.spilled))}
    return _put(item, read_version)


def put_spilled(user_id: str, event_type: str, read_version: int, cells: Cells) -> "Action":
    """Return the write of one type's ledger on the condition of its own version."""
    item = _key(user_id, f"METRIC#{event_type}") | {
        "v": {"N": str(read_version + 1)},
        "m": {"S": json.dumps(_cells_shape(cells), separators=(",", ":"))},
    }
    return _put(item, read_version)


def put_past(user_id: str, boundaries: tuple[Boundary, ...]) -> "Action":
    """Return the write of the boundaries put away; HEAD's condition in the same transaction guards it."""
    item = _key(user_id, "PAST") | {"b": {"S": _boundaries_text(boundaries)}}
    return {"Put": {"TableName": settings.data_table(), "Item": item}}


def spill(head: Head) -> tuple[Head, dict[str, Cells]]:
    """Move the largest ledgers out of a head that is too large; return it and what was moved."""
    moved: dict[str, Cells] = {}
    sizes = {name: len(_ledgers_text({name: cells})) for name, cells in head.ledgers.items()}
    fixed = len(_boundaries_text(head.boundaries).encode()) + sum(map(len, head.spilled))
    while sizes and fixed + sum(sizes.values()) > HEAD_LIMIT_BYTES:
        largest = max(sizes, key=lambda name: (sizes[name], name))
        moved[largest] = head.ledgers[largest]
        fixed += len(largest)
        del sizes[largest]
    if not moved:
        return head, moved
    kept = {name: cells for name, cells in head.ledgers.items() if name not in moved}
    return replace(head, ledgers=kept, spilled=head.spilled | moved.keys()), moved


def _put(item: "Item", read_version: int) -> "Action":
    return put_if(item, "v", read_version) if read_version else put_new(item)


def _key(user_id: str, sort_key: str) -> "Item":
    return {"PK": {"S": f"USER#{user_id}"}, "SK": {"S": sort_key}}


def _user(item: "Item") -> str:
    text: str = item["PK"]["S"]
    return text.removeprefix("USER#")


def _head(item: "Item") -> Head:
    ledgers = json.loads(item["m"]["S"])
    return Head(
        version=int(item["v"]["N"]),
        last=int(item["last"]["N"]),
        boundaries=_boundaries(item["b"]["S"]),
        kmax=int(item["kmax"]["N"]),
        past_until=int(item["past_until"]["N"]) if "past_until" in item else 0,
        past_k=int(item["past_k"]["N"]) if "past_k" in item else 0,
        ledgers={name: _cells(shape) for name, shape in ledgers.items()},
        spilled=frozenset(json.loads(item["o"]["S"])) if "o" in item else frozenset(),
    )


def _boundaries(text: str) -> tuple[Boundary, ...]:
    return tuple(
        Boundary(k, at, experiment_id, variant, tuple(labels))
        for k, at, experiment_id, variant, labels in json.loads(text)
    )


def _boundaries_text(boundaries: tuple[Boundary, ...]) -> str:
    return json.dumps(boundaries, separators=(",", ":"), ensure_ascii=False)


def _cells(shape: Mapping[str, list[int]]) -> Cells:
    cells: Cells = {}
    for name, (events, total) in shape.items():
        day, _, k = name.partition(".")
        cells[int(day), int(k)] = (events, total)
    return cells


def _cells_shape(cells: Cells) -> dict[str, tuple[int, int]]:
    return {f"{day}.{k}": cell for (day, k), cell in cells.items()}


def _ledgers_text(ledgers: Mapping[str, Cells]) -> str:
    shapes = {name: _cells_shape(cells) for name, cells in ledgers.items()}
    return json.dumps(shapes, separators=(",", ":"))
