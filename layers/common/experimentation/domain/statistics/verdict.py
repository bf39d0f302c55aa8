"""The recommendation for the whole experiment, treatment by treatment, and what decided it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from experimentation.domain.experiment import Direction, Role
from experimentation.domain.statistics.comparison import Comparison
from experimentation.domain.statistics.decision import (
    Action,
    Evidence,
    Guard,
    Readiness,
    is_bad,
    is_good,
    recommend,
)
from experimentation.domain.statistics.looks import Verdict
from experimentation.domain.statistics.rivals import Rival
from experimentation.domain.statistics.study import Metric, Study


class Recommendation(NamedTuple):
    """What to do, why, and about how many days are left; `variant` is the treatment to ship, if any.

    `because` names the metric that decided, by treatment; `decided_on` is the UTC day (days since 1970) of
    the look whose verdict stands, None where today's figures speak. `careful_lift` is the shrunken estimate
    of a decision before the planned end, whose measured effect is on average too large. `rivals` are the
    other treatments that could ship.
    """

    action: Action
    reasons: list[str]
    days_left: int | None
    variant: str | None
    by_variant: dict[str, Action]
    because: dict[str, str]
    decided_on: int | None
    careful_lift: float | None
    rivals: list[Rival]


class Judged(NamedTuple):
    """A declared metric with its control mean and its comparison for each treatment."""

    metric: Metric
    control_mean: float | None
    comparisons: Mapping[str, Comparison]


class Judgement(NamedTuple):
    """What to do about one treatment, and the metric that decided it."""

    action: Action
    because: str | None


def judgement(study: Study, readiness: Readiness, judged: Sequence[Judged], treatment: str) -> Judgement:
    """Return the first rule of STATISTICS 13 that applies to a treatment."""
    primaries = {
        each.metric.key: evidence_of(study, each, treatment)
        for each in judged
        if each.metric.role is Role.PRIMARY
    }
    guards = {
        each.metric.key: guard for each in judged if (guard := each.comparisons[treatment].guard) is not None
    }
    action = recommend(readiness, list(guards.values()), list(primaries.values()))
    return Judgement(action, next(_decisive(action, guards, primaries), None))


def _decisive(
    action: Action, guards: Mapping[str, Guard], primaries: Mapping[str, Evidence]
) -> Iterator[str]:
    """Yield the metrics that alone would have led to the action."""
    if action == "do_not_ship":
        yield from (key for key, guard in guards.items() if guard.harmed)
        yield from (key for key, evidence in primaries.items() if is_bad(evidence))
    elif action == "ship":
        yield from (key for key, evidence in primaries.items() if is_good(evidence))


def actions_of(judgements: Mapping[str, Judgement]) -> dict[str, Action]:
    """Return what each treatment's judgement says to do."""
    return {treatment: each.action for treatment, each in judgements.items()}


def metrics_of(judgements: Mapping[str, Judgement]) -> dict[str, str]:
    """Return the metric that decided, by treatment, where one did."""
    return {treatment: each.because for treatment, each in judgements.items() if each.because is not None}


def standing(own: Judgement, verdict: Verdict | None, ended: bool) -> Judgement:
    """Return what holds for a treatment: its verdict while that stands, else what today's figures say.

    A verdict that has fallen is not repeated on the same metric; harm to another metric is reported.
    """
    if verdict is None:
        return own
    if verdict.stands:
        return Judgement(verdict.action, verdict.metric)
    if own == Judgement(verdict.action, verdict.metric):
        return Judgement("stop_inconclusive" if ended else "keep_running", None)
    return own


def overall(actions: Sequence[Action], ended: bool = False) -> Action:
    """Return one action for all treatments: one that ships is enough, and all must be bad to ship none.

    Without any treatment nothing is ever decided.

    >>> overall(["do_not_ship", "keep_running"]), overall(["do_not_ship", "do_not_ship"])
    ('keep_running', 'do_not_ship')
    """
    order: tuple[Action, ...] = (
        "investigate_srm",
        "ship",
        "keep_running",
        "no_verdict",
        "stop_inconclusive",
        "stop_no_meaningful_effect",
        "do_not_ship",
    )
    nothing: Action = "stop_inconclusive" if ended else "keep_running"
    return next((action for action in order if action in actions), nothing)


def best(judged: Sequence[Judged], treatments: Sequence[str]) -> str | None:
    """Return the treatment whose first primary metric gains most; None without treatments."""
    return max(treatments, key=lambda treatment: _gain(judged, treatment), default=None)


def evidence_of(study: Study, judged: Judged, treatment: str) -> Evidence:
    """Return a primary metric's deciding interval and the least effect that matters."""
    deciding = judged.comparisons[treatment].deciding
    if deciding is None or not deciding.decides:
        return Evidence(judged.metric.direction, None, least_effect(study, judged.control_mean))
    mean = judged.control_mean
    if deciding.look is not None and deciding.difference and deciding.lift:
        mean = deciding.difference / deciding.lift  # as it was at that look, like the interval
    return Evidence(judged.metric.direction, deciding.interval, least_effect(study, mean))


def least_effect(study: Study, control_mean: float | None) -> float | None:
    """Return the minimum effect in the metric's own units."""
    return abs(study.minimum_effect * control_mean) if study.minimum_effect and control_mean else None


def _gain(judged: Sequence[Judged], treatment: str) -> float:
    """Return the first primary metric's deciding difference, turned so that more is better."""
    for each in judged:
        deciding = each.comparisons[treatment].deciding
        difference = None if deciding is None else deciding.difference
        if each.metric.role is Role.PRIMARY and difference is not None:
            return difference if each.metric.direction == Direction.INCREASE else -difference
    return 0.0
