"""Erasing a person in steps: each is one transaction with the erasure's progress, so any runner can go on.

From the first step on, HEAD is closed to everybody else: what is stored of the person stands still, and gives
the same counters again after a crash. HEAD itself is deleted last.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import batched
from typing import TYPE_CHECKING, NamedTuple

from experimentation import settings
from experimentation.domain.counting.counters import Adds, crossover_adds, late_adds
from experimentation.domain.counting.erasing import (
    HEAD_STAYS_MS,
    IN_TABLES,
    Erasure,
    Leaving,
    Stage,
    contribution,
    enrolment_writes,
    groups,
    hours_of,
    position,
)
from experimentation.domain.counting.ledger import END, Head
from experimentation.domain.counting.retention import Retention
from experimentation.domain.counting.writes import MAX_ACTIONS, CounterWrite
from experimentation.domain.errors import UnavailableError
from experimentation.domain.experiment import Experiment
from experimentation.domain.facts import Cause
from experimentation.storage import (
    assignments,
    crossovers,
    erasures,
    experiments,
    history,
    retention,
    rollups,
    users,
)
from experimentation.storage.access import audit
from experimentation.storage.access.audit import Deed, Origin
from experimentation.storage.aws.transactions import CONDITION_FAILED, CancelledError, commit, delete
from experimentation.usecases.runtime import Runtime
from experimentation.usecases.user_history import read_all, read_events, read_user

if TYPE_CHECKING:
    from experimentation.storage.aws.transactions import Action

MAX_TRIES = 8
MOST = MAX_ACTIONS - 1  # beside the erasure itself
EXPERIMENTS_AT_ONCE = 25
OVERTAKEN = experiments.PASSING | {CONDITION_FAILED}
CAUSE = Cause("erasure", "changed")


class _OvertakenError(Exception):
    """Another runner has taken a step, or another transaction was in conflict."""


class _Step(NamedTuple):
    """Where the erasure is once the actions are written with it."""

    stage: Stage
    after: str = ""
    actions: "list[Action] | tuple[()]" = ()


def begin(user_id: str, origin: Origin, runtime: Runtime) -> Erasure:
    """Return the erasure in progress for this person, or start one."""
    now = runtime.clock()
    # Announced before HEAD is closed: environments cache for 30 s whether anybody was ever erased.
    pseudonym = erasures.announce(now).of(user_id)
    accepted_since = (retention.stored() or Retention(settings.retention_days())).oldest_accepted(now)
    for _ in runtime.attempts(MAX_TRIES):
        earlier = erasures.read(pseudonym)
        if earlier is not None and earlier.stage in IN_TABLES:
            return earlier
        head = _head(user_id, earlier)
        # All that HEAD names must be visible before it is closed: later reads compute the counters from it.
        if read_all(user_id, head).is_torn():
            continue
        read_step = None if earlier is None else earlier.step
        begun = Erasure(
            pseudonym,
            now,
            accepted_since,
            head.base + head.version + 1,
            Stage.ASSIGNMENTS,
            user_id,
            step=(read_step or 0) + 1,
        )
        closing = users.put_erasing(user_id, head, now)
        try:
            _write(begun, read_step, [closing, audit.writing(Deed.USER_ERASED, origin, pseudonym)])
        except _OvertakenError:
            continue
        return begun
    raise UnavailableError("this user is being changed by too many requests at once; try again")


def _head(user_id: str, earlier: Erasure | None) -> Head:
    head = users.read_head(user_id, consistent=True)
    if earlier is None or head.version:
        return head
    # The earlier erasure deleted HEAD. Its versions go on from there, so that a request that still holds the
    # old HEAD cannot meet its condition again.
    return Head(base=earlier.head_version)


def proceed(erasure: Erasure, runtime: Runtime, has_time: Callable[[], bool]) -> Erasure:
    """Take the steps that are due while there is time, and return how far the erasure is.

    A runner that was overtaken goes on from the step that the other has written.
    """
    for _ in runtime.attempts(MAX_TRIES):
        try:
            return _take_steps(erasure, runtime, has_time)
        except _OvertakenError:
            erasure = erasures.read(erasure.pseudonym) or erasure
    return erasure


def _take_steps(erasure: Erasure, runtime: Runtime, has_time: Callable[[], bool]) -> Erasure:
    while erasure.stage in IN_TABLES:
        stage = erasure.stage
        for step in _STEPS[stage](erasure, runtime):
            if not has_time():
                return erasure
            after = erasure.at(step.stage, step.after)
            _write(after, erasure.step, step.actions)
            erasure = after
        if erasure.stage is stage:
            break  # HEAD stays a while, so the stage is not over although no step is due
    return erasure


def _write(erasure: Erasure, read_step: int | None, actions: "list[Action] | tuple[()]") -> None:
    try:
        commit([erasures.put(erasure, read_step, settings.retention_days()), *actions])
    except CancelledError as cancelled:
        if set(cancelled.reasons) <= OVERTAKEN:
            raise _OvertakenError from cancelled
        raise


def _assignments(erasure: Erasure, runtime: Runtime) -> Iterator[_Step]:
    user_id = _user_id(erasure)
    user = read_user(user_id, runtime)
    assigned = {each.experiment_id for each in user.boundaries if each.variant != END}
    ids = sorted(experiment_id for experiment_id in assigned if experiment_id > erasure.after)
    for batch in batched(ids, MOST // 2, strict=False):  # two actions at most for each
        removals = [assignments.removal(experiment_id, user_id) for experiment_id in batch]
        yield _Step(Stage.ASSIGNMENTS, batch[-1], [*removals, *_late_counters(batch, user_id, runtime)])
    yield _Step(Stage.COUNTERS)


def _late_counters(experiment_ids: Iterable[str], user_id: str, runtime: Runtime) -> "list[Action]":
    """Keep the counters of late assignments: only the items that are removed tell that they were late."""
    stored = assignments.read_many((experiment_id, user_id) for experiment_id in experiment_ids).values()
    late = {each.experiment_id: each for each in stored if each.late}
    found = experiments.read_many(late)
    adds: Adds = {}
    for experiment_id, experiment in found.items():
        adds |= late_adds(experiment, late[experiment_id])
    return _kept(enrolment_writes(adds), found, runtime.clock())


def _counters(erasure: Erasure, runtime: Runtime) -> Iterator[_Step]:
    leaving = _leaving(erasure)
    found = experiments.read_many(each.experiment_id for each in leaving.boundaries)
    writes = (
        write
        for _, experiment in sorted(found.items())
        if erasure.keeps_counters(experiment)
        for write in contribution(experiment, leaving)
    )
    for group in groups(writes, erasure.after, MOST):
        yield _Step(Stage.COUNTERS, position(group[-1]), _kept(group, found, runtime.clock()))
    yield _Step(Stage.OVERRIDES)


def _leaving(erasure: Erasure) -> Leaving:
    """Return all that the person's counters can be computed from; it stands still while the erasure lasts."""
    user_id = _user_id(erasure)
    head = users.read_head(user_id, consistent=True)
    user = read_all(user_id, head)
    events = read_events(user_id, consistent=True)
    hours = hours_of(events, head, user.boundaries, erasure.hours_from)
    return Leaving(user.boundaries, user.ledger.all_cells, hours)


def _kept(writes: Iterable[CounterWrite], found: Mapping[str, Experiment], now: int) -> "list[Action]":
    """Return the writes to the shard that keeps what erased users added."""
    return [_kept_one(write, found[write.experiment_id], now) for write in writes]


def _kept_one(write: CounterWrite, experiment: Experiment, now: int) -> "Action":
    partition = rollups.enrolment_partition if write.is_enrolment else rollups.partition
    return rollups.add(partition(experiment, rollups.ERASED), write.key, write.counters, now)


def _overrides(erasure: Erasure, runtime: Runtime) -> Iterator[_Step]:
    ids = [experiment_id for experiment_id in experiments.with_history() if experiment_id > erasure.after]
    for batch in batched(ids, EXPERIMENTS_AT_ONCE, strict=False):
        found = experiments.read_many(batch)
        for experiment_id in batch:
            # Before the step that records it: a crash in between repeats it, and finds nothing left to do.
            _remove_user_id(experiment_id, found.get(experiment_id), erasure, runtime.clock())
        yield _Step(Stage.OVERRIDES, batch[-1], _crossovers(found, erasure, runtime.clock()))
    yield _Step(Stage.ITEMS)


def _crossovers(found: Mapping[str, Experiment], erasure: Erasure, now: int) -> "list[Action]":
    """Remove the person's crossovers, and keep their counters."""
    user_id = _user_id(erasure)
    stored = crossovers.known((experiment_id, user_id) for experiment_id in found)
    adds: Adds = {}
    for each in stored:
        adds |= crossover_adds(found[each.experiment_id], each)
    removals = [crossovers.removal(each.experiment_id, user_id) for each in stored]
    return [*removals, *_kept(enrolment_writes(adds), found, now)]


def _remove_user_id(experiment_id: str, experiment: Experiment | None, erasure: Erasure, now: int) -> None:
    """Take the user id out of the overrides, and put another name in its place in the history."""
    user_id, name = _user_id(erasure), f"erased-{erasure.pseudonym[:8]}"

    def without(each: Experiment) -> Experiment:
        return replace(each, overrides={key: to for key, to in each.overrides.items() if key != user_id})

    def renamed(each: Experiment) -> Experiment:
        overrides = {name if key == user_id else key: to for key, to in each.overrides.items()}
        return replace(each, overrides=overrides)

    if experiment is not None and user_id in experiment.overrides:
        experiments.change_because(experiment_id, without, now=now, cause=CAUSE, shown=renamed)
    history.replace_user(experiment_id, user_id, name)


def _items(erasure: Erasure, runtime: Runtime) -> Iterator[_Step]:
    user_id = _user_id(erasure)
    while keys := users.other_keys(user_id, MOST):
        yield _Step(Stage.ITEMS, "", [delete(key) for key in keys])
    if runtime.clock() >= erasure.erased_at + HEAD_STAYS_MS:
        yield _Step(Stage.ARCHIVE, "", [users.delete_erased(user_id, erasure.erased_at)])


# ITEMS after COUNTERS, which are computed from them: a crash in between computes the same again.
_STEPS: Mapping[Stage, Callable[[Erasure, Runtime], Iterator[_Step]]] = {
    Stage.ASSIGNMENTS: _assignments,
    Stage.COUNTERS: _counters,
    Stage.OVERRIDES: _overrides,
    Stage.ITEMS: _items,
}


def _user_id(erasure: Erasure) -> str:
    if erasure.user_id is None:
        raise AssertionError("an erasure that is done with the tables has no user id any more")
    return erasure.user_id
