"""Erasing a person, in steps: each is a transaction with the erasure's own progress, so anybody may go on.

From the first one on HEAD is closed to everybody else, so that what is stored of the person stands still: it
gives the same counters again after a crash. HEAD itself goes last.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import batched
from typing import TYPE_CHECKING, NamedTuple

from experimentation import settings
from experimentation.domain.clock import DAY_MS, HOUR_MS, day_number
from experimentation.domain.counting.counters import DayTotal, crossover_adds, late_adds
from experimentation.domain.counting.erasing import (
    HEAD_STAYS_MS,
    IN_TABLES,
    Erasure,
    Leaving,
    Stage,
    contribution,
    enrolment_writes,
    groups,
    position,
)
from experimentation.domain.counting.ledger import END, Boundary, Head, merged, ordinal
from experimentation.domain.counting.retention import Retention
from experimentation.domain.counting.writes import MAX_ACTIONS, CounterWrite
from experimentation.domain.errors import UnavailableError
from experimentation.domain.experiment import Experiment
from experimentation.domain.facts import Cause
from experimentation.storage import (
    assignments,
    crossovers,
    erasures,
    events,
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

if TYPE_CHECKING:
    from experimentation.storage.aws.transactions import Action

MAX_TRIES = 8
MOST = MAX_ACTIONS - 1  # beside the erasure itself
EXPERIMENTS_AT_ONCE = 25
PAGE = 500
OVERTAKEN = experiments.PASSING | {CONDITION_FAILED}
CAUSE = Cause("erasure", "changed")


class _Step(NamedTuple):
    """Where the erasure is once the actions are written with it."""

    stage: Stage
    after: str = ""
    actions: "list[Action] | tuple[()]" = ()


def begin(user_id: str, origin: Origin, runtime: Runtime) -> Erasure:
    """Return the erasure of a person, which is begun unless one is at the tables already."""
    now = runtime.clock()
    pseudonym = erasures.announce(now).of(user_id)
    kept = retention.stored() or Retention(settings.retention_days())
    for _ in runtime.attempts(MAX_TRIES):
        before = erasures.read(pseudonym)
        if before is not None and before.stage in IN_TABLES:
            return before
        head = users.read_head(user_id, consistent=True)
        if before is not None and not head.version:
            # An earlier erasure took HEAD away. Its versions go on where they were, so that the condition of
            # whoever still holds the old HEAD cannot come true again.
            head = Head(base=before.head_version)
        step = 0 if before is None else before.step
        closed = head.base + head.version + 1
        begun = Erasure(
            pseudonym, now, kept.oldest_accepted(now), closed, Stage.ASSIGNMENTS, user_id, step=step + 1
        )
        closing = users.put_erasing(user_id, head, now)
        if _written(begun, step or None, [closing, audit.writing(Deed.USER_ERASED, origin, pseudonym)]):
            return begun
    raise UnavailableError("this user is being changed by too many requests at once; try again")


def proceed(erasure: Erasure, runtime: Runtime, has_time: Callable[[], bool]) -> Erasure:
    """Take the steps that are due while there is time, and return how far the erasure is.

    Whoever is overtaken by another runner goes on from where that one is.
    """
    for _ in runtime.attempts(MAX_TRIES):
        overtaken = False
        while erasure.stage in IN_TABLES and not overtaken:
            stage = erasure.stage
            for step in _STEPS[stage](erasure, runtime):
                if not has_time():
                    return erasure
                after = erasure.at(step.stage, step.after)
                overtaken = not _written(after, erasure.step, step.actions)
                if overtaken:
                    break
                erasure = after
            # All that is due is done, and the stage is not over: HEAD stays a while.
            if erasure.stage is stage and not overtaken:
                return erasure
        if not overtaken:
            return erasure
        erasure = erasures.read(erasure.pseudonym) or erasure
    return erasure


def _written(erasure: Erasure, read_step: int | None, actions: "list[Action] | tuple[()]") -> bool:
    try:
        commit([erasures.put(erasure, read_step, settings.retention_days()), *actions])
    except CancelledError as cancelled:
        if set(cancelled.reasons) <= OVERTAKEN:
            return False
        raise
    return True


def _assignments(erasure: Erasure, runtime: Runtime) -> Iterator[_Step]:
    user_id = _user_id(erasure)
    found = {each.experiment_id for each in _boundaries(user_id)[1] if each.variant != END}
    names = sorted(name for name in found if name > erasure.after)
    for some in batched(names, MOST // 2, strict=False):  # two actions at most for each
        stored = assignments.read_many((name, user_id) for name in some).values()
        known = experiments.read_many(each.experiment_id for each in stored if each.late)
        # With its item goes what told that an assignment was late: so that counter is kept here.
        late = (late_adds(known[each.experiment_id], each) for each in stored if each.experiment_id in known)
        kept = [_kept(write, known, runtime.clock()) for adds in late for write in enrolment_writes(adds)]
        removed = [assignments.removal(name, user_id) for name in some]
        yield _Step(Stage.ASSIGNMENTS, some[-1], [*removed, *kept])
    yield _Step(Stage.COUNTERS)


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
        actions = [_kept(each, found, runtime.clock()) for each in group]
        yield _Step(Stage.COUNTERS, position(group[-1]), actions)
    yield _Step(Stage.OVERRIDES)


def _kept(write: CounterWrite, found: Mapping[str, Experiment], now: int) -> "Action":
    partition = rollups.enrolment_partition if write.is_enrolment else rollups.partition
    key = partition(found[write.experiment_id], rollups.ERASED)
    return rollups.add(key, write.key, write.counters, now)


def _overrides(erasure: Erasure, runtime: Runtime) -> Iterator[_Step]:
    names = [name for name in experiments.with_history() if name > erasure.after]
    for some in batched(names, EXPERIMENTS_AT_ONCE, strict=False):
        found = experiments.read_many(some)
        for name in some:
            # Ahead of the step that says it is done: after a crash in between it finds nothing left to do.
            _forget(name, found.get(name), erasure, runtime.clock())
        yield _Step(Stage.OVERRIDES, some[-1], _crossed(found, erasure, runtime.clock()))
    yield _Step(Stage.ITEMS)


def _crossed(found: Mapping[str, Experiment], erasure: Erasure, now: int) -> "list[Action]":
    """Return the removal of the person's crossovers, whose counters are kept."""
    stored = crossovers.known((name, _user_id(erasure)) for name in found)
    adds = {each.experiment_id: crossover_adds(found[each.experiment_id], each) for each in stored}
    kept = [_kept(write, found, now) for each in adds.values() for write in enrolment_writes(each)]
    return [*(crossovers.removal(name, _user_id(erasure)) for name in adds), *kept]


def _forget(experiment_id: str, experiment: Experiment | None, erasure: Erasure, now: int) -> None:
    """Take the user id out of the overrides and out of the history, where another name stands for it."""
    user_id, name = _user_id(erasure), f"erased-{erasure.pseudonym[:8]}"

    def without(each: Experiment) -> Experiment:
        return replace(each, overrides={key: to for key, to in each.overrides.items() if key != user_id})

    def named(each: Experiment) -> Experiment:
        overrides = {name if key == user_id else key: to for key, to in each.overrides.items()}
        return replace(each, overrides=overrides)

    if experiment is not None and user_id in experiment.overrides:
        experiments.change_because(experiment_id, without, now=now, cause=CAUSE, shown=named)
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


def _leaving(erasure: Erasure) -> Leaving:
    """Return all that the person's counters can be computed from; it stands still while the erasure lasts."""
    user_id = _user_id(erasure)
    head, boundaries = _boundaries(user_id)
    spilled = users.read_spilled((user_id, event_type) for event_type in head.spilled)
    ledgers = {**head.ledgers, **{event_type: each.cells for (_, event_type), each in spilled.items()}}
    return Leaving(boundaries, ledgers, _hours(erasure, head, boundaries))


def _hours(
    erasure: Erasure, head: Head, boundaries: tuple[Boundary, ...]
) -> dict[str, dict[tuple[int, int, int], DayTotal]]:
    found: dict[str, dict[tuple[int, int, int], DayTotal]] = {}
    after: str | None = None
    while True:
        page = events.page(_user_id(erasure), PAGE, after, consistent=True)
        for event in page.counted:
            day, hour = day_number(event.at), event.at % DAY_MS // HOUR_MS
            if day >= erasure.hours_from:
                hours = found.setdefault(event.type, {})
                cell = day, hour, ordinal(head, boundaries, event.at)
                count, total = hours.get(cell, DayTotal(0, 0))
                hours[cell] = DayTotal(count + 1, total + event.value)
        after = page.next_event
        if after is None:
            return found


def _boundaries(user_id: str) -> tuple[Head, tuple[Boundary, ...]]:
    head = users.read_head(user_id, consistent=True)
    return head, merged(head, users.read_past(user_id) if head.past_until else ())


def _user_id(erasure: Erasure) -> str:
    if erasure.user_id is None:
        raise AssertionError("the tables are done: nobody knows whom this was about")
    return erasure.user_id
