"""Compare the archive's events with the table's, day by day; exit 1 on what waiting messages do not explain.

    python -m tools.reconcile --since 2026-11-01

The names of the table, the bucket and the queues come from the variables that the functions have (DATA_TABLE,
ARCHIVE_BUCKET, COUNT_QUEUE_URL and so on), the account from the usual AWS variables; of a local stack, all
come from `. .local/env`. It scans the whole table, reads the archive of the days, and keeps about 100 bytes
an event in memory: an operator's tool, not a request.
"""

import argparse
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from hashlib import blake2b
from typing import NamedTuple

from experimentation import settings
from experimentation.clock import wall_clock
from experimentation.domain.clock import milliseconds, moment
from experimentation.storage import archive, erasures, event_scan, queues

SETTLE_SECONDS = 120  # an event this young may be between the topic and its queues
MESSAGE_EVENTS = 500  # the most that one message can carry
READERS = 8

type Ids = set[bytes]
"""Fingerprints of (user id, event id), which is what identifies an event."""


class Day(NamedTuple):
    """One day of receipt: lines and distinct events in the archive, events in the table, what differs."""

    day: str
    lines: int
    archived: int
    stored: int
    not_stored: int
    not_archived: int


def fingerprint(user_id: str, event_id: str) -> bytes:
    """Return 16 bytes that stand for an event; neither id holds control characters."""
    return blake2b(f"{user_id}\x1f{event_id}".encode(), digest_size=16).digest()


def stored_events(before: int, segments: int) -> dict[str, Ids]:
    """Return the table's events by day of receipt, those received before a time in milliseconds."""

    def read(segment: int) -> dict[str, Ids]:
        days: dict[str, Ids] = {}
        for event in event_scan.scan(segment, segments):
            if event.received < before:
                day = moment(event.received).date().isoformat()
                days.setdefault(day, set()).add(fingerprint(event.user_id, event.event_id))
        return days

    merged: dict[str, Ids] = {}
    with ThreadPoolExecutor(segments) as pool:
        for days in pool.map(read, range(segments)):
            for day, ids in days.items():
                merged.setdefault(day, set()).update(ids)
    return merged


def archived_events(day: str, before: int, is_erased: Callable[[str, int], bool]) -> tuple[int, Ids]:
    """Return the number of lines of a day, and its distinct events, those received before a time.

    Lines of erased users wait for the archive to be rewritten: they are left out.
    """

    def read(key: str) -> list[bytes]:
        found = []
        for row in archive.read(key):
            received = milliseconds(datetime.fromisoformat(row["received_at"]))
            if received < before and not is_erased(row["user_id"], received):
                found.append(fingerprint(row["user_id"], row["event_id"]))
        return found

    lines, ids = 0, set()
    with ThreadPoolExecutor(READERS) as pool:
        for found in pool.map(read, archive.keys(day)):
            lines += len(found)
            ids.update(found)
    return lines, ids


def erased() -> Callable[[str, int], bool]:
    """Return what tells whether a user was erased since something of theirs was received."""
    pseudonyms = erasures.pseudonyms()
    erased_at = {each.pseudonym: each.erased_at for each in erasures.pending()} if pseudonyms.key else {}
    return lambda user_id, received: bool(erased_at) and received <= erased_at.get(pseudonyms.of(user_id), -1)


def compare(days: Iterable[str], stored: Mapping[str, Ids], before: int) -> list[Day]:
    """Return what differs on each day.

    An event that was sent twice may be archived on two days and is stored on one: not stored is what is
    stored on no day, not archived is what is not archived on the day on which it was received.
    """
    is_erased = erased()
    everywhere: Ids = set().union(*stored.values())
    compared = []
    for day in days:
        lines, archived = archived_events(day, before, is_erased)
        mine = stored.get(day, set())
        compared.append(
            Day(day, lines, len(archived), len(mine), len(archived - everywhere), len(mine - archived))
        )
    return compared


def waiting(source: str) -> int:
    """Return how many messages wait for a worker in its queue."""
    return queues.depth(settings.queue_url(source)).total


def given_up(source: str) -> int:
    """Return how many messages for a worker are dead letters: nothing brings them back but a replay."""
    dead = [settings.dead_letter_queue_url(name) for name, fed in queues.SOURCES.items() if fed == source]
    return sum(queues.depth(url).total for url in dead)


def unexplained(missing: int, messages: int) -> int:
    """Return how many events are more than the waiting messages can carry.

    >>> unexplained(700, 1), unexplained(400, 1), unexplained(3, 0)
    (200, 0, 3)
    """
    return max(0, missing - messages * MESSAGE_EVENTS)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    now = wall_clock()
    today = moment(now).date()
    parser = argparse.ArgumentParser(description="Compare the archive's events with the table's.")
    parser.add_argument("--since", type=date.fromisoformat, metavar="DATE", help="default: the retention")
    parser.add_argument("--until", type=date.fromisoformat, default=today, metavar="DATE")
    parser.add_argument("--segments", type=int, default=4, help="parallel readers of the table")
    parser.add_argument("--settle-seconds", type=int, default=SETTLE_SECONDS, help="ignore younger events")
    chosen = parser.parse_args(arguments)
    since = chosen.since or today - timedelta(days=settings.retention_days())
    days = [(since + timedelta(days=n)).isoformat() for n in range((chosen.until - since).days + 1)]
    before = now - chosen.settle_seconds * 1000
    # First of all: what leaves a queue while the rest is read can only make the two more alike.
    to_count, to_archive = waiting("count"), waiting("archive")
    dead_letters = given_up("count"), given_up("archive")
    compared = compare(days, stored_events(before, chosen.segments), before)
    return _report(compared, to_count, to_archive, dead_letters)


def _report(compared: Sequence[Day], to_count: int, to_archive: int, dead_letters: tuple[int, int]) -> int:
    print("date             lines  archived    stored  not stored  not archived")
    for day in compared:
        if any(day[1:]):
            print(f"{day[0]}  {day[1]:>10}{day[2]:>10}{day[3]:>10}{day[4]:>12}{day[5]:>14}")
    print(f"messages waiting to be counted: {to_count}, to be archived: {to_archive}")
    print(f"dead letters: of counting {dead_letters[0]}, of archiving {dead_letters[1]}")
    left = unexplained(sum(day.not_stored for day in compared), to_count)
    left += unexplained(sum(day.not_archived for day in compared), to_archive)
    print(f"{left} unexplained")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
