"""Power: how many more users an effect needs, and how large an effect must be to be detected."""

from math import sqrt

from experimentation.domain.statistics.sequential import sequence_multiplier
from experimentation.domain.statistics.tails import norm_isf, norm_sf

_HOPELESS = 1e15  # a multiple that no experiment reaches


def required_multiple(
    signal: float, n: float, alpha: float, power: float, tuning_n: float | None = None
) -> float | None:
    """Return the factor (at least 1) by which n users must grow to detect `signal` standard errors.

    With a tuning_n the always-valid sequence has to exclude 0 at that one look, else the fixed interval.
    Source: power Phi(s - q) + Phi(-s - q), s = signal sqrt(multiple), solved by bisection.

    >>> round(required_multiple(1.0, 1000, 0.05, 0.8), 3)
    7.849
    """

    def is_powered(multiple: float) -> bool:
        quantile = (
            norm_isf(alpha / 2) if tuning_n is None else sequence_multiplier(n * multiple, alpha, tuning_n)
        )
        return two_sided_power(signal * sqrt(multiple), quantile) >= power

    low = high = 1.0
    while not is_powered(high):
        low, high = high, high * 2
        if high > _HOPELESS:
            return None
    while high - low > 1e-12 * high:
        middle = (low + high) / 2
        low, high = (low, middle) if is_powered(middle) else (middle, high)
    return high


def required_signal(quantile: float, power: float) -> float:
    """Return the effect, in standard errors, whose estimate lands beyond +-quantile with this power.

    >>> round(required_signal(1.959964, 0.8), 4)
    2.8016
    """
    low, high = 0.0, quantile + max(0.0, norm_isf(1 - power)) + 1
    while high - low > 1e-12 * high:
        middle = (low + high) / 2
        low, high = (low, middle) if two_sided_power(middle, quantile) >= power else (middle, high)
    return high


def two_sided_power(signal: float, quantile: float) -> float:
    """Return the chance that an estimate of `signal` standard errors lands beyond +-quantile.

    >>> round(two_sided_power(2.8015852, 1.959964), 4)
    0.8
    """
    return norm_sf(quantile - signal) + norm_sf(quantile + signal)
