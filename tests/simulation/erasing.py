"""What may be left of erased users: nothing that is shown or stored, but all that was counted."""

import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from tests.simulation.expressions import Item
from tests.simulation.reading import Shown
from tests.simulation.table import Key

TELLING = 4  # bytes: a shorter id may be part of any text


def left_of(users: Iterable[str], items: dict[Key, Item]) -> Iterator[str]:
    """Say what is stored of these users."""
    for user_id in users:
        named = f"USER#{user_id}"
        in_text = json.dumps(user_id, ensure_ascii=False)[1:-1]
        for key, item in items.items():
            text = json.dumps(item, ensure_ascii=False)
            if named in key or (len(user_id.encode()) >= TELLING and in_text in text):
                yield f"of {user_id}, who was erased, is left: {text[:300]}"


def still_shown(shown: Shown, users: Iterable[str]) -> Iterator[str]:
    """Say what is shown of these users."""
    for user_id in users:
        person = shown.people[user_id]
        if (
            shown.events[user_id]
            or shown.assignments[user_id]
            or person["assignments"]
            or person["crossovers"]
        ):
            yield f"of {user_id}, who was erased, is shown: {person}"
        for name, rows in shown.exported.items():
            if any(row["user_id"] == user_id for row in rows or ()):
                yield f"{user_id}, who was erased, is in the export {name}"


def with_erased(after: Shown, before: Shown, users: Collection[str]) -> Shown:
    """Return what is shown after the erasures, with what was shown of the erased before.

    So it is judged by what everybody did: results must not have moved.
    """
    exported = {
        name: None
        if rows is None
        else rows + [row for row in before.exported[name] or () if row["user_id"] in users]
        for name, rows in after.exported.items()
    }
    return replace(
        after,
        exported=exported,
        events={name: before.events[name] if name in users else each for name, each in after.events.items()},
        assignments={
            name: before.assignments[name] if name in users else each
            for name, each in after.assignments.items()
        },
        people={name: before.people[name] if name in users else each for name, each in after.people.items()},
    )
