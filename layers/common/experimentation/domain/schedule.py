"""What an experiment does by itself at set times: start, let more users in step by step, and end."""

from collections.abc import Iterator
from dataclasses import replace

from experimentation.domain.errors import FieldError, InvalidError
from experimentation.domain.experiment import Experiment, Schedule, Status
from experimentation.domain.lifecycle import transition
from experimentation.domain.percent import percent


def contradictions(experiment: Experiment) -> Iterator[FieldError]:
    """Yield what cannot hold in a schedule at any time: an end before the start, a ramp that falls."""
    schedule = experiment.schedule
    if schedule is None:
        return
    earliest = schedule.start_at or 0
    if schedule.end_at is not None and schedule.end_at <= earliest:
        yield FieldError("/schedule/end_at", "must come after start_at")
    at, traffic = earliest - 1, experiment.traffic_allocation if experiment.status is Status.DRAFT else 0
    for index, step in enumerate(schedule.ramp):
        if step.at <= at:
            yield FieldError(f"/schedule/ramp/{index}/at", "must come after what precedes it")
        if schedule.end_at is not None and step.at >= schedule.end_at:
            yield FieldError(f"/schedule/ramp/{index}/at", "must come before end_at")
        if step.traffic <= traffic:
            yield FieldError(f"/schedule/ramp/{index}/percent", f"may only grow from {percent(traffic)}")
        at, traffic = step.at, step.traffic


def require_ahead(before: Experiment | None, after: Experiment, now: int) -> None:
    """Raise InvalidError for a new time that is past, or a new step that traffic is beyond already.

    What `before` had may stay: it has happened, or is about to.
    """
    old = set() if before is None else {(_part(each), at) for each, at in _times(before.schedule)}
    faults = [
        FieldError(pointer, "lies in the past")
        for pointer, at in _times(after.schedule)
        if at <= now and (_part(pointer), at) not in old
    ]
    if before is not None and before.started_at is not None:
        faults += _unreachable(before, after)
    if faults:
        raise InvalidError("The schedule cannot be kept.", faults)


def carried_out(experiment: Experiment, now: int) -> Experiment:
    """Return the experiment after all that its schedule has due at `now`; ConflictError when it cannot start.

    What came due long ago happens now, once: whatever was done already leaves nothing due.
    """
    schedule = experiment.schedule
    if schedule is None:
        return experiment
    if experiment.status is Status.DRAFT and _is_due(schedule.start_at, now):
        experiment = transition(experiment, Status.RUNNING, now)
    if experiment.status in {Status.RUNNING, Status.PAUSED} and _is_due(schedule.end_at, now):
        return transition(experiment, Status.COMPLETED, now)
    if experiment.status is not Status.RUNNING:
        return experiment
    reached = [step.traffic for step in schedule.ramp if step.at <= now]
    return experiment.with_traffic(max([experiment.traffic_allocation, *reached]))


def given_up(experiment: Experiment, now: int) -> Experiment:
    """Return the experiment without the start, or the steps, that are due: refused, they would be again."""
    schedule = experiment.schedule
    if schedule is None:
        return experiment
    if experiment.status is Status.DRAFT and _is_due(schedule.start_at, now):
        return replace(experiment, schedule=replace(schedule, start_at=None))
    if experiment.status is not Status.RUNNING:
        return experiment
    ahead = tuple(
        step for step in schedule.ramp if step.at > now or step.traffic <= experiment.traffic_allocation
    )
    return replace(experiment, schedule=replace(schedule, ramp=ahead))


def _is_due(at: int | None, now: int) -> bool:
    return at is not None and at <= now


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
    """Return start_at, end_at or ramp: a step may move up when one before it goes."""
    return pointer.split("/")[2]


def _unreachable(before: Experiment, after: Experiment) -> Iterator[FieldError]:
    old, new = before.schedule or Schedule(), after.schedule or Schedule()
    if new.start_at is not None and new.start_at != old.start_at:
        yield FieldError("/schedule/start_at", "has no use: it has started")
    for index, step in enumerate(new.ramp):
        if step not in old.ramp and step.traffic <= after.traffic_allocation:
            traffic = percent(after.traffic_allocation)
            yield FieldError(f"/schedule/ramp/{index}/percent", f"may only grow from {traffic}")
