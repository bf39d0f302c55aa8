"""The life of an experiment: draft, running, paused, completed, and when each begins to count."""

from dataclasses import replace

from experimentation.domain.errors import ConflictError, FieldError
from experimentation.domain.experiment import Experiment, Pause, Status

CACHE_TTL_MS = 5_000  # how long an environment may use an experiment that it has read
# A write planned by then may be on its way: two attempts of 4 s and a pause (storage/aws/client.py). That
# bounds sockets, but not a slow name lookup, an answer that trickles, or several transactions planned on one
# `now`: the delay below holds normally, not by construction.
CLIENT_TIMEOUT_MS = 9_000
CLOCK_SKEW_MS = 2_000  # between two environments
COMPLETION_DELAY_MS = CACHE_TTL_MS + CLIENT_TIMEOUT_MS + CLOCK_SKEW_MS

NEXT = {
    Status.DRAFT: (Status.RUNNING,),
    Status.RUNNING: (Status.PAUSED, Status.COMPLETED),
    Status.PAUSED: (Status.RUNNING, Status.COMPLETED),
    Status.COMPLETED: (),
}


def transition(experiment: Experiment, status: Status, now: int) -> Experiment:
    """Return the experiment in its new status; ConflictError for a change that is not allowed.

    `started_at` is the first start. `ended_at` lies COMPLETION_DELAY_MS ahead: by then every environment has
    seen it, so nothing that happens at or after it is counted anywhere.
    """
    _require_step(experiment, status, now)
    if experiment.started_at is None:
        # What the draft declared counts as declared before the start, also by a clock that was ahead.
        declared = tuple(replace(each, declared_at=min(each.declared_at, now)) for each in experiment.metrics)
        experiment = replace(experiment, started_at=now, metrics=declared)
    ended_at = now + COMPLETION_DELAY_MS if status is Status.COMPLETED else None
    return replace(experiment, status=status, ended_at=ended_at, pauses=_pauses(experiment, status, now))


def _require_step(experiment: Experiment, status: Status, now: int) -> None:
    allowed = NEXT[experiment.status]
    if status not in allowed:
        raise ConflictError(
            f"An experiment that is {experiment.status} cannot become {status}.",
            [FieldError("/status", f"allowed from here: {', '.join(allowed) or 'nothing, it is final'}")],
        )
    if status is Status.RUNNING:
        _require_can_run(experiment, now)


def _require_can_run(experiment: Experiment, now: int) -> None:
    if experiment.archived:
        raise ConflictError("An archived draft cannot start.", [FieldError("/archived", "must be false")])
    if experiment.schedule is not None and experiment.schedule.has_ended(now):
        raise ConflictError(
            "Its scheduled end is over, so it cannot run.",
            [FieldError("/schedule/end_at", "has passed")],
        )


def _pauses(experiment: Experiment, status: Status, now: int) -> tuple[Pause, ...]:
    """Return the pauses once the experiment is in `status`; completing it leaves its last pause open."""
    if status is Status.PAUSED:
        return (*experiment.pauses, Pause(now))
    if status is Status.RUNNING and experiment.pauses:
        *earlier, last = experiment.pauses
        return (*earlier, Pause(last.start, max(now, last.start)))
    return experiment.pauses


def removable(experiment: Experiment) -> None:
    """Raise ConflictError unless the experiment is a draft: what has run is kept."""
    if experiment.status is not Status.DRAFT:
        raise ConflictError(f"Only a draft can be deleted; this experiment is {experiment.status}.")
