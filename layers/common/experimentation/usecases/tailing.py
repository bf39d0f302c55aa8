"""The newest lines of the archive: a live tail that costs nothing while nobody reads it.

A global order of receipt would cost a write an event, so it is kept nowhere (docs/decisions/0019-tail.md).
"""

import json
from collections.abc import Callable
from datetime import datetime
from heapq import nlargest
from typing import Any, NamedTuple

from experimentation.domain.clock import DAY_MS, milliseconds, rfc3339
from experimentation.storage import archive
from experimentation.storage.archive import Listed
from experimentation.storage.erasures import Pseudonyms
from experimentation.usecases.archiving import erased_among

MOST_LISTED = 5_000  # objects of a kind and day: five calls
MOST_READ = 20
MOST_BYTES = 8_000_000  # compressed; ten times as much unpacked
SECOND_MS = 1_000

type Row = dict[str, Any]


class Line(NamedTuple):
    """A line of the archive, in the order of receipt (RFC 3339 of one length sorts like the time)."""

    received_at: str
    text: bytes


class Tail(NamedTuple):
    """Rows, newest receipt first; in a sample, rows of the same time are missing."""

    rows: list[Row]
    is_sample: bool


def newest(kind: str, limit: int, now: int, is_wanted: Callable[[Row], bool]) -> Tail:
    """Return up to `limit` rows of the archive that were received since yesterday, 00:00 UTC."""
    found: list[Line] = []
    is_sample = False
    for day in (now, now - DAY_MS):
        if len(found) < limit:
            objects, is_whole = archive.listed(rfc3339(day)[:10], kind, MOST_LISTED)
            found, all_read = _merged(found, objects, limit, is_wanted)
            is_sample |= not (is_whole and all_read)
    return Tail([json.loads(line.text) for line in found], is_sample)


def without_erased(rows: list[Row], pseudonyms: Pseudonyms) -> list[Row]:
    """Return the rows without what was received up to the erasure of its user."""
    older = {row["user_id"] for row in rows if _received(row) <= pseudonyms.latest}
    erased_at = erased_among(older, pseudonyms)
    return [row for row in rows if _received(row) > erased_at.get(row["user_id"], -1)]


def _received(row: Row) -> int:
    return milliseconds(datetime.fromisoformat(row["received_at"]))


def _merged(
    found: list[Line], objects: list[Listed], limit: int, is_wanted: Callable[[Row], bool]
) -> tuple[list[Line], bool]:
    """Return the newest lines of these and of the objects; tell whether all that matter were read."""
    unread_bytes = MOST_BYTES
    for position, each in enumerate(sorted(objects, key=lambda each: each.written, reverse=True)):
        # Nothing is written before it was received: older objects hold nothing newer.
        if len(found) == limit and rfc3339(each.written + SECOND_MS) < found[-1].received_at:
            break
        unread_bytes -= each.size
        if position == MOST_READ or unread_bytes < 0:
            return found, False
        # A set, because a batch that was delivered twice may lie in two objects.
        found = nlargest(limit, {*found, *_lines(each.key, is_wanted)})
    return found, True


def _lines(key: str, is_wanted: Callable[[Row], bool]) -> list[Line]:
    found: list[Line] = []
    for text in archive.lines_if_there(key):
        row: Row = json.loads(text)
        if is_wanted(row):
            found.append(Line(row["received_at"], text))
    return found
