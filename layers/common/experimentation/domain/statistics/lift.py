"""The relative difference R = D / M between treatment and control, and its interval."""

from math import copysign, sqrt
from typing import NamedTuple

from experimentation.domain.statistics.moments import Estimate


class Baseline(NamedTuple):
    """The control mean M that a lift divides by: its variance, and its covariance with the difference D."""

    mean: float
    variance: float
    covariance: float


class Interval(NamedTuple):
    """A closed interval of real numbers."""

    low: float
    high: float


def raw_baseline(control: Estimate) -> Baseline | None:
    """Return the control's own mean as the baseline; None where the lift is undefined.

    Source: STATISTICS 2: Var(M) = v_C/n_C and Cov(D, M) = -v_C/n_C, since D = m_T - M.
    """
    if not control.mean or control.variance is None:
        return None
    variance = float(control.variance / control.n)
    return Baseline(float(control.mean), variance, -variance)


def fieller(difference: float, variance: float, baseline: Baseline, quantile: float) -> Interval | None:
    """Return Fieller's interval for D / M; None where it is unbounded, since M may be 0.

    It excludes 0 exactly when |D| > quantile * se(D). Source: Fieller (1954), JRSS-B 16: the roots in R of
    (D - R M)^2 = q^2 [Var(D) - 2 R Cov + R^2 Var(M)], solved without subtracting nearly equal numbers.

    >>> fieller(0.0, 0.25, Baseline(1.0, 0.0, 0.0), 2.0)
    Interval(low=-1.0, high=1.0)
    >>> fieller(2.5, 1.25, Baseline(1.5, 0.25, -0.25), 6.2) is None
    True
    """
    square = quantile * quantile
    lead = baseline.mean**2 - square * baseline.variance
    if lead <= 0:
        return None
    half = difference * baseline.mean - square * baseline.covariance
    spread = sqrt(variance)
    # A difference of squares as a product, which keeps its digits where D is just significant.
    last = (abs(difference) - quantile * spread) * (abs(difference) + quantile * spread)
    discriminant = (
        baseline.mean**2 * variance
        - 2 * difference * baseline.mean * baseline.covariance
        + difference**2 * baseline.variance
        - square * (variance * baseline.variance - baseline.covariance**2)
    )
    # One root from a sum of like signs, the other from the product of both: a difference would cancel.
    reach = half + copysign(quantile * sqrt(max(discriminant, 0.0)), half)
    roots = (reach / lead, last / reach if reach else 0.0)
    return Interval(min(roots), max(roots))
