"""The delta method's standard error of a lift, which other engines use; the API answers Fieller's."""

from math import sqrt

from experimentation.domain.statistics.lift import Baseline


def delta_standard_error(difference: float, variance: float, baseline: Baseline) -> float:
    """Return the delta-method standard error of D / M.

    Source: Deng, Knoblich, Lu (KDD 2018), section 3.

    >>> delta_standard_error(0.0, 0.04, Baseline(2.0, 0.01, -0.01))
    0.1
    """
    lift = difference / baseline.mean
    numerator = variance - 2 * lift * baseline.covariance + lift * lift * baseline.variance
    return sqrt(max(numerator, 0.0)) / abs(baseline.mean)
