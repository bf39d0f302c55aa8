"""The reasons of a recommendation: one plain sentence per fact."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from experimentation.domain.experiment import Analysis, Kind, Role
from experimentation.domain.statistics.comparison import Comparison
from experimentation.domain.statistics.deciding import Deciding
from experimentation.domain.statistics.decision import Action, Readiness, is_bad, is_good, is_too_small
from experimentation.domain.statistics.looks import Verdict
from experimentation.domain.statistics.study import Metric, Progress, Study
from experimentation.domain.statistics.verdict import Judged, evidence_of
from experimentation.domain.statistics.wording import (
    amount,
    careful_estimate,
    count,
    day_name,
    percent,
    spread,
)

LIKELY = 0.8
NO_PRIMARY = "No primary metric was declared before the start, so nothing here can say to ship."
UNTIL_THE_LOOK = (
    "The plan is met: today's figures speak until the look at the end of this UTC day, which stands."
)


def readiness_reasons(
    study: Study, progress: Progress, enrolled: Mapping[str, int], readiness: Readiness, action: Action
) -> list[str]:
    """Return why it is too early for a verdict; proven harm may have given one nevertheless."""
    if readiness.mismatch:
        counts = ", ".join(f"{study.title(variant)} {count(users)}" for variant, users in enrolled.items())
        return [f"Users are not split as the weights say ({counts}): find out why before reading any effect."]
    reasons = [
        f"{study.title(variant)} has {count(enrolled.get(variant, 0))} of the {count(study.min_users)} users "
        "it needs."
        for variant in study.active
        if enrolled.get(variant, 0) < study.min_users
    ]
    if not readiness.enough_days:
        reasons.append(f"It has run for {progress.days_running} of at least {study.min_days} days.")
    if reasons and readiness.completed and action == "no_verdict":
        reasons.append("It ended too early for a verdict, which needs a new and longer run.")
    return reasons


def verdict_reasons(study: Study, verdict: Verdict) -> list[str]:
    """Return what an earlier look decided, and whether that still stands."""
    words = {"ship": "to ship", "do_not_ship": "not to ship"}[verdict.action]
    name = study.title(verdict.treatment)
    decided = f"{name}: decided {words} on {day_name(verdict.decided_on)}"
    if verdict.fallen is not None:
        return [f"{decided}, which no longer stands: {verdict.fallen}."]
    return [
        f"{decided}; a verdict stands unless the effect turns, the split breaks or a guardrail is harmed."
    ]


class Stage(NamedTuple):
    """Whether the experiment has ended or met its plan, and whether a verdict on the treatment stands."""

    ended: bool
    plan_met: bool
    decided: bool

    @property
    def when(self) -> str:
        """Return the word for the time of today's figures."""
        return "today" if self.decided else "at the end" if self.ended else "yet"


def metric_reasons(study: Study, judged: Sequence[Judged], treatment: str, stage: Stage) -> list[str]:
    """Return one sentence for every primary metric and for every guardrail that is or may be harmed."""
    reasons = []
    for each in judged:
        metric = each.metric
        is_primary = metric.role is Role.PRIMARY
        finding = _primary(study, each, treatment, stage) if is_primary else _guardrail(each, treatment)
        if finding is not None:
            reasons.append(f"{study.title(treatment)}: {metric.role} metric {metric.title} {finding}.")
    return reasons


def exaggeration(figures: Deciding, kind: Kind) -> str:
    """Return the warning that an effect measured at the moment of stopping is too large on average."""
    careful = careful_estimate(figures.shrunken_lift or 0.0, figures, kind)
    return f"An effect measured at the first sure sign is on average larger than the true one: {careful}."


def _primary(study: Study, judged: Judged, treatment: str, stage: Stage) -> str:
    comparison, metric = judged.comparisons[treatment], judged.metric
    evidence = evidence_of(study, judged, treatment)
    if evidence.interval is None:
        return _undecided(study, comparison, stage)
    within = f"({spread(evidence.interval, metric.kind)})"
    if is_good(evidence):
        return f"is better {within}"
    if is_bad(evidence):
        return f"is worse {within}"
    if evidence.least_effect and is_too_small(evidence):
        return f"gains less than the {amount(evidence.least_effect, metric.kind)} that would matter {within}"
    return f"shows no certain difference {stage.when} {within}"


def _undecided(study: Study, comparison: Comparison, stage: Stage) -> str:
    """Return why a primary metric has no interval that decides."""
    if comparison.small_sample:
        return "has too few outcomes to decide"
    if stage.ended:
        return "could not be measured"
    if stage.plan_met and study.analysis is not Analysis.SEQUENTIAL:
        return "is decided at the next look, which follows the end of a day on which it runs"
    if study.analysis is Analysis.FIXED and not study.planned_users:
        return "has no planned end: the sequence decides when the experiment is completed"
    waits = {"fixed": "the planned end only", "group_sequential": "the daily looks"}
    return f"is decided at {waits.get(study.analysis, 'a time when it can be measured')}"


def _guardrail(judged: Judged, treatment: str) -> str | None:
    """Return how a guardrail is harmed, or may be; None for a metric that is none, and for a safe one."""
    comparison, metric = judged.comparisons[treatment], judged.metric
    guard, deciding = comparison.guard, comparison.deciding
    if guard is None:
        return None
    interval = None if deciding is None else deciding.interval
    within = "" if interval is None else f" ({spread(interval, metric.kind)})"
    if not guard.harmed:
        return _unharmed(comparison, metric, guard.safe, within)
    margin = "" if metric.margin is None else f" than the {percent(metric.margin)} allowed"
    return f"is worse{margin}{within}"


def _unharmed(comparison: Comparison, metric: Metric, safe: bool, within: str) -> str | None:
    """Return why a guardrail without proven harm is not certainly safe; None if it is."""
    certainty = comparison.certainty or 0.0
    if comparison.tendency == "worse" and certainty >= LIKELY:
        likely = f"is {int(100 * certainty)}% likely worse, not certain{within}"
        return likely if safe else f"{likely}, and not shown to be safe"
    if comparison.small_sample and not metric.is_rate:
        untested = "has too few outcomes to be tested yet"
        return untested if safe else f"{untested}, so it is not shown to be safe"
    if safe:
        return None
    allowed = percent(metric.margin or 0.0)
    return f"is not shown to be safe: it may be worse by more than the {allowed} allowed{within}"
