"""One metric in one treatment against the control: every figure that the full answer shows."""

from typing import NamedTuple

from experimentation.domain.experiment import Analysis, Direction, Role
from experimentation.domain.statistics.bayes import Prior, posterior_of
from experimentation.domain.statistics.beta_binomial import beta_binomial
from experimentation.domain.statistics.cuped import NO_HISTORY
from experimentation.domain.statistics.deciding import Deciding, Test
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
    AnyDayTest,
    Examined,
    Moment,
    estimate_of,
    examine,
    raw_arms,
    sequence,
)
from experimentation.domain.statistics.harm import guard_of
from experimentation.domain.statistics.lift import Interval
from experimentation.domain.statistics.means import OK, Arms, Contrast, WelchTest
from experimentation.domain.statistics.proportions import Rate, newcombe
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

    @property
    def estimated(self) -> Estimated:
        """Return the one of both that decides."""
        return self.adjusted if self.decides and self.adjusted is not None else self.unadjusted


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
    """A comparison's p-value adjusted for its family, and the level of its interval."""

    p_value: float
    level: float


def compared(
    study: Study, query: Query, examined: Examined, family: Family | None, moment: Moment
) -> Comparison:
    """Return the comparison; without a family it stands alone, as everything exploratory does."""
    metric, shown, z = examined.metric, examined.shown, examined.z
    deciding = _deciding(study, examined, family, moment) if examined.declared else None
    is_guarded = examined.declared and metric.role is Role.GUARDRAIL
    guard = guard_of(study, examined, moment) if is_guarded else None
    confidence = _confidence(study, examined, moment, deciding, guard)
    chance, loss = _bayes(examined)
    p_value = None if examined.small else shown.p_value
    interval = _shown_interval(examined, query.alpha)
    return Comparison(
        status=shown.status,
        reason=shown.reason,
        difference=shown.diff,
        se=None if shown.contrast is None else shown.contrast.se,
        interval=interval,
        p_value=p_value,
        adjusted_p_value=p_value,
        lift=shown.lift,
        lift_interval=_shown_lift(examined, interval),
        always_valid=_always_valid(examined.any_day, family_size(study, metric)),
        deciding=deciding,
        guard=guard,
        probability_to_beat_control=chance,
        expected_loss=loss,
        tendency=tendency(_best_difference(examined, deciding), metric.direction, confidence),
        certainty=None if z is None else norm_sf(-abs(z)),
        confidence=confidence,
        small_sample=examined.small,
        cuped=_cuped(study, examined),
    )


def _best_difference(examined: Examined, deciding: Deciding | None) -> float | None:
    """Return the difference that decided, else the best estimate of it."""
    if deciding is not None and deciding.significant:
        return deciding.difference
    contrast = examined.best.contrast
    return examined.shown.diff if contrast is None else contrast.diff


def _confidence(
    study: Study,
    examined: Examined,
    moment: Moment,
    deciding: Deciding | None,
    guard: Guard | None,
) -> Confidence:
    """Return the word for how sure the direction is; proven harm does not wait for min_users."""
    harmed = (guard is not None and guard.harmed) or _stops_at_once(study, examined.metric, deciding)
    enough = harmed or min(arm.users for arm in examined.both) >= study.min_users
    significant = deciding is not None and deciding.significant
    return confidence_word(examined.z, enough, moment.mismatch, significant)


def _stops_at_once(study: Study, metric: Metric, deciding: Deciding | None) -> bool:
    """Say whether a primary metric is proven worse by a test that holds on any day."""
    if study.analysis is not Analysis.SEQUENTIAL or metric.role is not Role.PRIMARY or deciding is None:
        return False
    return is_bad(Evidence(metric.direction, deciding.interval))


def compare_variant(
    study: Study, query: Query, totals: MetricTotals, treatment: str, moment: Moment
) -> Comparison:
    """Return one treatment's comparison as if no other metric were secondary."""
    examined = examine(study, query, totals, treatment, moment)
    family = None if examined.test is None else own_family(study, examined.metric, examined.test)
    return compared(study, query, examined, family, moment)


def own_family(study: Study, metric: Metric, test: Test) -> Family:
    """Return the Bonferroni family of a primary metric; any other stands alone."""
    size = family_size(study, metric)
    return Family(min(1.0, size * test.p_value), ERROR_RATE / size)


def _deciding(study: Study, examined: Examined, family: Family | None, moment: Moment) -> Deciding:
    """Return the declared test's figures, or those of the look that stands for it."""
    metric, test = examined.metric, examined.test
    # The exact test is one of the counts, which CUPED does not adjust.
    estimate = None if isinstance(test, ExactTest) else examined.estimate
    measured = estimate or examined.shown
    nothing = Deciding(study.analysis, today=measured.diff)
    if moment.look_figures is not None and metric.role is not Role.GUARDRAIL:
        figures = moment.look_figures.get(metric.key, {}).get(examined.treatment)
        return nothing if figures is None else figures._replace(today=measured.diff, look=moment.look_day)
    if test is None or family is None:
        return nothing
    return nothing._replace(
        method=test.method,
        adjusted=estimate is not None and examined.adjustment is not None,
        difference=measured.diff,
        interval=test.interval(family.level),
        p_value=family.p_value,
        lift=measured.lift,
        lift_interval=test.lift_interval(family.level),
        shrunken_lift=_shrunken_lift(estimate),
        decides=True,
        significant=family.p_value < ERROR_RATE,
    )


def _shrunken_lift(estimate: Contrast | None) -> float | None:
    if estimate is None or estimate.baseline is None:
        return None
    mean = estimate.baseline.mean
    return posterior_of(estimate.diff, estimate.variance, Prior(0.0, PRIOR_SD * abs(mean))).mean / mean


def _always_valid(test: AnyDayTest | None, size: int) -> AlwaysValid | None:
    if not isinstance(test, ConfidenceSequence):
        return None
    level = ERROR_RATE / size
    return AlwaysValid(test.interval(level), min(1.0, size * test.p_value), test.lift_interval(level))


def _bayes(examined: Examined) -> tuple[float | None, float | None]:
    """Return the chance to beat the control and the expected loss; exact for a rate in a small sample."""
    metric, contrast = examined.metric, examined.best.contrast
    if examined.small and metric.is_rate:
        return _beta_binomial(metric, *examined.rates)
    if examined.small or contrast is None:
        return None, None
    posterior = posterior_of(contrast.diff, contrast.variance)
    return posterior.chance_to_win(metric.direction), posterior.expected_loss(metric.direction)


def _beta_binomial(metric: Metric, control: Rate, treated: Rate) -> tuple[float | None, float | None]:
    if not (control.is_possible and treated.is_possible):
        return None, None
    # It counts a higher rate as the better one.
    worse_first = (treated, control) if metric.direction == Direction.DECREASE else (control, treated)
    exact = beta_binomial(*worse_first)
    return exact.chance_to_win, exact.expected_loss


def _shown_interval(examined: Examined, alpha: float) -> Interval | None:
    """Return Welch's interval, or Newcombe's where a rate has too few converters for it."""
    if examined.small and examined.metric.is_rate:
        return newcombe(*examined.rates, alpha)
    return examined.shown.interval


def _shown_lift(examined: Examined, interval: Interval | None) -> Interval | None:
    """Return Fieller's interval; in a small sample Newcombe's over the control's rate, None of a mean."""
    if not examined.small:
        return examined.shown.lift_interval
    control, _ = examined.rates
    if not examined.metric.is_rate or interval is None or not control.conversions:
        return None
    return Interval(max(-1.0, interval.low / control.share), interval.high / control.share)


def _cuped(study: Study, examined: Examined) -> Cuped:
    history, raw = examined.history, raw_arms(examined.metric, *examined.both)
    unadjusted = _estimated(study, examined, examined.shown, raw)
    if history is None:
        return Cuped(False, None, unadjusted, None, None, NO_HISTORY)
    if history.status != OK:
        return Cuped(False, None, unadjusted, None, None, history.test.reason or history.status)
    adjusted = _estimated(study, examined, history.test, history.adjusted)
    decides = examined.adjustment is not None
    return Cuped(decides, adjusted, unadjusted, history.theta, history.variance_reduction, None)


def _estimated(study: Study, examined: Examined, test: WelchTest, arms: Arms) -> Estimated:
    if examined.small:
        return Estimated(test.diff, None, None, test.lift, None, None)
    always_valid = None
    estimate = estimate_of(examined.metric, arms)
    if examined.declared and estimate is not None:
        size = family_size(study, examined.metric)
        always_valid = _always_valid(sequence(study, examined, estimate), size)
    return Estimated(test.diff, test.interval, test.p_value, test.lift, test.lift_interval, always_valid)
