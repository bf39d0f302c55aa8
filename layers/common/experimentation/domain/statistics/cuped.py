"""CUPED: the same difference with less variance, by what users did before the experiment."""

from fractions import Fraction
from typing import NamedTuple

from experimentation.domain.statistics.lift import Baseline
from experimentation.domain.statistics.means import OK, WelchTest, compare
from experimentation.domain.statistics.moments import Estimate, covariance

NO_HISTORY = "no_history"


class PairedMoments(NamedTuple):
    """Exact sums over n users of the outcome y, the pre-experiment total x, and their products."""

    n: int
    sum_y: Fraction
    sum_yy: Fraction
    sum_x: Fraction
    sum_xx: Fraction
    sum_xy: Fraction

    @property
    def outcome(self) -> Estimate:
        """Return the unadjusted mean and variance of y."""
        mean = self.sum_y / self.n if self.n else None
        return Estimate(self.n, mean, covariance(self.n, self.sum_y, self.sum_y, self.sum_yy, lowest=0))

    @property
    def covariate_variance(self) -> Fraction | None:
        """Return the variance of x."""
        return covariance(self.n, self.sum_x, self.sum_x, self.sum_xx, lowest=0)

    @property
    def covariance(self) -> Fraction | None:
        """Return the covariance of x and y."""
        return covariance(self.n, self.sum_x, self.sum_y, self.sum_xy)


class CupedTest(NamedTuple):
    """Welch's test of the adjusted means; `status` is "no_history" where x does not vary and theta is 0."""

    status: str
    theta: float | None
    mean_control: float | None
    mean_treatment: float | None
    adj_mean_control: float | None
    adj_mean_treatment: float | None
    adj_var_control: float | None
    adj_var_treatment: float | None
    diff: float | None
    se: float | None
    dof: float | None
    t: float | None
    p_value: float | None
    t_crit: float | None
    ci_low: float | None
    ci_high: float | None
    lift: float | None
    lift_se_delta: float | None
    lift_ci_low_delta: float | None
    lift_ci_high_delta: float | None
    lift_ci_low_fieller: float | None
    lift_ci_high_fieller: float | None
    variance_reduction: float | None


def cuped_welch(control: PairedMoments, treatment: PairedMoments, alpha: float) -> CupedTest:
    """Return the CUPED-adjusted test of a pair of arms, theta from both arms pooled.

    Source: Deng, Xu, Kohavi, Walker (WSDM 2013). The lift divides by the raw control mean, whose covariance
    with the adjusted difference is -(v_y - theta c_xy) / n_C.

    >>> arm = PairedMoments(3, *map(Fraction, (6, 14, 6, 14, 14)))
    >>> shifted = PairedMoments(3, *map(Fraction, (9, 29, 6, 14, 20)))
    >>> test = cuped_welch(arm, shifted, 0.05)
    >>> test.theta, test.diff, test.variance_reduction
    (1.0, 1.0, 1.0)
    """
    both = _pooled(control, treatment)
    theta = (
        both.covariance / both.covariate_variance
        if both.covariance and both.covariate_variance
        else Fraction(0)
    )
    centre = both.sum_x / both.n if both.n else Fraction(0)
    adjusted = [_adjusted(arm, theta, centre) for arm in (control, treatment)]
    test = compare(adjusted[0], adjusted[1], alpha, _baseline(control, theta))
    return _result(test, control, treatment, theta, bool(both.covariate_variance))


def _pooled(a: PairedMoments, b: PairedMoments) -> PairedMoments:
    sums = (x + y for x, y in zip(a[1:], b[1:], strict=True))
    return PairedMoments(a.n + b.n, *sums)


def _adjusted(arm: PairedMoments, theta: Fraction, centre: Fraction) -> Estimate:
    raw = arm.outcome
    if raw.mean is None or raw.variance is None or arm.covariate_variance is None or arm.covariance is None:
        return raw
    variance = raw.variance + theta**2 * arm.covariate_variance - 2 * theta * arm.covariance
    return Estimate(
        arm.n, raw.mean - theta * (arm.sum_x / arm.n - centre), variance if variance >= 0 else None
    )


def _baseline(control: PairedMoments, theta: Fraction) -> Baseline | None:
    raw = control.outcome
    if not raw.mean or raw.variance is None or control.covariance is None:
        return None
    shared = raw.variance - theta * control.covariance
    return Baseline(float(raw.mean), float(raw.variance / control.n), -float(shared / control.n))


def _result(
    test: WelchTest, control: PairedMoments, treatment: PairedMoments, theta: Fraction, varies: bool
) -> CupedTest:
    raw_control, raw_treatment = control.outcome, treatment.outcome
    return CupedTest(
        test.status if varies or test.status != OK else NO_HISTORY,
        float(theta) if control.n + treatment.n > 1 else None,
        None if raw_control.mean is None else float(raw_control.mean),
        None if raw_treatment.mean is None else float(raw_treatment.mean),
        test.mean_control,
        test.mean_treatment,
        test.var_control,
        test.var_treatment,
        *test[5:],
        variance_reduction=_variance_reduction(test, raw_control, raw_treatment),
    )


def _variance_reduction(test: WelchTest, control: Estimate, treatment: Estimate) -> float | None:
    """Return the share of the difference's variance that the adjustment removed."""
    if control.variance is None or treatment.variance is None:
        return None
    raw = float(control.variance / control.n + treatment.variance / treatment.n)
    if raw == 0.0:
        return None
    return 1 - (test.se**2 / raw if test.se is not None else 0.0)
