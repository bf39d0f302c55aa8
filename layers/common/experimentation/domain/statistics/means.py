"""The difference between two means per user: Welch's test, its interval, and the lift."""

from math import sqrt
from typing import NamedTuple

from experimentation.domain.statistics.lift import (
    Baseline,
    Interval,
    delta_standard_error,
    fieller,
    raw_baseline,
)
from experimentation.domain.statistics.moments import Estimate, Moments, as_float
from experimentation.domain.statistics.tails import t_isf, t_sf

OK = "ok"
INSUFFICIENT_DATA = "insufficient_data"
INCONSISTENT_DATA = "inconsistent_data"
ZERO_VARIANCE = "zero_variance"


class WelchTest(NamedTuple):
    """Welch's t test of treatment minus control; None where not computable, and then `status` says why."""

    status: str
    mean_control: float | None
    mean_treatment: float | None
    var_control: float | None
    var_treatment: float | None
    diff: float | None
    se: float | None = None
    dof: float | None = None
    t: float | None = None
    p_value: float | None = None
    t_crit: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    lift: float | None = None
    lift_se_delta: float | None = None
    lift_ci_low_delta: float | None = None
    lift_ci_high_delta: float | None = None
    lift_ci_low_fieller: float | None = None
    lift_ci_high_fieller: float | None = None


class Difference(NamedTuple):
    """D = m_T - m_C with its variance, formed exactly and rounded once."""

    diff: float
    variance: float
    se: float


def welch_t(control: Moments, treatment: Moments, alpha: float) -> WelchTest:
    """Return Welch's two-sided test and 1 - alpha intervals from exact sums.

    Source: Welch (1947), Biometrika 34; lift interval by Fieller (1954), the delta method's beside it.

    >>> from experimentation.domain.statistics.moments import exact_moments
    >>> test = welch_t(exact_moments(2, 3, 5), exact_moments(2, 8, 34), 0.05)
    >>> test.diff, round(test.p_value, 6), test.lift_ci_low_fieller
    (2.5, 0.198727, None)
    """
    return compare(control.estimate, treatment.estimate, alpha, raw_baseline(control.estimate))


def compare(control: Estimate, treatment: Estimate, alpha: float, baseline: Baseline | None) -> WelchTest:
    """Return Welch's test of two estimates, with the lift over any baseline (CUPED's is the raw mean)."""
    status = comparability(control, treatment)
    difference = difference_of(control, treatment)
    exact_diff = None
    if control.mean is not None and treatment.mean is not None:
        exact_diff = float(treatment.mean - control.mean)
    lift = exact_diff / baseline.mean if exact_diff is not None and baseline is not None else None
    test = WelchTest(
        status,
        as_float(control.mean),
        as_float(treatment.mean),
        as_float(control.variance),
        as_float(treatment.variance),
        exact_diff,
        lift=lift,
    )
    if difference is None:
        return test
    dof = welch_dof(control, treatment)
    statistic = difference.diff / difference.se
    quantile = t_isf(alpha / 2, dof)
    margin = quantile * difference.se
    test = test._replace(
        se=difference.se,
        dof=dof,
        t=statistic,
        p_value=min(1.0, 2 * t_sf(abs(statistic), dof)),
        t_crit=quantile,
        ci_low=difference.diff - margin,
        ci_high=difference.diff + margin,
    )
    return test if baseline is None else _with_lift(test, difference, baseline, quantile)


def comparability(control: Estimate, treatment: Estimate) -> str:
    """Return why two estimates cannot be tested against each other, or "ok"."""
    if control.n < 2 or treatment.n < 2:
        return INSUFFICIENT_DATA
    if control.variance is None or treatment.variance is None:
        return INCONSISTENT_DATA
    return OK if control.variance or treatment.variance else ZERO_VARIANCE


def difference_of(control: Estimate, treatment: Estimate) -> Difference | None:
    """Return D and its standard error; None where no test is possible.

    Source: se^2 = v_C/n_C + v_T/n_T (Welch 1947).
    """
    if (
        comparability(control, treatment) != OK
        or control.mean is None
        or treatment.mean is None
        or control.variance is None
        or treatment.variance is None
    ):
        return None
    variance = float(control.variance / control.n + treatment.variance / treatment.n)
    if variance == 0.0:
        return None
    return Difference(float(treatment.mean - control.mean), variance, sqrt(variance))


def welch_dof(control: Estimate, treatment: Estimate) -> float:
    """Return the Welch-Satterthwaite degrees of freedom of two arms of at least two users.

    Source: Satterthwaite (1946); Welch (1947), in shares of the variance, which cannot overflow.
    """
    variance_control = (control.variance or 0) / control.n
    variance_treatment = (treatment.variance or 0) / treatment.n
    share = float(variance_control / (variance_control + variance_treatment))
    return 1 / (share**2 / (control.n - 1) + (1 - share) ** 2 / (treatment.n - 1))


def _with_lift(test: WelchTest, difference: Difference, baseline: Baseline, quantile: float) -> WelchTest:
    lift = difference.diff / baseline.mean
    delta_se = delta_standard_error(difference.diff, difference.variance, baseline)
    interval = fieller(difference.diff, difference.variance, baseline, quantile)
    low, high = interval if isinstance(interval, Interval) else (None, None)
    return test._replace(
        lift=lift,
        lift_se_delta=delta_se,
        lift_ci_low_delta=lift - quantile * delta_se,
        lift_ci_high_delta=lift + quantile * delta_se,
        lift_ci_low_fieller=low,
        lift_ci_high_fieller=high,
    )
