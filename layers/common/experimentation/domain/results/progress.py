"""How far an experiment is: its days, and the users enrolled on each."""

from collections.abc import Mapping

from experimentation.domain.clock import DAY_MS, day_number
from experimentation.domain.counting.counters import EVERYONE
from experimentation.domain.counting.stored import Enrolment
from experimentation.domain.experiment import Experiment, Status
from experimentation.domain.results.totals import Table
from experimentation.domain.statistics.pace import users_per_day
from experimentation.domain.statistics.study import Progress


def enrolled_by_day(experiment: Experiment, table: Table) -> dict[int, dict[str, int]]:
    """Return the users enrolled in each variant on each day, in order; days count from the start."""
    enrolments = {key: table.enrolments.get((EVERYONE, key), {}) for key in experiment.keys}
    days = sorted(set().union(*enrolments.values()))
    nobody = Enrolment()
    return {day: {key: each.get(day, nobody).enrolled for key, each in enrolments.items()} for day in days}


def progress_of(experiment: Experiment, by_day: Mapping[int, Mapping[str, int]], now: int) -> Progress:
    """Return how far the experiment is at `now`, with the users enrolled by day."""
    started_at = experiment.started_at
    if started_at is None:
        return Progress(0, completed=False, users_per_day=None, started=False)
    until = now if experiment.ended_at is None else min(now, experiment.ended_at)
    days = max(0, until - started_at) // DAY_MS
    rate = None
    if experiment.status is Status.RUNNING:
        enrolled = {day_number(started_at) + day: sum(users.values()) for day, users in by_day.items()}
        rate = users_per_day(enrolled, started_at, until)
    completed, paused = experiment.status is Status.COMPLETED, experiment.status is Status.PAUSED
    return Progress(days, completed, rate, paused=paused)
