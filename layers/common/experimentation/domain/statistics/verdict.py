"""The recommendation for the whole experiment, with its reasons in plain words and the days still to run."""

from collections.abc import Mapping, Sequence
from math import ceil
from typing import NamedTuple

from experimentation.domain.statistics.comparison import Comparison
from experimentation.domain.statistics.decision import (
    Action,
    Direction,
    Evidence,
    Readiness,
    is_bad,
    is_good,
    recommend,
)
from experimentation.domain.statistics.lift import Interval
from experimentation.domain.statistics.power import required_multiple
from experimentation.domain.statistics.study import (
    ERROR_RATE,
    POWER,
    Metric,
    Progress,
    Study,
    enough_days,
    family_size,
    tuning_n,
)

EXAGGERATED = "Stopped before the planned end, so the measured effect is on average larger than the true one."


class Recommendation(NamedTuple):
    """What to do, why, and about how many days are left; `variant` is the treatment to ship, if any."""

    action: Action
    reasons: list[str]
    days_left: int | None
    variant: str | None
    by_variant: dict[str, Action]


class Judged(NamedTuple):
    """A declared metric with its control mean and its comparison for each treatment."""

    metric: Metric
    control_mean: float | None
    comparisons: Mapping[str, Comparison]


def recommendation(
    study: Study,
    progress: Progress,
    enrolled: Mapping[str, int],
    readiness: Readiness,
    judged: Sequence[Judged],
) -> Recommendation:
    """Return the first rule that applies to the experiment, treatment by treatment (STATISTICS 13)."""
    by_variant = {treatment: _action(study, readiness, judged, treatment) for treatment in study.treatments}
    action = _overall(list(by_variant.values()))
    shipped = [treatment for treatment, verdict in by_variant.items() if verdict == action == "ship"]
    variant = max(shipped, key=lambda treatment: _gain(judged, treatment), default=None)
    days_left = _days_left(study, progress, enrolled, judged) if action == "keep_running" else None
    reasons = _readiness_reasons(study, progress, enrolled, readiness)
    if not reasons:
        reasons = [
            reason
            for treatment in ([variant] if variant else study.treatments)
            for reason in _reasons(study, judged, treatment, readiness.ended)
        ]
        if action in {"ship", "do_not_ship"} and not readiness.ended:
            reasons.append(EXAGGERATED)
    return Recommendation(action, reasons, days_left, variant, by_variant)


def _action(study: Study, readiness: Readiness, judged: Sequence[Judged], treatment: str) -> Action:
    evidence = {
        role: [_evidence(study, each, treatment) for each in judged if each.metric.role == role]
        for role in ("guardrail", "primary")
    }
    return recommend(readiness, evidence["guardrail"], evidence["primary"])


def _overall(actions: Sequence[Action]) -> Action:
    """Return one action for all treatments: one that ships is enough, all must be bad to ship none."""
    for action in (
        "investigate_srm",
        "ship",
        "keep_running",
        "stop_inconclusive",
        "stop_no_meaningful_effect",
    ):
        if action in actions:
            return action
    return "do_not_ship"


def _evidence(study: Study, judged: Judged, treatment: str) -> Evidence:
    """Return what may decide now; the sequence watches guardrails even while a fixed test has to wait."""
    comparison = judged.comparisons[treatment]
    interval = None
    if comparison.deciding is not None and comparison.deciding.decides:
        interval = comparison.deciding.interval
    elif judged.metric.role == "guardrail" and comparison.always_valid and not comparison.small_sample:
        interval = comparison.always_valid.interval
    return Evidence(judged.metric.direction, interval, _least_effect(study, judged.control_mean))


def _least_effect(study: Study, control_mean: float | None) -> float | None:
    return abs(study.minimum_effect * control_mean) if study.minimum_effect and control_mean else None


def _gain(judged: Sequence[Judged], treatment: str) -> float:
    """Return the first primary metric's difference, turned so that more is better."""
    for each in judged:
        difference = each.comparisons[treatment].difference
        if each.metric.role == "primary" and difference is not None:
            return difference if each.metric.direction == "increase" else -difference
    return 0.0


def _readiness_reasons(
    study: Study, progress: Progress, enrolled: Mapping[str, int], readiness: Readiness
) -> list[str]:
    if readiness.mismatch:
        counts = ", ".join(f"{variant} {users}" for variant, users in enrolled.items())
        return [f"Users are not split as the weights say ({counts}): find out why before reading any effect."]
    reasons = [
        f"{variant} has {enrolled.get(variant, 0)} of the {study.min_users} users it needs."
        for variant in study.weights
        if enrolled.get(variant, 0) < study.min_users
    ]
    if not enough_days(study, progress):
        reasons.append(f"It has run for {progress.days_running} of at least {study.min_days} days.")
    if reasons and progress.completed:
        reasons.append("It was completed too early for a verdict, which needs a new and longer run.")
    return reasons


def _reasons(study: Study, judged: Sequence[Judged], treatment: str, ended: bool) -> list[str]:
    """Return one sentence for every guardrail that is harmed and every primary metric."""
    reasons = []
    for each in judged:
        evidence = _evidence(study, each, treatment)
        harmed = is_bad(evidence)
        if each.metric.role == "primary" or (each.metric.role == "guardrail" and harmed):
            name = f"{each.metric.role} metric {each.metric.key}"
            small = each.comparisons[treatment].small_sample
            reasons.append(f"{treatment}: {name} {_finding(evidence, small, ended)}.")
    return reasons


def _finding(evidence: Evidence, small: bool, ended: bool) -> str:
    if evidence.interval is None:
        return "has too few outcomes to decide" if small else "is decided at the planned end only"
    within = f"(difference between {_number(evidence.interval.low)} and {_number(evidence.interval.high)})"
    if is_good(evidence):
        return f"is better {within}"
    if is_bad(evidence):
        return f"is worse {within}"
    if (
        ended
        and evidence.least_effect
        and _is_below(evidence.direction, evidence.interval, evidence.least_effect)
    ):
        return f"gains less than the {_number(evidence.least_effect)} that would matter {within}"
    return f"shows no certain difference {'at the end' if ended else 'yet'} {within}"


def _is_below(direction: Direction, interval: Interval, least: float) -> bool:
    return interval.high < least if direction == "increase" else interval.low > -least


def _number(value: float) -> str:
    return f"{value:.4g}"


def _days_left(
    study: Study, progress: Progress, enrolled: Mapping[str, int], judged: Sequence[Judged]
) -> int | None:
    """Return the days until the minimum effect shows with 80 % power, or until the planned end if sooner.

    Source: STATISTICS 11: ceil((required - now) / users per day), and never before min_days are over.
    """
    if progress.completed:
        return None
    now = sum(enrolled.values())
    needed = [users for users in (_required_users(study, enrolled, judged), study.planned_users) if users]
    remaining_days = max(0, study.min_days - progress.days_running)
    fewest = study.min_users * len(study.weights)
    missing = max(min(needed) if needed else 0, fewest) - now
    if not needed and missing <= 0:
        return remaining_days or None
    if missing <= 0:
        return remaining_days
    if not progress.users_per_day:
        return None
    return max(remaining_days, ceil(missing / progress.users_per_day))


def _required_users(study: Study, enrolled: Mapping[str, int], judged: Sequence[Judged]) -> float | None:
    """Return the users, all variants together, at which every primary metric can show the minimum effect."""
    now = sum(enrolled.values())
    required = [
        _required_multiple(study, enrolled, each, treatment)
        for each in judged
        if each.metric.role == "primary"
        for treatment in study.treatments
    ]
    known = [multiple for multiple in required if multiple is not None]
    return max(known) * now if known and len(known) == len(required) else None


def _required_multiple(
    study: Study, enrolled: Mapping[str, int], judged: Judged, treatment: str
) -> float | None:
    comparison = judged.comparisons[treatment]
    least = _least_effect(study, judged.control_mean)
    if least is None or comparison.se is None:
        return None
    return required_multiple(
        least / comparison.se,
        enrolled[study.control] + enrolled[treatment],
        ERROR_RATE / family_size(study, judged.metric),
        POWER,
        tuning_n(study, treatment) if study.analysis == "sequential" else None,
    )
