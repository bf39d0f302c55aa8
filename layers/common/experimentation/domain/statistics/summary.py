"""The result in one or two sentences that an executive can read."""

from collections.abc import Collection
from typing import NamedTuple

from experimentation.domain.experiment import Kind
from experimentation.domain.statistics.answer import Analysis, MetricResult
from experimentation.domain.statistics.comparison import Comparison
from experimentation.domain.statistics.deciding import Deciding
from experimentation.domain.statistics.lift import Interval
from experimentation.domain.statistics.looks import Verdict
from experimentation.domain.statistics.verdict import Recommendation
from experimentation.domain.statistics.wording import (
    amount,
    careful_estimate,
    count,
    day_name,
    is_said_relative,
    lift_spread,
    percent,
    spread,
)

ADVICE = {
    "investigate_srm": "Recommendation: find out why the split of users is off",
    "keep_running": "Recommendation: keep running",
    "do_not_ship": "Recommendation: do not ship",
    "ship": "Recommendation: ship",
    "stop_no_meaningful_effect": "Recommendation: stop, any gain is too small to matter",
    "stop_inconclusive": "Recommendation: stop, the experiment ended without an answer",
    "no_verdict": "Ended too early: no verdict",
}
CAUTIONS = {
    "sequence": "safe to read on any day",
    "exact": "exact test, safe to read on any day",
    "fixed": "read at the planned end",
    "group_sequential": "read at a planned look",
    "shown": "do not act on a single look",
    "small": "too few outcomes to rely on",
}


class Reading(NamedTuple):
    """An estimate and its interval, as shares of the control mean or in the metric's own units."""

    estimate: float
    interval: Interval
    relative: bool
    caution: str


class Subject(NamedTuple):
    """The metric and the treatment that the sentence is about."""

    metric: MetricResult
    treatment: str


class Quoted(NamedTuple):
    """The figures to quote, the same in every answer and page, and their kind.

    The interval excludes 0 exactly when p_value < alpha; both are of the comparison's whole family, except
    those that are only shown, which are of one look at the reader's level.
    """

    kind: str
    difference: float | None
    interval: Interval | None
    p_value: float | None
    alpha: float
    lift: float | None
    lift_interval: Interval | None


def quoted(comparison: Comparison, shown_alpha: float) -> Quoted:
    """Return the deciding figures where they decide, else the always-valid ones, else those of one look."""
    deciding, valid = comparison.deciding, comparison.always_valid
    if deciding is not None and deciding.decides:
        return _quoted(deciding)
    if valid is not None and deciding is not None:
        estimate = comparison.cuped.estimated
        return Quoted(
            "sequence",
            estimate.difference,
            valid.interval,
            valid.p_value,
            deciding.alpha,
            estimate.lift,
            valid.lift_interval,
        )
    return Quoted(
        "small" if comparison.small_sample else "shown",
        comparison.difference,
        comparison.interval,
        comparison.p_value,
        shown_alpha,
        comparison.lift,
        comparison.lift_interval,
    )


def _quoted(deciding: Deciding) -> Quoted:
    return Quoted(
        deciding.method or "sequence",
        deciding.difference,
        deciding.interval,
        deciding.p_value,
        deciding.alpha,
        deciding.lift,
        deciding.lift_interval,
    )


def summary_sentence(analysis: Analysis) -> str:
    """Return the finding and the recommendation in plain words, about the metric and variant that decided.

    Without a decision it is about the first primary metric (else the first metric) and the treatment with the
    largest difference. With a sample ratio mismatch no effect is named.
    """
    advice = analysis.recommendation
    if advice is not None:
        return _mismatch(analysis) if advice.action == "investigate_srm" else _advised(analysis, advice)
    if not analysis.exploratory:
        return "It has not started."
    finding = _finding(analysis, _most_different(analysis, None, ()))
    return f"{finding} This is an exploratory view: no recommendation follows from it."


def _mismatch(analysis: Analysis) -> str:
    counts = ", ".join(f"{analysis.names[key]} {count(users)}" for key, users in analysis.enrolled.items())
    advice = ADVICE["investigate_srm"]
    return f"Do not read these results: users are not split as planned ({counts}). {advice}."


def _advised(analysis: Analysis, advice: Recommendation) -> str:
    """Return the finding, whether it exaggerates, and the recommendation."""
    subject = _decided(analysis, advice) or _most_different(analysis, advice.variant, advice.by_variant)
    finding = _finding(analysis, subject)
    if subject is not None and advice.careful_lift is not None:
        careful = careful_estimate(advice.careful_lift, _quote(analysis, subject), subject.metric.kind)
        finding += f" Stopping early exaggerates: {careful}."
    words = ADVICE[advice.action]
    if advice.days_left:
        words += f", about {advice.days_left} more day{'' if advice.days_left == 1 else 's'}"
    return f"{finding}{_stopped(analysis, advice)} {words}."


def _stopped(analysis: Analysis, advice: Recommendation) -> str:
    """Return which treatments not to ship, where the overall recommendation is another."""
    named = [analysis.names[key] for key, action in advice.by_variant.items() if action == "do_not_ship"]
    if advice.action == "do_not_ship" or not named:
        return ""
    return f" Do not ship {', '.join(named)}."


def _verdict(analysis: Analysis, subject: Subject) -> Verdict | None:
    """Return the standing verdict that the subject's metric gave."""
    verdict = analysis.verdicts.get(subject.treatment)
    if verdict is None or not verdict.stands or verdict.figures is None:
        return None
    return verdict if verdict.metric == subject.metric.key else None


def _quote(analysis: Analysis, subject: Subject) -> Quoted:
    """Return the figures that the sentence is about: those of a standing verdict before today's."""
    verdict = _verdict(analysis, subject)
    if verdict is not None and verdict.figures is not None:
        return _quoted(verdict.figures)
    return quoted(subject.metric.comparisons[subject.treatment], analysis.alpha)


def _finding(analysis: Analysis, subject: Subject | None) -> str:
    if subject is None:
        return "No metric has been measured."
    metric, treatment = subject
    name = _capital(analysis.names[treatment])
    reading, verdict = _read(_quote(analysis, subject)), _verdict(analysis, subject)
    if reading is None:
        return f"{name} has too little data on {metric.title} to compare with the control."
    low, high = reading.interval
    within = lift_spread(reading.interval) if reading.relative else spread(reading.interval, metric.kind)
    caution = reading.caution
    if caution == CAUTIONS["small"]:
        return f"{name} has too few outcomes on {metric.title} to tell ({within})."
    if verdict is not None:
        caution += f", decided on {day_name(verdict.decided_on)}"
    if low > 0 or high < 0:
        verb = "raises" if low > 0 else "lowers"
        return f"{name} {verb} {metric.title} by {_size(reading, metric.kind)} ({within}, {caution})."
    return f"{name} shows no certain effect on {metric.title} ({within}, {caution})."


def _decided(analysis: Analysis, advice: Recommendation) -> Subject | None:
    """Return the metric and the treatment that decided; None where nothing did."""
    by_key = {metric.key: metric for metric in analysis.metrics}
    for treatment, key in advice.because.items():
        agrees = advice.by_variant.get(treatment) == advice.action
        if agrees and advice.variant in (None, treatment) and key in by_key:
            return Subject(by_key[key], treatment)
    return None


def _most_different(analysis: Analysis, variant: str | None, advised: Collection[str]) -> Subject | None:
    """Return the leading metric and the variant, without one the advised treatment that differs most."""
    metric = analysis.headline
    if metric is None or not metric.comparisons:
        return None
    compared = metric.comparisons
    treatments = [key for key in compared if key in advised] or list(compared)
    largest = max(treatments, key=lambda key: abs(compared[key].difference or 0.0))
    return Subject(metric, variant or largest)


def _read(figures: Quoted) -> Reading | None:
    if figures.interval is None or figures.difference is None:
        return None
    caution = CAUTIONS[figures.kind]
    if figures.lift is None or figures.lift_interval is None or not is_said_relative(figures):
        return Reading(figures.difference, figures.interval, False, caution)
    return Reading(figures.lift, figures.lift_interval, True, caution)


def _size(reading: Reading, kind: Kind) -> str:
    return percent(reading.estimate) if reading.relative else amount(reading.estimate, kind)


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]
