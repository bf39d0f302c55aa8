"""What a comparison rests on: the figures of both arms, the estimate, and the tests that may decide."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from experimentation.domain.experiment import Adjustment, Analysis, Kind, Role
from experimentation.domain.statistics.cuped import CupedTest, cuped_welch
from experimentation.domain.statistics.deciding import Figures, Fixed, Repeated, Test
from experimentation.domain.statistics.exact import ExactTest
from experimentation.domain.statistics.lift import raw_baseline
from experimentation.domain.statistics.means import OK, Arms, Contrast, WelchTest, cautious, welch, welch_t
from experimentation.domain.statistics.proportions import Rate
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


class Moment(NamedTuple):
    """When the figures are of, which says what may decide now.

    `kept` are the figures of an earlier look that stand for today's: of the look at which a fixed plan was
    met, or of the newest look of a group-sequential one; `kept_on` is its day, `unsafe` the guardrails that
    it did not show to be safe, by treatment. `fractions` is the information of the looks that have spent,
    this one last, where this is one that may decide.
    """

    mismatch: bool = False
    at_look: bool = False
    plan_met: bool = False
    completed: bool = False
    fractions: tuple[float, ...] = ()
    kept: Figures | None = None
    kept_on: int | None = None
    unsafe: Mapping[str, Sequence[str]] = {}


class Examined(NamedTuple):
    """A comparison before its family is known: its estimate and the tests that may decide it.

    `arms` are what decides (adjusted where CUPED is declared) and `estimate` their difference, `any_day` is
    the test that holds at every look, `test` the declared one with its method; both are None where the metric
    does not decide.
    """

    totals: MetricTotals
    treatment: str
    both: tuple[VariantTotals, VariantTotals]
    """The control's totals and the treatment's."""
    small: bool
    shown: WelchTest
    history: CupedTest | None
    adjusted: bool
    arms: Arms
    estimate: Contrast | None
    any_day: Test | None
    method: str | None
    test: Test | None

    @property
    def best(self) -> WelchTest:
        """Return Welch's test of the arms that decide."""
        return self.history.test if self.adjusted and self.history else self.shown


def examine(study: Study, query: Query, totals: MetricTotals, treatment: str, moment: Moment) -> Examined:
    """Return what one comparison rests on."""
    metric = totals.metric
    both = totals.variants[study.control], totals.variants[treatment]
    moments = metric_moments(metric, both[0]), metric_moments(metric, both[1])
    history = _history(metric, *both, query.alpha)
    adjusted = study.adjustment is Adjustment.CUPED and history is not None and history.status == OK
    arms = history.adjusted if adjusted and history is not None else raw_arms(metric, *both)
    examined = Examined(
        totals,
        treatment,
        both,
        is_small_sample(metric, *both),
        welch_t(moments[0], moments[1], query.alpha),
        history,
        adjusted,
        arms,
        estimate_of(metric, arms),
        any_day=None,
        method=None,
        test=None,
    )
    if not (query.declared and metric.decides and treatment in study.treatments):
        return examined
    any_day = _any_day(study, examined)
    method, test = _declared(study, examined, any_day, moment)
    return examined._replace(any_day=any_day, method=method, test=test)


def sequence(study: Study, examined: Examined, estimate: Contrast) -> ConfidenceSequence:
    """Return the confidence sequence of an estimate at the error rate of the metric's family."""
    rho = sequence_rho(
        ERROR_RATE / family_size(study, examined.totals.metric), tuning_n(study, examined.treatment)
    )
    return ConfidenceSequence(estimate, sum(each.users for each in examined.both), rho)


def _any_day(study: Study, examined: Examined) -> Test | None:
    """Return the test that holds at every look: in a small sample the exact one, which rates alone have."""
    if examined.small:
        return _exact(study, examined) if examined.totals.metric.kind is Kind.CONVERSION else None
    return None if examined.estimate is None else sequence(study, examined, examined.estimate)


def _declared(
    study: Study, examined: Examined, any_day: Test | None, moment: Moment
) -> tuple[str | None, Test | None]:
    """Return the test that decides at this moment; a guardrail's holds on any day, whatever the analysis."""
    on_any_day = "exact" if isinstance(any_day, ExactTest) else "sequence", any_day
    fixed = study.analysis is Analysis.FIXED
    ended_early = fixed and moment.completed and not moment.plan_met and moment.kept is None
    is_guardrail = examined.totals.metric.role is Role.GUARDRAIL
    if study.analysis is Analysis.SEQUENTIAL or is_guardrail or ended_early:
        return on_any_day
    if not moment.at_look or not (moment.plan_met if fixed else moment.fractions):
        return None, None
    if examined.small or examined.estimate is None:
        return on_any_day
    if fixed:
        return "fixed", Fixed(examined.estimate)
    # Of rates, too: the early bounds lie far out, where Welch's error of a small arm is too small.
    return "group_sequential", Repeated(cautious(*examined.arms) or examined.estimate, moment.fractions)


def raw_arms(metric: Metric, control: VariantTotals, treated: VariantTotals) -> Arms:
    """Return both arms without any adjustment."""
    estimates = [metric_moments(metric, totals).estimate for totals in (control, treated)]
    return Arms(estimates[0], estimates[1], raw_baseline(estimates[0]))


def estimate_of(metric: Metric, arms: Arms) -> Contrast | None:
    """Return the difference with the standard error that the sequence and the fixed test go by."""
    return (welch if metric.kind is Kind.CONVERSION else cautious)(*arms)


def _exact(study: Study, examined: Examined) -> ExactTest | None:
    """Return the exact test on converters; None where it has nothing to go by."""
    weights = study.weights[study.control], study.weights[examined.treatment]
    rates = [rate_of(each) for each in examined.both]
    possible = all(0 <= rate.conversions <= rate.n and rate.n for rate in rates)
    if not all(weights) or not possible or not any(rate.conversions for rate in rates):
        return None
    return ExactTest(rates[0], rates[1], weights[1] / weights[0])


def _history(
    metric: Metric, control: VariantTotals, treated: VariantTotals, alpha: float
) -> CupedTest | None:
    arms = paired_moments(metric, control), paired_moments(metric, treated)
    return None if arms[0] is None or arms[1] is None else cuped_welch(arms[0], arms[1], alpha)


def rate_of(totals: VariantTotals) -> Rate:
    """Return the conversion rate of a variant."""
    return Rate(totals.users, totals.converters)
