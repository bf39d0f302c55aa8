"""What a comparison rests on: the figures of both arms, the estimate, and the tests that may decide."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from experimentation.domain.experiment import Adjustment, Analysis, Role
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

type AnyDayTest = ExactTest | ConfidenceSequence
"""A test that holds at every look."""


class Moment(NamedTuple):
    """The time of the figures, which says what may decide now.

    `look_figures` are those of an earlier look that stand for today's: of the look at which a fixed plan was
    met, or of the newest look of a group-sequential one; `look_day` is its day, `unsafe` the guardrails that
    it did not show to be safe, by treatment. `fractions` are the information fractions of the looks that
    spent error rate, this one last; empty at a look that may not decide.
    """

    mismatch: bool = False
    at_look: bool = False
    plan_met: bool = False
    completed: bool = False
    fractions: tuple[float, ...] = ()
    look_figures: Figures | None = None
    look_day: int | None = None
    unsafe: Mapping[str, Sequence[str]] = {}

    @property
    def ended_early(self) -> bool:
        """Say whether the experiment was completed before its plan was met: no planned look will come."""
        return self.completed and not self.plan_met and self.look_figures is None

    @property
    def awaits_look(self) -> bool:
        """Say whether a running experiment has met its plan, and the look that decides is still to come."""
        return self.plan_met and self.look_figures is None and not self.completed

    def is_planned_look(self, analysis: Analysis) -> bool:
        """Say whether this is a look at which a fixed or a group-sequential plan decides."""
        return self.at_look and (self.plan_met if analysis is Analysis.FIXED else bool(self.fractions))


class Examined(NamedTuple):
    """A comparison before its family is known: its estimate and the tests that may decide it.

    `adjustment` is CUPED's test where it is declared and possible; `arms` are what decides, adjusted then,
    and `estimate` is their difference. `declared`: the comparison is one that may decide; else both tests,
    `any_day` and the analysis's own `test`, are None.
    """

    totals: MetricTotals
    treatment: str
    both: tuple[VariantTotals, VariantTotals]
    """The control's totals and the treatment's."""
    small: bool
    shown: WelchTest
    history: CupedTest | None
    adjustment: CupedTest | None
    arms: Arms
    estimate: Contrast | None
    declared: bool
    any_day: AnyDayTest | None = None
    test: Test | None = None

    @property
    def metric(self) -> Metric:
        """Return the metric that is compared."""
        return self.totals.metric

    @property
    def rates(self) -> tuple[Rate, Rate]:
        """Return both conversion rates, the control's first."""
        control, treated = self.both
        return Rate(control.users, control.converters), Rate(treated.users, treated.converters)

    @property
    def best(self) -> WelchTest:
        """Return Welch's test of the arms that decide."""
        return self.shown if self.adjustment is None else self.adjustment.test

    @property
    def z(self) -> float | None:
        """Return the difference in standard errors; None where the normal approximation does not hold."""
        contrast = self.best.contrast
        return None if contrast is None or self.small else contrast.z


def examine(study: Study, query: Query, totals: MetricTotals, treatment: str, moment: Moment) -> Examined:
    """Return what one comparison rests on."""
    metric = totals.metric
    both = totals.variants[study.control], totals.variants[treatment]
    control, treated = (metric_moments(metric, arm) for arm in both)
    history = _history(metric, *both, query.alpha)
    is_adjusted = study.adjustment is Adjustment.CUPED and history is not None and history.status == OK
    adjustment = history if is_adjusted else None
    arms = raw_arms(metric, *both) if adjustment is None else adjustment.adjusted
    examined = Examined(
        totals,
        treatment,
        both,
        is_small_sample(metric, *both),
        welch_t(control, treated, query.alpha),
        history,
        adjustment,
        arms,
        estimate_of(metric, arms),
        declared=query.declared and metric.decides and treatment in study.treatments,
    )
    if not examined.declared:
        return examined
    examined = examined._replace(any_day=_any_day(study, examined))
    return examined._replace(test=_test(study, examined, moment))


def sequence(study: Study, examined: Examined, estimate: Contrast) -> ConfidenceSequence:
    """Return the confidence sequence of an estimate at the error rate of the metric's family."""
    alpha = ERROR_RATE / family_size(study, examined.metric)
    rho = sequence_rho(alpha, tuning_n(study, examined.treatment))
    return ConfidenceSequence(estimate, sum(arm.users for arm in examined.both), rho)


def _any_day(study: Study, examined: Examined) -> AnyDayTest | None:
    """Return the test that holds at every look: in a small sample the exact one, which only rates have."""
    if examined.small:
        return _exact(study, examined) if examined.metric.is_rate else None
    return None if examined.estimate is None else sequence(study, examined, examined.estimate)


def _test(study: Study, examined: Examined, moment: Moment) -> Test | None:
    """Return the test that decides at this moment; None between the looks of a plan."""
    if _decides_on_any_day(study, examined.metric, moment):
        return examined.any_day
    if not moment.is_planned_look(study.analysis):
        return None
    if examined.small or examined.estimate is None:
        return examined.any_day
    if study.analysis is Analysis.FIXED:
        return Fixed(examined.estimate)
    # Rates as well: the early bounds lie far out, where Welch's standard error of a small arm is too small.
    return Repeated(cautious(*examined.arms) or examined.estimate, moment.fractions)


def _decides_on_any_day(study: Study, metric: Metric, moment: Moment) -> bool:
    """Say whether the metric decides on any day: under every plan guardrails do, to stop harm early."""
    if study.analysis is Analysis.SEQUENTIAL or metric.role is Role.GUARDRAIL:
        return True
    return study.analysis is Analysis.FIXED and moment.ended_early


def raw_arms(metric: Metric, control: VariantTotals, treated: VariantTotals) -> Arms:
    """Return both arms without any adjustment."""
    estimate = metric_moments(metric, control).estimate
    return Arms(estimate, metric_moments(metric, treated).estimate, raw_baseline(estimate))


def estimate_of(metric: Metric, arms: Arms) -> Contrast | None:
    """Return the difference with the standard error that the sequence and the fixed test use."""
    return (welch if metric.is_rate else cautious)(*arms)


def _exact(study: Study, examined: Examined) -> ExactTest | None:
    """Return the exact test of the conversion rates; None where nothing can be compared."""
    weight, treated_weight = study.weights[study.control], study.weights[examined.treatment]
    control, treated = examined.rates
    if not (weight and treated_weight and control.is_possible and treated.is_possible):
        return None
    if not (control.conversions or treated.conversions):
        return None
    return ExactTest(control, treated, treated_weight / weight)


def _history(
    metric: Metric, control: VariantTotals, treated: VariantTotals, alpha: float
) -> CupedTest | None:
    paired, paired_treated = paired_moments(metric, control), paired_moments(metric, treated)
    if paired is None or paired_treated is None:
        return None
    return cuped_welch(paired, paired_treated, alpha)
