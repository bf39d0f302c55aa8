"""Counting events exactly once: micro-batches of a few users, each written in one transaction.

Every transaction rewrites the heads of its users on the condition of their versions and puts an EVENT item
per event on the condition that there is none: an event is counted in the transaction that stores it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import chain, islice
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

MAX_EVENTS = 25  # of up to 25 users: a HEAD, an EVENT and a few counters each, of 100 actions

type EventKey = tuple[str, str]
"""(user id, event id)"""


@dataclass
class Outcome:
    """The result of a batch; `outage` is set when the store did not answer the last attempt."""

    counted: list[Event] = field(default_factory=list)
    uncounted: list[Event] = field(default_factory=list)
    """Stored, but in no ledger: the user has too many event types, or the event fits no transaction."""
    duplicates: set[EventKey] = field(default_factory=set)
    erased: set[EventKey] = field(default_factory=set)
    """Dropped: the user was erased after the event was received."""
    failed: set[EventKey] = field(default_factory=set)
    transactions: int = 0
    conflicts: int = 0
    outage: UnavailableError | None = None


class _Loaded(NamedTuple):
    """The users of some events, and their experiments; those that ended before `keep_after` are put away."""

    keep_after: int
    users: dict[str, StoredUser]
    experiments: dict[str, Experiment]

    def plan(self, group: list[Event]) -> Transaction:
        """Return one transaction for as many of the events as fit it."""
        compact_before = self.keep_after - GRACE_DAYS * DAY_MS
        return batch(group, self.users, self.experiments, self.keep_after, compact_before)


class _Pending(Waiting[EventKey]):
    """The events that are still to be counted, by user."""

    def __init__(self, received: Iterable[Event]) -> None:
        super().__init__()
        self.outcome = Outcome(failed=self.failed)
        self.events: dict[str, dict[str, Event]] = {}
        for event in received:
            self.events.setdefault(event.user_id, {}).setdefault(event.event_id, event)

    def group(self) -> list[Event]:
        """Return the next events for one transaction; those of a user to be tried alone come alone."""
        first = next(iter(self.events))
        together = (user_id for user_id in self.events if user_id not in self.alone)
        user_ids = [first] if first in self.alone else together
        events = chain.from_iterable(self.events[user_id].values() for user_id in user_ids)
        return list(islice(events, MAX_EVENTS))

    def settle(self, events: Iterable[Event]) -> set[EventKey]:
        """Remove these events, and return their keys."""
        keys = {(event.user_id, event.event_id) for event in events}
        for user_id, event_id in keys:
            del self.events[user_id][event_id]
            if not self.events[user_id]:
                del self.events[user_id]
        return keys

    def remove(self, user_id: str) -> set[EventKey]:
        """Remove all events of a user, and return their keys."""
        return {(user_id, event_id) for event_id in self.events.pop(user_id, {})}

    def note_refused(self, user_ids: set[str], attempted: set[str]) -> None:
        """Count a failed attempt of all whose events still wait, and a conflict of those refused."""
        self.note_conflicts(user_ids)
        self.outcome.conflicts += 1
        self.note_attempt(attempted & self.events.keys())


def count_events(received: Iterable[Event], runtime: Runtime, has_time: Callable[[], bool]) -> Outcome:
    """Count each event that was not counted before; `has_time` says whether another attempt may begin."""
    pending = _Pending(received)
    while pending.events and has_time():
        group = pending.group()
        attempted = _user_ids(group)
        pending.pause(attempted, runtime)
        try:
            loaded = _load(by_user(group), runtime)
            if _set_aside(group, loaded.users, pending):
                continue
            transaction = loaded.plan(group)
            # Not all of the group may fit: from here on an outage counts as an attempt of these users alone.
            attempted = _user_ids(transaction.events())
            pending.outcome.transactions += 1
            refusal = commit(transaction, runtime)
        except UnavailableError as unavailable:
            pending.outcome.outage = unavailable
            pending.note_attempt(attempted)
        except Exception:  # noqa: BLE001 - the worker's edge: one broken user must not stop the others
            telemetry.logger.exception("events could not be counted")
            pending.isolate(_user_ids(group))
        else:
            _settle(transaction, refusal, pending)
    pending.give_up(pending.events)
    return pending.outcome


def _user_ids(events: Iterable[Event]) -> set[str]:
    return {event.user_id for event in events}


def _load(events_of: dict[str, list[Event]], runtime: Runtime) -> _Loaded:
    """Read what these events need of their users, and the users' experiments."""
    keep_after = runtime.clock() - settings.retention_days() * DAY_MS
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
    # Last, so that the age of the cached experiments is bounded when the transaction is sent.
    wanted = {b.experiment_id for user in found.values() for b in user.head.boundaries + user.ledger.past}
    return _Loaded(keep_after, found, runtime.experiments.read_many(wanted, runtime.clock()))


def _needs_past(head: Head, user_events: list[Event], keep_after: int) -> bool:
    """Tell whether an event is older than what was put away, or more is about to be put away."""
    is_late = any(event.at < head.past_until for event in user_events)
    return bool(head.past_until) and (is_late or is_over(head, keep_after))


def _set_aside(group: list[Event], loaded: dict[str, StoredUser], pending: _Pending) -> bool:
    """Set aside users who were erased or whose reads are torn; tell whether there are any."""
    # Erasures first: an erasure deletes the user's ledgers before HEAD, so their reads look torn.
    if _drop_erased(group, loaded, pending):
        return True
    torn = {user_id for user_id, user in loaded.items() if user.is_torn()}
    if torn:
        pending.note_refused(torn, _user_ids(group))
    return bool(torn)


def _drop_erased(group: list[Event], loaded: dict[str, StoredUser], pending: _Pending) -> bool:
    """Drop events received before their user was erased, and users whose erasure is in progress."""
    erased = [event for event in group if event.received <= loaded[event.user_id].head.erased_at]
    pending.outcome.erased |= pending.settle(erased)
    # Failed, not dropped: the queue delivers them again, and by then the erasure may have ended.
    erasing = {user_id for user_id, user in loaded.items() if user.head.erasing} & pending.events.keys()
    pending.give_up(erasing)
    return bool(erased or erasing)


def _settle(transaction: Transaction, refusal: Refusal | None, pending: _Pending) -> None:
    """Remove the events that are counted, now or before; note the users whose writes were refused."""
    outcome = pending.outcome
    if refusal is None:
        outcome.outage = None
        pending.settle(transaction.events())
        outcome.counted += transaction.counted()
        outcome.uncounted += transaction.uncounted()
        return
    # An event's condition fails where its item exists: it was counted before, whatever the user's version.
    outcome.duplicates |= pending.settle(event_writes(refusal.failed))
    refused = {write.user_id for write in refusal.failed if not isinstance(write, Event | Uncounted)}
    refused |= {write.user_id for write in refusal.conflicted}
    if refused or refusal.contended:
        pending.note_refused(refused, _user_ids(transaction.events()))
