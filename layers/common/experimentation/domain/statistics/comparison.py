"""One metric in one treatment against the control: every figure that the full answer shows."""

from typing import NamedTuple

from experimentation.domain.experiment import Analysis, Direction, Kind, Role
from experimentation.domain.statistics.bayes import Prior, posterior_of
from experimentation.domain.statistics.beta_binomial import beta_binomial
from experimentation.domain.statistics.cuped import NO_HISTORY
from experimentation.domain.statistics.deciding import Deciding, Test, undecided
from experimentation.domain.statistics.decision import (
    Confidence,
    Evidence,
    Guard,
    Tendency,
    confidence_word,
    is_bad,
    tendency,
)
from experimentation.domain.statistics.exact import ExactTest
from experimentation.domain.statistics.examining import (
    Examined,
    Moment,
    estimate_of,
    examine,
    rate_of,
    raw_arms,
    sequence,
)
from experimentation.domain.statistics.harm import guard_of
from experimentation.domain.statistics.lift import Interval
from experimentation.domain.statistics.means import OK, Arms, Contrast, WelchTest
from experimentation.domain.statistics.proportions import newcombe
from experimentation.domain.statistics.sequential import ConfidenceSequence
from experimentation.domain.statistics.study import (
    ERROR_RATE,
    PRIOR_SD,
    Metric,
    MetricTotals,
    Query,
    Study,
    family_size,
)
from experimentation.domain.statistics.tails import norm_sf


class AlwaysValid(NamedTuple):
    """The figures that hold at every look, at the declared error rate of the metric's family."""

    interval: Interval | None
    p_value: float | None
    lift_interval: Interval | None


class Estimated(NamedTuple):
    """A difference and its lift with their intervals."""

    difference: float | None
    interval: Interval | None
    p_value: float | None
    lift: float | None
    lift_interval: Interval | None
    always_valid: AlwaysValid | None


class Cuped(NamedTuple):
    """Adjusted and unadjusted side by side; `adjusted` is None with a reason where there is no history."""

    decides: bool
    adjusted: Estimated | None
    unadjusted: Estimated
    theta: float | None
    variance_reduction: float | None
    reason: str | None


class Comparison(NamedTuple):
    """One treatment against the control; None where not computable, and then `reason` says why."""

    status: str
    reason: str | None
    difference: float | None
    se: float | None
    interval: Interval | None
    p_value: float | None
    adjusted_p_value: float | None
    lift: float | None
    lift_interval: Interval | None
    always_valid: AlwaysValid | None
    deciding: Deciding | None
    guard: Guard | None
    probability_to_beat_control: float | None
    expected_loss: float | None
    tendency: Tendency
    certainty: float | None
    confidence: Confidence
    small_sample: bool
    cuped: Cuped


class Family(NamedTuple):
    """What a comparison's family makes of it: the p-value of the whole family, the level of its interval."""

    p_value: float
    level: float


def compared(
    study: Study, query: Query, examined: Examined, family: Family | None, moment: Moment
) -> Comparison:
    """Return the comparison; without a family it stands alone, as everything exploratory does."""
    metric, shown, small = examined.totals.metric, examined.shown, examined.small
    declared = query.declared and metric.decides and examined.treatment in study.treatments
    deciding = _deciding(study, examined, family, moment) if declared else None
    guard = guard_of(study, examined, moment) if declared and metric.role is Role.GUARDRAIL else None
    contrast = examined.best.contrast
    z = None if contrast is None or small else contrast.z
    word = _confidence(study, examined, moment, z, deciding, guard)
    difference = shown.diff if contrast is None else contrast.diff
    if deciding is not None and deciding.significant:
        difference = deciding.difference
    chance, loss = _bayes(examined)
    p_value = None if small else shown.p_value
    return Comparison(
        status=shown.status,
        reason=shown.reason,
        difference=shown.diff,
        se=None if shown.contrast is None else shown.contrast.se,
        interval=_shown_interval(examined, query.alpha),
        p_value=p_value,
        adjusted_p_value=p_value,
        lift=shown.lift,
        lift_interval=_shown_lift(examined, query.alpha),
        always_valid=_always_valid(examined.any_day, family_size(study, metric)),
        deciding=deciding,
        guard=guard,
        probability_to_beat_control=chance,
        expected_loss=loss,
        tendency=tendency(difference, metric.direction, word),
        certainty=None if z is None else norm_sf(-abs(z)),
        confidence=word,
        small_sample=small,
        cuped=_cuped(study, examined, declared),
    )


def _confidence(
    study: Study,
    examined: Examined,
    moment: Moment,
    z: float | None,
    deciding: Deciding | None,
    guard: Guard | None,
) -> Confidence:
    """Return the word for how sure the direction is; proven harm needs no least number of users."""
    harmed = (guard is not None and guard.harmed) or _stops_at_once(study, examined.totals.metric, deciding)
    enough = harmed or min(each.users for each in examined.both) >= study.min_users
    return confidence_word(z, enough, moment.mismatch, deciding is not None and deciding.significant)


def _stops_at_once(study: Study, metric: Metric, deciding: Deciding | None) -> bool:
    """Say whether a primary is proven bad by a test that holds on any day: min_users is not waited for."""
    if study.analysis is not Analysis.SEQUENTIAL or metric.role is not Role.PRIMARY or deciding is None:
        return False
    return is_bad(Evidence(metric.direction, deciding.interval))


def compare_variant(
    study: Study, query: Query, totals: MetricTotals, treatment: str, moment: Moment
) -> Comparison:
    """Return one treatment's comparison as if no other metric were secondary."""
    examined = examine(study, query, totals, treatment, moment)
    return compared(study, query, examined, own_family(study, examined), moment)


def own_family(study: Study, examined: Examined) -> Family | None:
    """Return the Bonferroni family of a primary metric; any other stands alone."""
    if examined.test is None:
        return None
    size = family_size(study, examined.totals.metric)
    return Family(min(1.0, size * examined.test.p_value), ERROR_RATE / size)


def _deciding(study: Study, examined: Examined, family: Family | None, moment: Moment) -> Deciding:
    """Return the declared test's figures, or those of the look that stands for it."""
    metric, test = examined.totals.metric, examined.test
    exact = isinstance(test, ExactTest)
    estimate = None if exact else examined.estimate
    today = examined.shown.diff if estimate is None else estimate.diff
    nothing = undecided(study.analysis, ERROR_RATE, today)
    if moment.kept is not None and metric.role is not Role.GUARDRAIL:
        kept = moment.kept.get(metric.key, {}).get(examined.treatment)
        return nothing if kept is None else kept._replace(today=today, look=moment.kept_on)
    if test is None or family is None or (interval := test.interval(family.level)) is None:
        return nothing
    return Deciding(
        study.analysis,
        examined.method,
        examined.adjusted and not exact,
        ERROR_RATE,
        today,
        interval,
        family.p_value,
        examined.shown.lift if estimate is None else estimate.lift,
        test.lift_interval(family.level),
        _shrunken_lift(estimate),
        decides=True,
        significant=family.p_value < ERROR_RATE,
        today=today,
    )


def _shrunken_lift(estimate: Contrast | None) -> float | None:
    if estimate is None or estimate.baseline is None:
        return None
    mean = estimate.baseline.mean
    return posterior_of(estimate.diff, estimate.variance, Prior(0.0, PRIOR_SD * abs(mean))).mean / mean


def _always_valid(test: Test | None, size: int) -> AlwaysValid | None:
    if not isinstance(test, ConfidenceSequence):
        return None
    level = ERROR_RATE / size
    return AlwaysValid(test.interval(level), min(1.0, size * test.p_value), test.lift_interval(level))


def _bayes(examined: Examined) -> tuple[float | None, float | None]:
    """Return the chance to beat the control and the expected loss; exact for a rate in a small sample."""
    metric, contrast = examined.totals.metric, examined.best.contrast
    if examined.small:
        control, treated = examined.both
        arms = rate_of(control), rate_of(treated)
        possible = all(0 <= rate.conversions <= rate.n and rate.n for rate in arms)
        if metric.kind is not Kind.CONVERSION or not possible:
            return None, None
        if metric.direction == Direction.DECREASE:
            arms = arms[1], arms[0]
        exact = beta_binomial(*arms)
        return exact.chance_to_win, exact.expected_loss
    if contrast is None:
        return None, None
    posterior = posterior_of(contrast.diff, contrast.variance)
    return posterior.chance_to_win(metric.direction), posterior.expected_loss(metric.direction)


def _shown_interval(examined: Examined, alpha: float) -> Interval | None:
    """Return Welch's interval, or Newcombe's where a rate has too few converters for it."""
    if examined.small and examined.totals.metric.kind is Kind.CONVERSION:
        control, treated = examined.both
        return newcombe(rate_of(control), rate_of(treated), alpha)
    return examined.shown.interval


def _shown_lift(examined: Examined, alpha: float) -> Interval | None:
    """Return Fieller's interval; in a small sample what Newcombe's is of the control's rate, else None."""
    if not examined.small:
        return examined.shown.lift_interval
    interval, control = _shown_interval(examined, alpha), examined.both[0]
    is_rate = examined.totals.metric.kind is Kind.CONVERSION
    if not is_rate or interval is None or not control.converters:
        return None
    rate = rate_of(control).share
    return Interval(max(-1.0, interval.low / rate), interval.high / rate)


def _cuped(study: Study, examined: Examined, declared: bool) -> Cuped:
    history, raw = examined.history, raw_arms(examined.totals.metric, *examined.both)
    unadjusted = _estimated(study, examined, examined.shown, raw, declared)
    if history is None:
        return Cuped(False, None, unadjusted, None, None, NO_HISTORY)
    if history.status != OK:
        return Cuped(False, None, unadjusted, None, None, history.test.reason or history.status)
    adjusted = _estimated(study, examined, history.test, history.adjusted, declared)
    return Cuped(examined.adjusted, adjusted, unadjusted, history.theta, history.variance_reduction, None)


def _estimated(study: Study, examined: Examined, test: WelchTest, arms: Arms, declared: bool) -> Estimated:
    always_valid = None
    estimate = estimate_of(examined.totals.metric, arms)
    if declared and not examined.small and estimate is not None:
        size = family_size(study, examined.totals.metric)
        always_valid = _always_valid(sequence(study, examined, estimate), size)
    small = examined.small
    return Estimated(
        test.diff,
        None if small else test.interval,
        None if small else test.p_value,
        test.lift,
        None if small else test.lift_interval,
        always_valid,
    )
