"""Counting events exactly once: micro-batches of a few users, each written in one transaction.

Every transaction rewrites the heads of its users on the condition of their versions and puts an EVENT item
per event on the condition that there is none: an event is counted in the transaction that stores it.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from experimentation import settings, telemetry
from experimentation.domain.clock import DAY_MS
from experimentation.domain.counting.compaction import compact
from experimentation.domain.counting.counters import Adds
from experimentation.domain.counting.event import Event
from experimentation.domain.counting.ledger import Boundary, Head, is_over
from experimentation.domain.counting.recording import Happening, Ledger, record
from experimentation.domain.counting.windows import add_counters
from experimentation.domain.errors import UnavailableError
from experimentation.domain.experiment import Experiment
from experimentation.storage import events, rollups, users
from experimentation.storage.aws.transactions import MAX_ACTIONS, Action, CancelledError, commit
from experimentation.usecases.runtime import Runtime

MAX_EVENTS = 25
MAX_COUNTERS = 250  # of one item: an update expression holds 4 KB
MAX_TRIES = 8
CONFLICTS_TO_SPLIT = 2

type EventKey = tuple[str, str]
"""(user id, event id)"""


@dataclass
class Outcome:
    """What became of a batch; `outage` is set when the store did not answer the last try."""

    counted: list[Event] = field(default_factory=list)
    duplicates: set[EventKey] = field(default_factory=set)
    failed: set[EventKey] = field(default_factory=set)
    transactions: int = 0
    conflicts: int = 0
    outage: UnavailableError | None = None


class _Stored(NamedTuple):
    """What is stored of one user: the past only where an event needs it."""

    head: Head
    spilled: dict[str, users.Spilled]
    past: tuple[Boundary, ...]


class _Write(NamedTuple):
    """One action, and what it means when it is refused: `event_id` is None for HEAD, METRIC and PAST."""

    action: Action
    user_id: str
    event_id: str | None


@dataclass
class _Plan:
    """One transaction in the making."""

    writes: list[_Write] = field(default_factory=list)
    adds: Adds = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.writes) + len(self.adds)

    def joined(self, other: "_Plan") -> "_Plan":
        """Return both in one."""
        adds = {key: dict(counters) for key, counters in self.adds.items()}
        for key, counters in other.adds.items():
            add_counters(adds.setdefault(key, {}), counters)
        return _Plan(self.writes + other.writes, adds, self.events + other.events)

    def fits(self) -> bool:
        """Tell whether DynamoDB takes it as one transaction."""
        return len(self) <= MAX_ACTIONS and all(len(each) <= MAX_COUNTERS for each in self.adds.values())


class _Batch:
    """The events that are still to be counted, by user, and how often each user was in the way."""

    def __init__(self, batch: Iterable[Event]) -> None:
        self.pending: dict[str, dict[str, Event]] = {}
        self.tries: Counter[str] = Counter()
        self.conflicts: Counter[str] = Counter()
        self.alone: set[str] = set()
        for event in batch:
            self.pending.setdefault(event.user_id, {}).setdefault(event.event_id, event)

    def group(self) -> list[Event]:
        """Return the next events for one transaction; a user in the way of others comes alone."""
        chosen: list[Event] = []
        for user_id, waiting in self.pending.items():
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
        waiting = self.pending[user_id]
        del waiting[event_id]
        if not waiting:
            del self.pending[user_id]

    def isolate(self, suspects: Iterable[str]) -> set[EventKey]:
        """Try these users one by one; return the events of one that was alone already: he is to blame."""
        found = set(suspects)
        if len(found) > 1:
            self.alone |= found
            return set()
        return {(user_id, event_id) for user_id in found for event_id in self.pending.pop(user_id)}

    def tried(self, users_tried: Iterable[str]) -> set[EventKey]:
        """Count a failed try of these users; return the events of those that were tried too often."""
        given_up: set[EventKey] = set()
        for user_id in set(users_tried):
            self.tries[user_id] += 1
            if self.tries[user_id] >= MAX_TRIES:
                given_up |= {(user_id, event_id) for event_id in self.pending.pop(user_id, {})}
        return given_up


def count_events(batch: Iterable[Event], runtime: Runtime, has_time: Callable[[], bool]) -> Outcome:
    """Count each event that was not counted before; `has_time` says whether another try may begin."""
    work, outcome = _Batch(batch), Outcome()
    while work.pending and has_time():
        group = work.group()
        tried = max(work.tries[event.user_id] for event in group)
        if tried:
            runtime.pause(tried)
        plan = _Plan(events=group)
        try:
            plan = _plan(group, runtime)
            actions, owners = _actions(plan, runtime)
            outcome.transactions += 1
            commit(actions)
        except CancelledError as cancelled:
            _learn(cancelled, plan, owners, work, outcome, runtime)
        except UnavailableError as unavailable:
            outcome.outage = unavailable
            outcome.failed |= work.tried(event.user_id for event in plan.events)
        except Exception:  # noqa: BLE001 - the worker's edge: one broken user must not stop the others
            telemetry.logger.exception("events could not be counted")
            outcome.failed |= work.isolate(event.user_id for event in group)
        else:
            outcome.outage = None
            for event in plan.events:
                work.drop(event.user_id, event.event_id)
            outcome.counted += plan.events
    outcome.failed |= {(user_id, event_id) for user_id, each in work.pending.items() for event_id in each}
    return outcome


def _learn(
    cancelled: CancelledError,
    plan: _Plan,
    owners: list[str],
    work: _Batch,
    outcome: Outcome,
    runtime: Runtime,
) -> None:
    """Drop the duplicates, note who was in the way, and draw another shard after a conflict."""
    blamed: set[str] = set()
    for position, write in enumerate(plan.writes):
        if cancelled.was_in_the_way(position):
            blamed.add(write.user_id)
        elif cancelled.condition_failed(position):
            if write.event_id is None:
                blamed.add(write.user_id)
            else:
                work.drop(write.user_id, write.event_id)
                outcome.duplicates.add((write.user_id, write.event_id))
    for user_id in blamed:
        work.conflicts[user_id] += 1
        if work.conflicts[user_id] >= CONFLICTS_TO_SPLIT:
            work.alone.add(user_id)
    crowded = [
        owner for position, owner in enumerate(owners, len(plan.writes)) if cancelled.was_in_the_way(position)
    ]
    if crowded:
        runtime.draw_again()
        runtime.make_room(crowded)
    if blamed or crowded:
        outcome.conflicts += 1
        still_waiting = {event.user_id for event in plan.events} & work.pending.keys()
        outcome.failed |= work.tried(still_waiting)


def _plan(group: list[Event], runtime: Runtime) -> _Plan:
    """Return one transaction for as many of the events as fit."""
    by_user: dict[str, list[Event]] = {}
    for event in group:
        by_user.setdefault(event.user_id, []).append(event)
    keep_after = runtime.clock() - settings.retention_days() * DAY_MS
    stored = _stored(by_user, keep_after)
    # Last, so that the age of what is known of the experiments is bounded when the transaction is sent.
    known = _experiments(stored.values(), runtime)
    plan = _Plan()
    for user_id, his in by_user.items():
        joined = plan.joined(_single(user_id, his, stored[user_id], known, keep_after))
        if plan.events and not joined.fits():
            break
        plan = joined
    return plan


def _stored(by_user: dict[str, list[Event]], keep_after: int) -> dict[str, _Stored]:
    """Return what is stored of each user, as far as these events need it."""
    heads = users.read_heads(by_user)
    wanted = {
        (user_id, event.type): None
        for user_id, his in by_user.items()
        for event in his
        if event.type in heads[user_id].spilled
    }
    spilled = users.read_spilled(wanted)
    stored: dict[str, _Stored] = {}
    for user_id, head in heads.items():
        mine = {pair[1]: spilled.get(pair, users.UNSEEN) for pair in wanted if pair[0] == user_id}
        is_late = any(event.at < head.past_until for event in by_user[user_id])
        needs_past = head.past_until and (is_late or is_over(head, keep_after))
        stored[user_id] = _Stored(head, mine, users.read_past(user_id) if needs_past else ())
    return stored


def _single(
    user_id: str, his: list[Event], stored: _Stored, known: dict[str, Experiment], keep_after: int
) -> _Plan:
    """Return what one user's events write; fewer events where all would not fit one transaction."""
    cells = {event_type: each.cells for event_type, each in stored.spilled.items()}
    before = Ledger(stored.head, cells, stored.past)
    while True:
        happenings = [Happening(event.type, event.at, event.value) for event in his]
        after, adds = record(before, known, happenings, keep_after)
        after = compact(after, {event.type for event in his}, keep_after - events.GRACE_DAYS * DAY_MS)
        writes = _user_writes(user_id, before, after, stored, {event.type for event in his})
        writes += [_Write(events.put(event), user_id, event.event_id) for event in his]
        plan = _Plan(writes, adds, his)
        if plan.fits() or len(his) == 1:
            return plan
        his = his[: len(his) // 2]


def _user_writes(
    user_id: str, before: Ledger, after: Ledger, stored: _Stored, touched: set[str]
) -> list[_Write]:
    head, moved = users.spill(after.head)
    writes = [_Write(users.put_head(user_id, before.head.version, head), user_id, None)]
    for event_type, cells in moved.items():
        writes.append(_Write(users.put_spilled(user_id, event_type, 0, cells), user_id, None))
    for event_type in sorted(touched & before.head.spilled):
        version = stored.spilled[event_type].version
        cells = after.spilled[event_type]
        writes.append(_Write(users.put_spilled(user_id, event_type, version, cells), user_id, None))
    if after.past != before.past:
        writes.append(_Write(users.put_past(user_id, after.past), user_id, None))
    return writes


def _experiments(stored: Iterable[_Stored], runtime: Runtime) -> dict[str, Experiment]:
    """Return the experiments of these users."""
    now = runtime.clock()
    wanted = {b.experiment_id for each in stored for b in each.head.boundaries + each.past}
    return runtime.experiments.read_many(wanted, now)


def _actions(plan: _Plan, runtime: Runtime) -> tuple[list[Action], list[str]]:
    """Return the plan's actions, the rollups' last, and the experiment that each rollup belongs to."""
    now = runtime.clock()
    actions = [write.action for write in plan.writes]
    owners: list[str] = []
    for (experiment_id, key), counters in plan.adds.items():
        experiment = runtime.experiments.read(experiment_id, now)
        partition = rollups.partition(experiment, runtime.shard(experiment.shards))
        actions.append(rollups.add(partition, key, counters, now))
        owners.append(experiment_id)
    return actions, owners
