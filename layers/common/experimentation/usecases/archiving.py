"""Keeping the archive free of erased users: of everything received up to their erasure."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from itertools import chain
from typing import NamedTuple

from experimentation.domain.clock import milliseconds
from experimentation.domain.counting.erasing import Erasure, Stage
from experimentation.storage import archive, erasures
from experimentation.storage.aws.transactions import CancelledError, commit
from experimentation.storage.erasures import Pseudonyms
from experimentation.storage.queue_message import Message


class _Stored(NamedTuple):
    """A copy of an object of the archive."""

    day: str
    kind: str
    key: str
    copy: archive.Copy


def without_erased(message: Message, erased_at: Mapping[str, int]) -> Message:
    """Return the message without what was received up to the erasure of its user."""
    return message.only(lambda each: each.received > erased_at.get(each.user_id, -1))


def erased_users(messages: Iterable[Message], pseudonyms: Pseudonyms) -> dict[str, int]:
    """Return when each erased user among the messages was erased.

    It looks up only users of whom something was received before the latest erasure: outside the minute after
    an erasure, that is nobody whose messages come in time.
    """
    received = chain.from_iterable(message.all() for message in messages)
    return erased_among({each.user_id for each in received if each.received <= pseudonyms.latest}, pseudonyms)


def erased_among(user_ids: Iterable[str], pseudonyms: Pseudonyms) -> dict[str, int]:
    """Return when each of these users was erased, of those who were."""
    names = {pseudonyms.of(user_id): user_id for user_id in user_ids}
    return {names[each.pseudonym]: each.erased_at for each in erasures.read_many(names).values()}


def rewrite(clock: Callable[[], int], has_time: Callable[[], bool], retention_days: int) -> int:
    """Remove all erased users who wait for it from the archive, day by day; return how many copies held them.

    Where the time is up or something fails, the next run goes on at the day that was not finished.
    """
    began = clock()
    waiting = [each for each in erasures.pending() if each.stage is Stage.ARCHIVE]
    if not waiting:
        return 0
    pseudonyms = erasures.pseudonyms()
    days = _days(waiting)
    rewritten, unfinished = 0, ""
    try:
        for day in days:
            unfinished = day
            erased_at = _erased_at(day, waiting)
            for stored in _copies(day):
                if not has_time():
                    return rewritten
                rewritten += _replaced(stored, erased_at, pseudonyms)
        unfinished = ""
    finally:
        for each in waiting:
            _note(_after(each, unfinished, began), each, retention_days)
    return rewritten


def _days(waiting: Sequence[Erasure]) -> list[str]:
    stored = {*archive.stored_days(archive.EVENTS), *archive.stored_days(archive.EXPOSURES)}
    return sorted(day for day in stored if _erased_at(day, waiting))


def _erased_at(day: str, waiting: Sequence[Erasure]) -> dict[str, int]:
    """Return when those were erased, by pseudonym, whom that day concerns."""
    return {each.pseudonym: each.erased_at for each in waiting if each.concerns(day)}


def _after(erasure: Erasure, unfinished: str, began: int) -> Erasure:
    if unfinished and unfinished <= erasure.last_day:
        return erasure.at(erasure.stage)._replace(archive_from=max(erasure.archive_from, unfinished))
    return erasure.looked_through(began)


def _note(after: Erasure, before: Erasure, retention_days: int) -> None:
    try:
        commit([erasures.put(after, before.step, retention_days)])
    except CancelledError:
        return  # another run, or the erasure of a new user of that id, has noted its own progress


def _copies(day: str) -> Iterator[_Stored]:
    for kind in (archive.EVENTS, archive.EXPOSURES):
        for key, copies in archive.copies(day, kind).items():
            yield from (_Stored(day, kind, key, copy) for copy in copies)


def _replaced(stored: _Stored, erased_at: Mapping[str, int], pseudonyms: Pseudonyms) -> bool:
    """Replace a copy that has lines of erased users by its other lines; tell whether it had any."""
    lines = archive.lines_of(stored.key, stored.copy)
    remaining = _remaining(lines, erased_at, pseudonyms)
    if len(remaining) == len(lines):
        return False
    # The new object first: a crash in between leaves lines twice, which readers know from redelivery.
    if stored.copy.is_current and remaining:
        archive.put(stored.day, remaining, stored.kind)
    archive.delete(stored.key, stored.copy)
    return True


def _remaining(lines: Iterable[bytes], erased_at: Mapping[str, int], pseudonyms: Pseudonyms) -> list[bytes]:
    """Return the lines without what was received up to the erasure of its user; `erased_at` by pseudonym."""

    @cache
    def erased(user_id: str) -> int | None:
        return erased_at.get(pseudonyms.of(user_id))

    def is_erased(line: bytes) -> bool:
        row = json.loads(line)
        until = erased(row["user_id"])
        return until is not None and milliseconds(datetime.fromisoformat(row["received_at"])) <= until

    return [line for line in lines if not is_erased(line)]
