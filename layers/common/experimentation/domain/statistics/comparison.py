"""One metric in one treatment against the control: every figure that the full answer shows."""

from typing import NamedTuple

from experimentation.domain.experiment import Adjustment, Analysis, Direction, Kind, Role
from experimentation.domain.statistics.bayes import Prior, posterior_of
from experimentation.domain.statistics.beta_binomial import beta_binomial
from experimentation.domain.statistics.cuped import NO_HISTORY, CupedTest, cuped_welch
from experimentation.domain.statistics.deciding import Deciding, Figures, Fixed, Repeated, Test, undecided
from experimentation.domain.statistics.decision import (
    Confidence,
    Guard,
    Tendency,
    confidence_word,
    gain_of,
    tendency,
)
from experimentation.domain.statistics.exact import ExactTest
from experimentation.domain.statistics.lift import Interval, raw_baseline
from experimentation.domain.statistics.means import OK, Contrast, WelchTest, cautious, welch, welch_t
from experimentation.domain.statistics.proportions import Rate, newcombe
from experimentation.domain.statistics.sequential import ConfidenceSequence, sequence_rho
from experimentation.domain.statistics.study import (
    ERROR_RATE,
    Metric,
    MetricTotals,
    Query,
    Study,
    VariantTotals,
    family_size,
    is_small_sample,
    metric_moments,
    paired_moments,
    tuning_n,
)
from experimentation.domain.statistics.tails import norm_sf

PRIOR_SD = 0.1  # of true lifts: what is measured at the moment of stopping is shrunk towards it


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


class Moment(NamedTuple):
    """When the figures are of, which says what may decide now.

    `kept` are the figures of an earlier look that stand for today's: of the look at which a fixed plan was
    met, or of the newest look of a group-sequential one; `kept_on` is its day. `fractions` is the information
    of the looks that have spent, this one last, where this is one that may decide.
    """

    mismatch: bool = False
    at_look: bool = False
    plan_met: bool = False
    completed: bool = False
    fractions: tuple[float, ...] = ()
    kept: Figures | None = None
    kept_on: int | None = None


class Examined(NamedTuple):
    """A comparison before its family is known: its estimate and the tests that may decide it.

    `estimate` is what decides (adjusted where CUPED is declared), `any_day` the test that holds at every
    look, `test` the declared one with its method; both are None where the metric does not decide.
    """

    totals: MetricTotals
    treatment: str
    small: bool
    shown: WelchTest
    history: CupedTest | None
    adjusted: bool
    estimate: Contrast | None
    any_day: Test | None
    method: str | None
    test: Test | None


class Family(NamedTuple):
    """What a comparison's family makes of it: the p-value of the whole family, the level of its interval."""

    p_value: float
    level: float


def examine(study: Study, query: Query, totals: MetricTotals, treatment: str, moment: Moment) -> Examined:
    """Return what one comparison rests on."""
    metric = totals.metric
    control, treated = totals.variants[study.control], totals.variants[treatment]
    moments = metric_moments(metric, control), metric_moments(metric, treated)
    small = is_small_sample(metric, control, treated)
    history = _history(metric, control, treated, query.alpha)
    adjusted = study.adjustment is Adjustment.CUPED and history is not None and history.status == OK
    contrast = welch if metric.kind is Kind.CONVERSION else cautious
    raw = moments[0].estimate, moments[1].estimate, raw_baseline(moments[0].estimate)
    estimate = contrast(*(history.adjusted if adjusted and history is not None else raw))
    examined = Examined(
        totals,
        treatment,
        small,
        welch_t(moments[0], moments[1], query.alpha),
        history,
        adjusted,
        estimate,
        any_day=None,
        method=None,
        test=None,
    )
    if not (query.declared and metric.decides and treatment in study.treatments):
        return examined
    any_day: Test | None = None
    if small:
        any_day = _exact(study, examined) if metric.kind is Kind.CONVERSION else None
    elif estimate is not None:
        rho = sequence_rho(ERROR_RATE / family_size(study, metric), tuning_n(study, treatment))
        any_day = ConfidenceSequence(estimate, control.users + treated.users, rho)
    method, test = _declared(study, examined, any_day, moment)
    return examined._replace(any_day=any_day, method=method, test=test)


def compared(
    study: Study, query: Query, examined: Examined, family: Family | None, moment: Moment
) -> Comparison:
    """Return the comparison; without a family it stands alone, as everything exploratory does."""
    metric, shown, small = examined.totals.metric, examined.shown, examined.small
    control, treated = (examined.totals.variants[key] for key in (study.control, examined.treatment))
    declared = query.declared and metric.decides and examined.treatment in study.treatments
    deciding = _deciding(study, examined, family, moment) if declared else None
    guard = _guard(study, examined, moment) if declared and metric.role is Role.GUARDRAIL else None
    significant = deciding is not None and deciding.significant
    harmed = guard is not None and guard.harmed
    enough = min(control.users, treated.users) >= study.min_users
    contrast = examined.history.test.contrast if examined.adjusted and examined.history else shown.contrast
    z = None if contrast is None or small else contrast.z
    word = confidence_word(z, enough or harmed, moment.mismatch, significant)
    chance, loss = _bayes(metric, control, treated, contrast, small)
    difference = shown.diff if contrast is None else contrast.diff
    if deciding is not None and significant:
        difference = deciding.difference
    return Comparison(
        status=shown.status,
        reason=shown.reason,
        difference=shown.diff,
        se=None if shown.contrast is None else shown.contrast.se,
        interval=_shown_interval(metric, control, treated, shown, query.alpha, small),
        p_value=None if small else shown.p_value,
        adjusted_p_value=None if small else shown.p_value,
        lift=shown.lift,
        lift_interval=_shown_lift(metric, control, treated, shown, query.alpha, small),
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


def _declared(
    study: Study, examined: Examined, any_day: Test | None, moment: Moment
) -> tuple[str | None, Test | None]:
    """Return the test that decides at this moment; a guardrail's holds on any day, whatever the analysis."""
    any_day_method = "exact" if isinstance(any_day, ExactTest) else "sequence"
    analysis = study.analysis
    if analysis is Analysis.SEQUENTIAL or examined.totals.metric.role is Role.GUARDRAIL:
        return any_day_method, any_day
    ends_early = moment.completed and not moment.plan_met
    if analysis is Analysis.FIXED and ends_early and moment.kept is None:
        return any_day_method, any_day
    may_decide = moment.plan_met if analysis is Analysis.FIXED else bool(moment.fractions)
    if not moment.at_look or not may_decide:
        return None, None
    if examined.small or examined.estimate is None:
        return any_day_method, any_day
    if analysis is Analysis.FIXED:
        return "fixed", Fixed(examined.estimate)
    return "group_sequential", Repeated(examined.estimate, moment.fractions)


def _deciding(study: Study, examined: Examined, family: Family | None, moment: Moment) -> Deciding:
    """Return the declared test's figures, or those of the look that stands for it."""
    metric, estimate, test = examined.totals.metric, examined.estimate, examined.test
    exact = isinstance(test, ExactTest)
    today = examined.shown.diff if exact or estimate is None else estimate.diff
    if moment.kept is not None and metric.role is not Role.GUARDRAIL:
        kept = moment.kept.get(metric.key, {}).get(examined.treatment)
        if kept is not None:
            return kept._replace(today=today, look=moment.kept_on)
        test = None
    interval = None if test is None or family is None else test.interval(family.level)
    if test is None or family is None or interval is None:
        return undecided(study.analysis, ERROR_RATE, today)
    return Deciding(
        study.analysis,
        examined.method,
        examined.adjusted and not exact,
        ERROR_RATE,
        today,
        interval,
        family.p_value,
        examined.shown.lift if exact or estimate is None else estimate.lift,
        test.lift_interval(family.level),
        None if exact or estimate is None else _shrunken_lift(estimate),
        decides=True,
        significant=family.p_value < ERROR_RATE,
        today=today,
    )


def _shrunken_lift(estimate: Contrast) -> float | None:
    baseline = estimate.baseline
    if baseline is None:
        return None
    prior = Prior(0.0, PRIOR_SD * abs(baseline.mean))
    return posterior_of(estimate.diff, estimate.variance, prior).mean / baseline.mean


def _guard(study: Study, examined: Examined, moment: Moment) -> Guard:
    """Return whether a guardrail is proven harmed beyond its margin, and proven to be no worse than it.

    The second proof is one-sided at the same error rate: one end of an interval at twice the level.
    """
    metric, test = examined.totals.metric, examined.any_day
    if test is None:
        return Guard(harmed=False, safe=metric.margin is None)
    harmed = is_harmed(examined, ERROR_RATE)
    if metric.margin is None:
        return Guard(harmed)
    decides_now = moment.at_look and moment.plan_met and study.analysis is Analysis.FIXED
    proof: Test = test
    if decides_now and not isinstance(test, ExactTest) and examined.estimate is not None:
        proof = Fixed(examined.estimate)
    within = _relative_gain(examined, proof, 2 * ERROR_RATE)
    return Guard(
        harmed,
        safe=within is not None and within.low > -metric.margin,
    )


def is_harmed(examined: Examined, level: float) -> bool:
    """Say whether a guardrail is proven worse, by more than its margin where it has one, at that level."""
    metric, test = examined.totals.metric, examined.any_day
    if test is None:
        return False
    if metric.margin is None:
        gain = gain_of(metric.direction, test.interval(level))
    else:
        gain = _relative_gain(examined, test, level)
    return gain is not None and gain.high < -(metric.margin or 0)


def _relative_gain(examined: Examined, test: Test, level: float) -> Interval | None:
    """Return the interval of the gain relative to the size of the control mean."""
    lift = test.lift_interval(level)
    if lift is None:
        return None
    baseline = None if examined.estimate is None else examined.estimate.baseline
    if baseline is not None and baseline.mean < 0:
        lift = Interval(-lift.high, -lift.low)
    return gain_of(examined.totals.metric.direction, lift)


def _exact(study: Study, examined: Examined) -> ExactTest | None:
    """Return the exact test on converters; None where it has nothing to go by."""
    weights = study.weights[study.control], study.weights[examined.treatment]
    rates = [_rate(examined.totals.variants[key]) for key in (study.control, examined.treatment)]
    possible = all(0 <= rate.conversions <= rate.n and rate.n for rate in rates)
    if not all(weights) or not possible or not any(rate.conversions for rate in rates):
        return None
    return ExactTest(rates[0], rates[1], weights[1] / weights[0])


def _always_valid(test: Test | None, size: int) -> AlwaysValid | None:
    if not isinstance(test, ConfidenceSequence):
        return None
    level = ERROR_RATE / size
    return AlwaysValid(test.interval(level), min(1.0, size * test.p_value), test.lift_interval(level))


def _bayes(
    metric: Metric, control: VariantTotals, treated: VariantTotals, contrast: Contrast | None, small: bool
) -> tuple[float | None, float | None]:
    """Return the chance to beat the control and the expected loss; exact for a rate in a small sample."""
    if small:
        arms = _rate(control), _rate(treated)
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


def _shown_interval(
    metric: Metric,
    control: VariantTotals,
    treated: VariantTotals,
    shown: WelchTest,
    alpha: float,
    small: bool,
) -> Interval | None:
    """Return Welch's interval, or Newcombe's where a rate has too few converters for it."""
    if small and metric.kind is Kind.CONVERSION:
        return newcombe(_rate(control), _rate(treated), alpha)
    return shown.interval


def _shown_lift(
    metric: Metric,
    control: VariantTotals,
    treated: VariantTotals,
    shown: WelchTest,
    alpha: float,
    small: bool,
) -> Interval | None:
    """Return Fieller's interval; in a small sample what Newcombe's is of the control's rate, else None."""
    if not small:
        return shown.lift_interval
    interval = _shown_interval(metric, control, treated, shown, alpha, small)
    if metric.kind is not Kind.CONVERSION or interval is None or not control.converters:
        return None
    rate = _rate(control).share
    return Interval(max(-1.0, interval.low / rate), interval.high / rate)


def _rate(totals: VariantTotals) -> Rate:
    return Rate(totals.users, totals.converters)


def _history(
    metric: Metric, control: VariantTotals, treated: VariantTotals, alpha: float
) -> CupedTest | None:
    arms = paired_moments(metric, control), paired_moments(metric, treated)
    return None if arms[0] is None or arms[1] is None else cuped_welch(arms[0], arms[1], alpha)


def _cuped(study: Study, examined: Examined, declared: bool) -> Cuped:
    history, shown = examined.history, examined.shown
    unadjusted = _estimated(study, examined, shown, declared)
    if history is None:
        return Cuped(False, None, unadjusted, None, None, NO_HISTORY)
    if history.status != OK:
        return Cuped(False, None, unadjusted, None, None, history.test.reason or history.status)
    adjusted = _estimated(study, examined, history.test, declared)
    return Cuped(examined.adjusted, adjusted, unadjusted, history.theta, history.variance_reduction, None)


def _estimated(study: Study, examined: Examined, test: WelchTest, declared: bool) -> Estimated:
    always_valid = None
    if declared and not examined.small and test.contrast is not None:
        size = family_size(study, examined.totals.metric)
        rho = sequence_rho(ERROR_RATE / size, tuning_n(study, examined.treatment))
        users = sum(examined.totals.variants[key].users for key in (study.control, examined.treatment))
        always_valid = _always_valid(ConfidenceSequence(test.contrast, users, rho), size)
    small = examined.small
    return Estimated(
        test.diff,
        None if small else test.interval,
        None if small else test.p_value,
        test.lift,
        None if small else test.lift_interval,
        always_valid,
    )
