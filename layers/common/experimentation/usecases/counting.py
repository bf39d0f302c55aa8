"""Counting events exactly once: micro-batches of a few users, each written in one transaction.

Every transaction rewrites the heads of its users on the condition of their versions and puts an EVENT item
per event on the condition that there is none: an event is counted in the transaction that stores it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from experimentation import settings, telemetry
from experimentation.domain.clock import DAY_MS
from experimentation.domain.counting.batching import batch, by_user
from experimentation.domain.counting.event import Event
from experimentation.domain.counting.ledger import Head, is_over
from experimentation.domain.counting.retention import GRACE_DAYS
from experimentation.domain.counting.user import StoredUser
from experimentation.domain.counting.writes import Transaction, Uncounted, event_writes
from experimentation.domain.errors import UnavailableError
from experimentation.domain.experiment import Experiment
from experimentation.storage import users
from experimentation.storage.writing import Refusal
from experimentation.usecases.committing import commit
from experimentation.usecases.retrying import Waiting
from experimentation.usecases.runtime import Runtime
from experimentation.usecases.user_heads import read_heads

MAX_EVENTS = 25

type EventKey = tuple[str, str]
"""(user id, event id)"""


@dataclass
class Outcome:
    """What became of a batch; `outage` is set when the store did not answer the last attempt."""

    counted: list[Event] = field(default_factory=list)
    uncounted: list[Event] = field(default_factory=list)
    """Stored, but in no ledger: the user has too many event types, or the event fits no transaction."""
    duplicates: set[EventKey] = field(default_factory=set)
    erased: set[EventKey] = field(default_factory=set)
    """Dropped: who did it was erased since it was received."""
    failed: set[EventKey] = field(default_factory=set)
    transactions: int = 0
    conflicts: int = 0
    outage: UnavailableError | None = None


class _Loaded(NamedTuple):
    """The users of some events, and the experiments that they are or were in."""

    users: dict[str, StoredUser]
    experiments: dict[str, Experiment]


class _Pending(Waiting[EventKey]):
    """The events that are still to be counted, by user."""

    def __init__(self, received: Iterable[Event]) -> None:
        super().__init__()
        self.events: dict[str, dict[str, Event]] = {}
        for event in received:
            self.events.setdefault(event.user_id, {}).setdefault(event.event_id, event)

    def group(self) -> list[Event]:
        """Return the next events for one transaction; a user whose conflicts hold up others comes alone."""
        chosen: list[Event] = []
        for user_id, waiting in self.events.items():
            if user_id in self.alone:
                if not chosen:
                    return list(waiting.values())[:MAX_EVENTS]
                continue
            chosen += list(waiting.values())[: MAX_EVENTS - len(chosen)]
            if len(chosen) >= MAX_EVENTS:
                break
        return chosen

    def drop(self, user_id: str, event_id: str) -> None:
        """Take an event off the list."""
        waiting = self.events[user_id]
        del waiting[event_id]
        if not waiting:
            del self.events[user_id]

    def give_up(self, user_id: str) -> set[EventKey]:
        """Take all events of a user off the list, and name them."""
        return {(user_id, event_id) for event_id in self.events.pop(user_id, {})}


def count_events(received: Iterable[Event], runtime: Runtime, has_time: Callable[[], bool]) -> Outcome:
    """Count each event that was not counted before; `has_time` says whether another attempt may begin."""
    pending, outcome = _Pending(received), Outcome()
    while pending.events and has_time():
        group = pending.group()
        pending.pause((event.user_id for event in group), runtime)
        planned = group  # whom an outage holds up until it is known who is in the transaction
        try:
            transaction = _planned(group, pending, outcome, runtime)
            if transaction is None:
                continue
            planned = transaction.events()
            outcome.transactions += 1
            refusal = commit(transaction, runtime)
        except UnavailableError as unavailable:
            outcome.outage = unavailable
            outcome.failed |= pending.note_attempt(event.user_id for event in planned)
        except Exception:  # noqa: BLE001 - the worker's edge: one broken user must not stop the others
            telemetry.logger.exception("events could not be counted")
            outcome.failed |= pending.isolate({event.user_id for event in group})
        else:
            _apply(refusal, planned, transaction.uncounted(), pending, outcome)
    for user_id in list(pending.events):
        outcome.failed |= pending.give_up(user_id)
    return outcome


def _planned(group: list[Event], pending: _Pending, outcome: Outcome, runtime: Runtime) -> Transaction | None:
    """Return one transaction for as many events as fit; None where an erasure or torn reads come first."""
    keep_after = runtime.clock() - settings.retention_days() * DAY_MS
    loaded = _load(by_user(group), keep_after, runtime)
    # Before the torn: of somebody who is being erased the ledgers go first, and HEAD last.
    if _erased(group, loaded.users, pending, outcome):
        return None
    torn = {user_id for user_id, user in loaded.users.items() if user.is_torn()}
    if torn:
        _note_refused(torn, group, pending, outcome)
        return None
    compact_before = keep_after - GRACE_DAYS * DAY_MS
    return batch(group, loaded.users, loaded.experiments, keep_after, compact_before)


def _erased(group: list[Event], loaded: dict[str, StoredUser], pending: _Pending, outcome: Outcome) -> bool:
    """Drop what erased users did, and leave what came since for when the erasure is over; tell if any."""
    gone = [event for event in group if event.received <= loaded[event.user_id].head.erased_at]
    for event in gone:
        pending.drop(event.user_id, event.event_id)
        outcome.erased.add((event.user_id, event.event_id))
    # Failed, not dropped: the queue brings them again, and by then the erasure may have ended.
    busy = {user_id for user_id, user in loaded.items() if user.head.erasing} & pending.events.keys()
    for user_id in busy:
        outcome.failed |= pending.give_up(user_id)
    return bool(gone or busy)


def _apply(
    refusal: Refusal | None,
    planned: list[Event],
    uncounted: list[Event],
    pending: _Pending,
    outcome: Outcome,
) -> None:
    """Take what was counted, or is a duplicate, off the list; note whose writes were refused."""
    if refusal is None:
        outcome.outage = None
        for event in planned:
            pending.drop(event.user_id, event.event_id)
        outcome.counted += [event for event in planned if event not in uncounted]
        outcome.uncounted += uncounted
        return
    # An event's condition fails where its item exists: it was counted before, under whatever user version.
    for event in event_writes(refusal.failed):
        pending.drop(event.user_id, event.event_id)
        outcome.duplicates.add((event.user_id, event.event_id))
    refused = {write.user_id for write in refusal.failed if not isinstance(write, Event | Uncounted)}
    refused |= {write.user_id for write in refusal.conflicted}
    if refused or refusal.contended:
        _note_refused(refused, planned, pending, outcome)


def _note_refused(refused: set[str], planned: list[Event], pending: _Pending, outcome: Outcome) -> None:
    """Count a failed attempt of all that were planned, and a conflict of those who were refused."""
    for user_id in refused:
        pending.note_conflict(user_id)
    outcome.conflicts += 1
    still_waiting = {event.user_id for event in planned} & pending.events.keys()
    outcome.failed |= pending.note_attempt(still_waiting)


def _load(events_of: dict[str, list[Event]], keep_after: int, runtime: Runtime) -> _Loaded:
    """Read the users as far as these events need them, and the experiments that they are in."""
    heads = read_heads(events_of, runtime)
    found = users.read_users(
        users.Need(
            user_id,
            heads[user_id],
            frozenset(event.type for event in user_events),
            past=_needs_past(heads[user_id], user_events, keep_after),
        )
        for user_id, user_events in events_of.items()
    )
    # Last, so that the age of what is known of the experiments is bounded when the transaction is sent.
    wanted = {b.experiment_id for user in found.values() for b in user.head.boundaries + user.ledger.past}
    return _Loaded(found, runtime.experiments.read_many(wanted, runtime.clock()))


def _needs_past(head: Head, user_events: list[Event], keep_after: int) -> bool:
    """Tell whether an event is older than what was put away, or more is about to be put away."""
    is_late = any(event.at < head.past_until for event in user_events)
    return bool(head.past_until) and (is_late or is_over(head, keep_after))
