"""Tending an experiment on a schedule: the look that is due after each UTC day, and the one at completion."""

from experimentation.domain.clock import DAY_MS, day_number
from experimentation.domain.experiment import Experiment, Status
from experimentation.domain.statistics.looks import Look
from experimentation.storage import looks
from experimentation.usecases.analysing import Question, find

SETTLE_MS = 300_000  # events accepted before the end may still wait in a queue
CATCH_UP_DAYS = 14  # after a longer outage a completed experiment stays without its last look


def due_look(experiment: Experiment, now: int) -> tuple[int, bool] | None:
    """Return the UTC day whose look is due at `now`, and whether it is the one at completion; None for none.

    A day that passed during an outage gets no look: its figures cannot be had any more, because CUPED's sums
    and the squares of users' totals move with every later event. The next run takes the latest day's.
    """
    if experiment.started_at is None:
        return None
    if experiment.status is Status.RUNNING:
        yesterday = day_number(now) - 1
        return (yesterday, False) if yesterday >= day_number(experiment.started_at) else None
    if experiment.status is Status.COMPLETED and experiment.ended_at is not None:
        is_settled = experiment.ended_at + SETTLE_MS <= now < experiment.ended_at + CATCH_UP_DAYS * DAY_MS
        return (day_number(experiment.ended_at), True) if is_settled else None
    return None


def take_due_look(experiment: Experiment, now: int) -> Look | None:
    """Take and store the look that is due; None when none is, or another run stored it."""
    due = due_look(experiment, now)
    if due is None:
        return None
    stored = looks.read(experiment.id)
    if any((look.day, look.completed) == due for look in stored):
        return None
    look = find(experiment, Question(), now).look(due[0])
    return look if looks.put(experiment.id, look, now) else None
