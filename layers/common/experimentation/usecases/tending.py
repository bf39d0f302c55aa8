"""Tending an experiment every few minutes: due steps of its schedule, and the look of each day."""

from collections.abc import Callable

from experimentation.domain.clock import DAY_MS, day_number
from experimentation.domain.errors import ConflictError, ExperimentationError, InvalidError
from experimentation.domain.experiment import Experiment, Status
from experimentation.domain.facts import Cause, Fact, FactKind
from experimentation.domain.results.report import as_json
from experimentation.domain.schedule import carried_out, given_up
from experimentation.domain.statistics.looks import Look, Verdict, new_verdicts
from experimentation.domain.statistics.wording import day_name, spread
from experimentation.storage import experiments, looks, prerequisites
from experimentation.usecases.analysing import Question, find

SETTLE_MS = 300_000  # events accepted before the end may still wait in a queue
CATCH_UP_DAYS = 14  # after a longer outage a completed experiment stays without its last look
SCHEDULE = "schedule"  # the actor in the history

type Clock = Callable[[], int]


def keep_schedule(experiment: Experiment, clock: Clock) -> Experiment:
    """Carry out what is due, and return the experiment as it is then.

    A start or a step that is refused is not tried again: the history says why, and the schedule goes on
    without it.
    """
    try:
        wanted = carried_out(experiment, clock())
        if wanted == experiment:
            return experiment
        action = "changed" if wanted.status is experiment.status else "status"
        # The clock is read again for the write: `ended_at` must lie ahead of it, however slow the read was.
        return experiments.change_because(
            experiment.id,
            lambda each: carried_out(each, clock()),
            now=clock(),
            cause=Cause(SCHEDULE, action),
            checks=prerequisites.checks_at_start,
        )
    except (ConflictError, InvalidError) as error:
        refused = FactKind.START_FAILED if experiment.status is Status.DRAFT else FactKind.RAMP_FAILED
        return experiments.change_because(
            experiment.id,
            lambda each: given_up(each, clock()),
            now=clock(),
            cause=Cause(SCHEDULE, refused, _told(error)),
        )


def _told(error: ExperimentationError) -> str:
    return " ".join([error.detail, *(f"{each.pointer[1:]}: {each.detail}." for each in error.errors)])


def due_look(experiment: Experiment, now: int) -> tuple[int, bool] | None:
    """Return the UTC day whose look is due at `now`, and whether it is the one at completion; else None.

    A day that passed during an outage gets no look: its figures are gone, because CUPED's sums and the
    squares of users' totals change with every later event. The next run takes the latest day's.
    """
    started_at, ended_at = experiment.started_at, experiment.ended_at
    if experiment.status is Status.RUNNING and started_at is not None:
        yesterday = day_number(now) - 1
        return (yesterday, False) if yesterday >= day_number(started_at) else None
    if experiment.status is Status.COMPLETED and ended_at is not None:
        is_settled = ended_at + SETTLE_MS <= now < ended_at + CATCH_UP_DAYS * DAY_MS
        return (day_number(ended_at), True) if is_settled else None
    return None


def take_due_look(experiment: Experiment, now: int) -> Look | None:
    """Take and store the look that is due; None where none is, or another run has stored it."""
    due = due_look(experiment, now)
    if due is None:
        return None
    stored = looks.read(experiment.id)
    if any((look.day, look.completed) == due for look in stored):
        return None
    look = find(experiment, Question(), now).look(due[0])
    facts = [_told_verdict(experiment, verdict, now) for verdict in new_verdicts(stored, look)]
    return look if looks.put(experiment.id, look, now, facts) else None


def _told_verdict(experiment: Experiment, verdict: Verdict, now: int) -> Fact:
    variant = experiment.variant(verdict.treatment)
    advice = "ship" if verdict.action == "ship" else "do not ship"
    verdict_of = f"{experiment.name} has a verdict of {day_name(verdict.decided_on)}"
    figures = {} if verdict.figures is None else as_json(verdict.figures)
    return Fact(
        f"{experiment.id}:verdict:{experiment.created_at:x}:{verdict.treatment}:{verdict.decided_on}",
        FactKind.VERDICT,
        now,
        experiment.id,
        experiment.name,
        SCHEDULE,
        f"{verdict_of}: {advice} {variant.name or variant.key}{_because(experiment, verdict)}.",
        {
            "variant": verdict.treatment,
            "action": verdict.action,
            "metric": verdict.metric,
            "deciding": figures,
        },
    )


def _because(experiment: Experiment, verdict: Verdict) -> str:
    metric = next((each for each in experiment.metrics if each.key == verdict.metric), None)
    if metric is None or verdict.figures is None or verdict.figures.interval is None:
        return ""
    return f", by {metric.name or metric.key} ({spread(verdict.figures.interval, metric.kind)})"
