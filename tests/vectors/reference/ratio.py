"""Ratio metrics (say, clicks per session), which no experiment declares yet; the user is the unit."""

from fractions import Fraction
from typing import NamedTuple

from experimentation.domain.statistics.lift import raw_baseline
from experimentation.domain.statistics.means import WelchTest, compare
from experimentation.domain.statistics.moments import Estimate, covariance


class RatioMoments(NamedTuple):
    """Exact sums over n users of the numerator m, the denominator d, and their products."""

    n: int
    sum_m: Fraction
    sum_mm: Fraction
    sum_d: Fraction
    sum_dd: Fraction
    sum_md: Fraction


class RatioTest(NamedTuple):
    """Welch's test of two ratios of sums."""

    control: Estimate
    treatment: Estimate
    test: WelchTest


def ratio_delta(control: RatioMoments, treatment: RatioMoments, alpha: float) -> RatioTest:
    """Return the comparison of S_m / S_d between two arms.

    Source: Deng, Knoblich, Lu, Applying the Delta Method in Metric Analytics (KDD 2018):
    v = [v_m - 2 R c_md + R^2 v_d] / mean_d^2, then Welch.

    >>> arm = RatioMoments(12, *map(Fraction, (15, 35, 62, 380, 90)))
    >>> ratio_delta(arm, arm, 0.05).test.p_value
    1.0
    """
    first, second = linearised(control), linearised(treatment)
    return RatioTest(first, second, compare(first, second, alpha, raw_baseline(first)))


def linearised(arm: RatioMoments) -> Estimate:
    """Return the ratio and the per-user variance of its linear approximation; None without a denominator.

    >>> linearised(RatioMoments(2, *map(Fraction, (3, 5, 4, 8, 6))))
    Estimate(n=2, mean=Fraction(3, 4), variance=Fraction(1, 8))
    """
    if not arm.n or not arm.sum_d:
        return Estimate(arm.n if arm.sum_d else 0, None, None)
    ratio = arm.sum_m / arm.sum_d
    v_m = covariance(arm.n, arm.sum_m, arm.sum_m, arm.sum_mm, lowest=0)
    v_d = covariance(arm.n, arm.sum_d, arm.sum_d, arm.sum_dd, lowest=0)
    c_md = covariance(arm.n, arm.sum_m, arm.sum_d, arm.sum_md)
    if v_m is None or v_d is None or c_md is None:
        return Estimate(arm.n, ratio, None)
    variance = (v_m - 2 * ratio * c_md + ratio**2 * v_d) / (arm.sum_d / arm.n) ** 2
    return Estimate(arm.n, ratio, variance if variance >= 0 else None)
