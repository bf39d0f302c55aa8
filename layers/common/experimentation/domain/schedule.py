"""What an experiment does by itself at set times: start, let more users in step by step, and end."""

from collections.abc import Iterator
from dataclasses import replace
from math import inf

from experimentation.domain.errors import FieldError, InvalidError
from experimentation.domain.experiment import Experiment, Schedule, Status
from experimentation.domain.lifecycle import transition
from experimentation.domain.percent import percent


def contradictions(experiment: Experiment) -> Iterator[FieldError]:
    """Yield what makes a schedule impossible at any time: an end before the start, a ramp that falls."""
    schedule = experiment.schedule
    if schedule is None:
        return
    start = schedule.start_at or 0
    end = inf if schedule.end_at is None else schedule.end_at
    if end <= start:
        yield FieldError("/schedule/end_at", "must come after start_at")
    at, traffic = start - 1, experiment.traffic_allocation if experiment.status is Status.DRAFT else 0
    for index, step in enumerate(schedule.ramp):
        if step.at <= at:
            yield FieldError(f"/schedule/ramp/{index}/at", "must come after what precedes it")
        if step.at >= end:
            yield FieldError(f"/schedule/ramp/{index}/at", "must come before end_at")
        if step.traffic <= traffic:
            yield FieldError(f"/schedule/ramp/{index}/percent", f"may only grow from {percent(traffic)}")
        at, traffic = step.at, step.traffic


def require_ahead(before: Experiment | None, after: Experiment, now: int) -> None:
    """Raise InvalidError for a new time in the past, or a new step that traffic has passed already.

    Times that `before` had may stay: they have happened, or are about to.
    """
    earlier = set() if before is None else {(_part(pointer), at) for pointer, at in _times(before.schedule)}
    faults = [
        FieldError(pointer, "lies in the past")
        for pointer, at in _times(after.schedule)
        if at <= now and (_part(pointer), at) not in earlier
    ]
    if before is not None and before.started_at is not None:
        faults += _unreachable(before, after)
    if faults:
        raise InvalidError("The schedule cannot be kept.", faults)


def carried_out(experiment: Experiment, now: int) -> Experiment:
    """Return the experiment after everything due at `now`; ConflictError when it cannot start.

    What came due long ago happens now, and only once: a step that was carried out is no longer due.
    """
    schedule = experiment.schedule
    if schedule is None:
        return experiment
    if _starts(experiment, schedule, now):
        experiment = transition(experiment, Status.RUNNING, now)
    if experiment.in_progress and schedule.has_ended(now):
        return transition(experiment, Status.COMPLETED, now)
    if experiment.status is not Status.RUNNING:
        return experiment
    reached = [step.traffic for step in schedule.ramp if step.at <= now]
    return experiment.with_traffic(max([experiment.traffic_allocation, *reached]))


def given_up(experiment: Experiment, now: int) -> Experiment:
    """Return the experiment without the start or the steps that are due and were refused.

    Without this they would be tried, and refused, every five minutes.
    """
    schedule = experiment.schedule
    if schedule is None:
        return experiment
    if _starts(experiment, schedule, now):
        return replace(experiment, schedule=replace(schedule, start_at=None))
    if experiment.status is not Status.RUNNING:
        return experiment
    ahead = tuple(
        step for step in schedule.ramp if step.at > now or step.traffic <= experiment.traffic_allocation
    )
    return replace(experiment, schedule=replace(schedule, ramp=ahead))


def _starts(experiment: Experiment, schedule: Schedule, now: int) -> bool:
    """Say whether the start of a draft is due."""
    return experiment.status is Status.DRAFT and schedule.start_at is not None and schedule.start_at <= now


def _times(schedule: Schedule | None) -> Iterator[tuple[str, int]]:
    if schedule is None:
        return
    if schedule.start_at is not None:
        yield "/schedule/start_at", schedule.start_at
    for index, step in enumerate(schedule.ramp):
        yield f"/schedule/ramp/{index}/at", step.at
    if schedule.end_at is not None:
        yield "/schedule/end_at", schedule.end_at


def _part(pointer: str) -> str:
    """Return start_at, end_at or ramp, without the index: it changes when an earlier step is removed."""
    return pointer.split("/")[2]


def _unreachable(before: Experiment, after: Experiment) -> Iterator[FieldError]:
    old, new = before.schedule or Schedule(), after.schedule or Schedule()
    if new.start_at is not None and new.start_at != old.start_at:
        yield FieldError("/schedule/start_at", "has no use: it has started")
    for index, step in enumerate(new.ramp):
        if step not in old.ramp and step.traffic <= after.traffic_allocation:
            traffic = percent(after.traffic_allocation)
            yield FieldError(f"/schedule/ramp/{index}/percent", f"may only grow from {traffic}")
