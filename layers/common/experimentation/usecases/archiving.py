"""What the archive keeps of erased users: nothing that was received up to their erasure."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from experimentation.domain.clock import milliseconds
from experimentation.domain.counting.erasing import Erasure, Stage
from experimentation.storage import archive, erasures
from experimentation.storage.aws.transactions import CancelledError, commit
from experimentation.storage.erasures import Pseudonyms
from experimentation.storage.queue_message import Message


def without_erased(message: Message, erased_at: Mapping[str, int]) -> Message:
    """Return the message without what was received up to the erasure of whoever did it."""
    return Message(
        tuple(each for each in message.events if each.received > erased_at.get(each.user_id, -1)),
        message.request_id,
        tuple(each for each in message.exposures if each.received > erased_at.get(each.user_id, -1)),
    )


def erased_users(messages: Iterable[Message], pseudonyms: Pseudonyms) -> dict[str, int]:
    """Return when each erased user among the messages was erased.

    It reads nothing of those of whom everything was received after the latest erasure of all: that is all of
    what comes in time, but for the minute after an erasure.
    """
    older: set[str] = set()
    for message in messages:
        older |= {each.user_id for each in message.events if each.received <= pseudonyms.latest}
        older |= {each.user_id for each in message.exposures if each.received <= pseudonyms.latest}
    return erased_among(older, pseudonyms)


def erased_among(user_ids: Iterable[str], pseudonyms: Pseudonyms) -> dict[str, int]:
    """Return when each of these users was erased who was."""
    names = {pseudonyms.of(user_id): user_id for user_id in user_ids}
    return {names[each.pseudonym]: each.erased_at for each in erasures.read_many(names).values()}


def rewrite(clock: Callable[[], int], has_time: Callable[[], bool], retention_days: int) -> int:
    """Rewrite the archive without all who wait for it, day by day; return how many objects held some of them.

    Where the time is over or something fails, the next run goes on at the day that was not finished.
    """
    began = clock()
    waiting = [each for each in erasures.pending() if each.stage is Stage.ARCHIVE]
    if not waiting:
        return 0
    pseudonyms = erasures.pseudonyms()
    first = min(each.archive_from for each in waiting)
    last = max(each.last_day for each in waiting)
    rewritten = 0
    unfinished: str | None = first
    try:
        for day in _days(first, last):
            unfinished = day
            due = {each.pseudonym: each.erased_at for each in waiting if _concerns(each, day)}
            rewritten, finished = _of_day(day, due, pseudonyms, has_time, rewritten)
            if not finished:
                break
        else:
            unfinished = None
    finally:
        for each in waiting:
            _note(_after(each, unfinished, began), each, retention_days)
    return rewritten


def _days(first: str, last: str) -> list[str]:
    found = {*archive.stored_days(archive.EVENTS), *archive.stored_days(archive.EXPOSURES)}
    return sorted(day for day in found if first <= day <= last)


def _concerns(erasure: Erasure, day: str) -> bool:
    return erasure.archive_from <= day <= erasure.last_day


def _after(erasure: Erasure, unfinished: str | None, began: int) -> Erasure:
    if unfinished is not None and unfinished <= erasure.last_day:
        return erasure.at(erasure.stage)._replace(archive_from=max(erasure.archive_from, unfinished))
    return erasure.looked_through(began)


def _note(after: Erasure, before: Erasure, retention_days: int) -> None:
    try:
        commit([erasures.put(after, before.step, retention_days)])
    except CancelledError:
        return  # another run, or another erasure of a new user of that id: whichever has noted its own


def _of_day(
    day: str,
    due: Mapping[str, int],
    pseudonyms: Pseudonyms,
    has_time: Callable[[], bool],
    rewritten: int,
) -> tuple[int, bool]:
    if not due:
        return rewritten, True
    for kind in (archive.EVENTS, archive.EXPOSURES):
        for key, copies in archive.copies(day, kind).items():
            for copy in copies:
                if not has_time():
                    return rewritten, False
                rewritten += _of_copy(day, kind, key, copy, due, pseudonyms)
    return rewritten, True


def _of_copy(
    day: str, kind: str, key: str, copy: archive.Copy, due: Mapping[str, int], pseudonyms: Pseudonyms
) -> bool:
    """Replace a copy that holds somebody by what remains of it; tell whether it did."""
    lines = archive.lines_of(key, copy)
    remaining = _remaining(lines, due, pseudonyms)
    if len(remaining) == len(lines):
        return False
    # First the new object: a crash in between leaves lines twice, which readers know from redelivery.
    if copy.is_current and remaining:
        archive.put(day, remaining, kind)
    archive.delete(key, copy)
    return True


def _remaining(lines: Sequence[bytes], due: Mapping[str, int], pseudonyms: Pseudonyms) -> list[bytes]:
    names: dict[str, int] = {}
    remaining: list[bytes] = []
    for line in lines:
        row = json.loads(line)
        user_id = row["user_id"]
        if user_id not in names:
            names[user_id] = due.get(pseudonyms.of(user_id), -1)
        erased_at = names[user_id]
        if erased_at < 0 or milliseconds(datetime.fromisoformat(row["received_at"])) > erased_at:
            remaining.append(line)
    return remaining
