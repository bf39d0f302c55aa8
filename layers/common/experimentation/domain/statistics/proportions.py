"""Conversion rates: Wilson's interval for one, Newcombe's for the difference of two."""

from math import sqrt
from typing import NamedTuple

from experimentation.domain.statistics.lift import Interval
from experimentation.domain.statistics.tails import norm_isf


class Rate(NamedTuple):
    """Conversions among n users."""

    n: int
    conversions: int

    @property
    def is_possible(self) -> bool:
        """Say whether data can have these counts: some users, and no more conversions than users."""
        return 0 <= self.conversions <= self.n and self.n > 0

    @property
    def share(self) -> float:
        """Return the conversion rate; n must be above 0."""
        return self.conversions / self.n


def wilson(rate: Rate, alpha: float) -> Interval | None:
    """Return Wilson's score interval of a rate; None without users, and of counts that no data can have.

    Source: Wilson (1927), JASA 22; recommended by Newcombe (1998), Stat Med 17:857.

    >>> low, high = wilson(Rate(263, 81), 0.05)
    >>> round(low, 4), round(high, 4)
    (0.2553, 0.3662)
    >>> wilson(Rate(500, 0), 0.05).low
    0.0
    """
    if not rate.n or rate.conversions > rate.n:
        return None
    z = norm_isf(alpha / 2)
    root = z * sqrt(z * z + 4 * rate.conversions * (rate.n - rate.conversions) / rate.n)
    upper = 2 * rate.conversions + z * z + root
    # The lower limit is the product of both roots over the upper one, which does not cancel.
    return Interval(2 * rate.conversions * rate.share / upper, min(1.0, upper / (2 * (rate.n + z * z))))


def newcombe(control: Rate, treatment: Rate, alpha: float) -> Interval | None:
    """Return Newcombe's hybrid score interval of the difference; it stays inside [-1, 1] for any counts.

    Source: Newcombe (1998), Stat Med 17:873, method 10.

    >>> low, high = newcombe(Rate(29, 0), Rate(56, 5), 0.05)
    >>> round(low, 4), round(high, 4)
    (-0.0381, 0.1926)
    """
    low_high_control, low_high_treatment = wilson(control, alpha), wilson(treatment, alpha)
    if low_high_control is None or low_high_treatment is None:
        return None
    p, q = control.share, treatment.share
    below = sqrt((q - low_high_treatment.low) ** 2 + (low_high_control.high - p) ** 2)
    above = sqrt((low_high_treatment.high - q) ** 2 + (p - low_high_control.low) ** 2)
    return Interval(q - p - below, q - p + above)
