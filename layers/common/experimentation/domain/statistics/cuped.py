"""CUPED: the same difference with less variance, by what users did before the experiment."""

from fractions import Fraction
from typing import NamedTuple

from experimentation.domain.statistics.lift import Baseline
from experimentation.domain.statistics.means import OK, Arms, WelchTest, compare
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
    adjusted: Arms
    test: WelchTest
    variance_reduction: float | None


def cuped_welch(control: PairedMoments, treatment: PairedMoments, alpha: float) -> CupedTest:
    """Return the CUPED-adjusted test of a pair of arms, theta from both arms pooled.

    Source: Deng, Xu, Kohavi, Walker (WSDM 2013). The lift divides by the raw control mean, whose covariance
    with the adjusted difference is -(v_y - theta c_xy) / n_C.

    >>> arm = PairedMoments(3, *map(Fraction, (6, 14, 6, 14, 14)))
    >>> shifted = PairedMoments(3, *map(Fraction, (9, 29, 6, 14, 20)))
    >>> test = cuped_welch(arm, shifted, 0.05)
    >>> test.theta, test.test.diff, test.variance_reduction
    (1.0, 1.0, 1.0)
    """
    both = _pooled(control, treatment)
    varies = both.covariate_variance
    theta = both.covariance / varies if both.covariance and varies else Fraction(0)
    centre = both.sum_x / both.n if both.n else Fraction(0)
    adjusted = Arms(
        _adjusted(control, theta, centre), _adjusted(treatment, theta, centre), _baseline(control, theta)
    )
    test = compare(adjusted.control, adjusted.treatment, alpha, adjusted.baseline)
    return CupedTest(
        NO_HISTORY if test.status == OK and not varies else test.status,
        float(theta) if both.n > 1 else None,
        adjusted,
        test,
        _variance_reduction(test, control.outcome, treatment.outcome),
    )


def _pooled(a: PairedMoments, b: PairedMoments) -> PairedMoments:
    sums = (x + y for x, y in zip(a[1:], b[1:], strict=True))
    return PairedMoments(a.n + b.n, *sums)


def _adjusted(arm: PairedMoments, theta: Fraction, centre: Fraction) -> Estimate:
    raw = arm.outcome
    if raw.mean is None or raw.variance is None or arm.covariate_variance is None or arm.covariance is None:
        return raw
    mean = raw.mean - theta * (arm.sum_x / arm.n - centre)
    variance = raw.variance + theta**2 * arm.covariate_variance - 2 * theta * arm.covariance
    # Below 0 only for sums that no data can have: x, y and their product are counted apart.
    return Estimate(arm.n, mean, variance if variance >= 0 else None)


def _baseline(control: PairedMoments, theta: Fraction) -> Baseline | None:
    raw = control.outcome
    if not raw.mean or raw.variance is None or control.covariance is None:
        return None
    shared = raw.variance - theta * control.covariance
    return Baseline(float(raw.mean), float(raw.variance / control.n), -float(shared / control.n))


def _variance_reduction(test: WelchTest, control: Estimate, treatment: Estimate) -> float | None:
    """Return the share of the difference's variance that the adjustment removed."""
    if control.variance is None or treatment.variance is None:
        return None
    raw = float(control.variance / control.n + treatment.variance / treatment.n)
    if raw == 0.0:
        return None
    return 1 - (test.contrast.variance / raw if test.contrast is not None else 0.0)
