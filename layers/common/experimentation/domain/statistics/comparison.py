"""One metric in one treatment against the control: every figure that the full answer shows."""

from typing import NamedTuple

from experimentation.domain.statistics.bayes import normal_effect
from experimentation.domain.statistics.cuped import NO_HISTORY, CupedTest, cuped_welch
from experimentation.domain.statistics.decision import Confidence, Evidence, confidence_word, is_bad, is_good
from experimentation.domain.statistics.lift import Interval
from experimentation.domain.statistics.means import OK, WelchTest, welch_t
from experimentation.domain.statistics.moments import Moments
from experimentation.domain.statistics.proportions import Rate, newcombe
from experimentation.domain.statistics.sequential import asymptotic_confidence_sequence
from experimentation.domain.statistics.study import (
    ERROR_RATE,
    AnalysisMode,
    Metric,
    MetricTotals,
    Query,
    Study,
    family_size,
    is_small_sample,
    metric_moments,
    paired_moments,
    tuning_n,
)


class AlwaysValid(NamedTuple):
    """The figures that hold at every look, at the declared error rate of the metric's family."""

    interval: Interval | None
    p_value: float | None
    lift_interval: Interval | None


class Deciding(NamedTuple):
    """The declared test: its interval and Bonferroni p-value agree; `decides` says whether it may now."""

    analysis: AnalysisMode
    alpha: float
    difference: float | None
    interval: Interval | None
    p_value: float | None
    lift: float | None
    lift_interval: Interval | None
    decides: bool
    significant: bool


class Estimated(NamedTuple):
    """A difference and its lift with their intervals."""

    difference: float | None
    interval: Interval | None
    p_value: float | None
    lift: float | None
    lift_interval: Interval | None


class Cuped(NamedTuple):
    """Adjusted and unadjusted side by side; `adjusted` is None with a reason where there is no history."""

    adjusted: Estimated | None
    unadjusted: Estimated
    theta: float | None
    variance_reduction: float | None
    reason: str | None


class Comparison(NamedTuple):
    """One treatment against the control."""

    status: str
    difference: float | None
    se: float | None
    interval: Interval | None
    p_value: float | None
    adjusted_p_value: float | None
    lift: float | None
    lift_interval: Interval | None
    always_valid: AlwaysValid | None
    deciding: Deciding | None
    probability_to_beat_control: float | None
    expected_loss: float | None
    confidence: Confidence
    small_sample: bool
    cuped: Cuped


class Circumstances(NamedTuple):
    """What a comparison has to know of the whole experiment."""

    mismatch: bool
    ended: bool


def compare_variant(
    study: Study, query: Query, totals: MetricTotals, treatment: str, circumstances: Circumstances
) -> Comparison:
    """Return one treatment's comparison; the adjusted p-value is its own until a family adjusts it."""
    metric = totals.metric
    pair = totals.variants[study.control], totals.variants[treatment]
    control, treated = (metric_moments(metric, arm) for arm in pair)
    small = any(is_small_sample(metric, arm) for arm in pair)
    test = welch_t(control, treated, query.alpha)
    effect = normal_effect(control, treated, direction=metric.direction)
    always_valid, deciding = None, None
    if query.declared and metric.role is not None:
        always_valid = _always_valid(study, metric, treatment, control, treated)
        may_decide = not small and (study.analysis == "sequential" or circumstances.ended)
        deciding = _deciding(study, metric, always_valid, test, control, treated, may_decide)
    enough = min(control.n, treated.n) >= study.min_users
    significant = deciding is not None and deciding.significant
    return Comparison(
        status=test.status,
        difference=test.diff,
        se=test.se,
        interval=_shown_interval(test, metric, control, treated, query, small),
        p_value=test.p_value,
        adjusted_p_value=test.p_value,
        lift=test.lift,
        lift_interval=_interval(test.lift_ci_low_fieller, test.lift_ci_high_fieller),
        always_valid=always_valid,
        deciding=deciding,
        probability_to_beat_control=effect.chance_to_win,
        expected_loss=effect.expected_loss_treatment,
        confidence=confidence_word(test.t, enough, circumstances.mismatch, significant),
        small_sample=small,
        cuped=_cuped(study, query, totals, treatment, test),
    )


def _shown_interval(
    test: WelchTest, metric: Metric, control: Moments, treated: Moments, query: Query, small: bool
) -> Interval | None:
    """Return Welch's interval, or Newcombe's where a rate has too few converters for it."""
    if small and metric.kind == "conversion":
        rates = Rate(control.n, int(control.sum)), Rate(treated.n, int(treated.sum))
        return newcombe(*rates, query.alpha)
    return _interval(test.ci_low, test.ci_high)


def _always_valid(
    study: Study, metric: Metric, treatment: str, control: Moments, treated: Moments
) -> AlwaysValid:
    size = family_size(study, metric)
    sequence = asymptotic_confidence_sequence(control, treated, ERROR_RATE / size, tuning_n(study, treatment))
    return AlwaysValid(
        _interval(sequence.cs_low, sequence.cs_high),
        _family_p(sequence.p_always_valid, size),
        _interval(sequence.lift_cs_low_fieller, sequence.lift_cs_high_fieller),
    )


def _deciding(
    study: Study,
    metric: Metric,
    always_valid: AlwaysValid,
    shown: WelchTest,
    control: Moments,
    treated: Moments,
    may_decide: bool,
) -> Deciding:
    """Return the declared test; interval and p-value share one Bonferroni family, so they cannot disagree."""
    size = family_size(study, metric)
    interval, p_value, lift_interval = always_valid
    if study.analysis == "fixed":
        test = welch_t(control, treated, ERROR_RATE / size)
        interval, p_value = _interval(test.ci_low, test.ci_high), _family_p(test.p_value, size)
        lift_interval = _interval(test.lift_ci_low_fieller, test.lift_ci_high_fieller)
    decides = may_decide and interval is not None
    evidence = Evidence(metric.direction, interval)
    significant = decides and (is_good(evidence) or is_bad(evidence))
    return Deciding(
        study.analysis,
        ERROR_RATE / size,
        shown.diff,
        interval,
        p_value,
        shown.lift,
        lift_interval,
        decides,
        significant,
    )


def _cuped(study: Study, query: Query, totals: MetricTotals, treatment: str, test: WelchTest) -> Cuped:
    metric = totals.metric
    control = paired_moments(metric, totals.variants[study.control])
    treated = paired_moments(metric, totals.variants[treatment])
    unadjusted = _estimated(test)
    if control is None or treated is None:
        return Cuped(None, unadjusted, None, None, NO_HISTORY)
    adjusted = cuped_welch(control, treated, query.alpha)
    if adjusted.status != OK:
        return Cuped(None, unadjusted, None, None, adjusted.status)
    return Cuped(_estimated(adjusted), unadjusted, adjusted.theta, adjusted.variance_reduction, None)


def _estimated(test: WelchTest | CupedTest) -> Estimated:
    return Estimated(
        test.diff,
        _interval(test.ci_low, test.ci_high),
        test.p_value,
        test.lift,
        _interval(test.lift_ci_low_fieller, test.lift_ci_high_fieller),
    )


def _family_p(p_value: float | None, size: int) -> float | None:
    return None if p_value is None else min(1.0, size * p_value)


def _interval(low: float | None, high: float | None) -> Interval | None:
    return None if low is None or high is None else Interval(low, high)
