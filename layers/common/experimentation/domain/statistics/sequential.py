"""Always-valid inference: a confidence sequence that may be looked at on any day.

Source: Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas, arXiv 2103.06476, eq. 9 (interval), 155 (p-value) and
161 (rho); the lift by Fieller with the multiplier as the quantile.
"""

from math import exp, log, sqrt
from typing import NamedTuple

from experimentation.domain.statistics.lift import Interval
from experimentation.domain.statistics.means import Contrast

DEFAULT_TUNING_N = 5000


class ConfidenceSequence(NamedTuple):
    """An interval and a p-value for D that hold at every look at once; `n` users of both arms together.

    rho is fixed before the first look; the level may be chosen later.
    """

    contrast: Contrast
    n: int
    rho: float

    @property
    def method(self) -> str:
        """Return the name of the test."""
        return "sequence"

    @property
    def p_value(self) -> float:
        """Return the always-valid p-value; it is below a level exactly when that interval excludes 0."""
        return _p_value(self.contrast.z, self.n * self.rho**2)

    def multiplier(self, level: float) -> float:
        """Return the half-width in standard errors."""
        return _multiplier(self.n * self.rho**2, level)

    def interval(self, level: float) -> Interval:
        """Return the confidence sequence of D at this look."""
        return self.contrast.interval(self.multiplier(level))

    def lift_interval(self, level: float) -> Interval | None:
        """Return Fieller's interval of the lift with the multiplier as the quantile."""
        return self.contrast.lift_interval(self.multiplier(level))


def sequence_rho(alpha: float, tuning_n: float) -> float:
    """Return rho, which makes the sequence tightest near tuning_n users.

    Source: arXiv 2103.06476, eq. 161: rho^2 = [-2 ln a + ln(1 - 2 ln a)] / N*.

    >>> round(sequence_rho(0.05, 5000), 6)
    0.03984
    """
    return sqrt((-2 * log(alpha) + log(1 - 2 * log(alpha))) / tuning_n)


def sequence_multiplier(n: float, alpha: float, tuning_n: float) -> float:
    """Return the half-width of the sequence in standard errors at n users, both arms together.

    Source: arXiv 2103.06476, eq. 9.

    >>> round(sequence_multiplier(300, 0.05, 5000), 1), round(sequence_multiplier(300, 0.05, 50000), 1)
    (4.4, 11.5)
    """
    return _multiplier(n * sequence_rho(alpha, tuning_n) ** 2, alpha)


def planned_multiplier(alpha: float) -> float:
    """Return the multiplier at n = N*, the number of users for which the sequence is tuned.

    >>> round(planned_multiplier(0.05), 4)
    3.0352
    """
    return sequence_multiplier(1.0, alpha, 1.0)


def _multiplier(information: float, level: float) -> float:
    return sqrt(2 * (information + 1) / information * (log(information + 1) / 2 - log(level)))


def _p_value(z: float, information: float) -> float:
    # In logs, since the e-value of a large z overflows a double.
    log_e = information * z * z / (2 * (information + 1)) - log(information + 1) / 2
    return exp(min(0.0, -log_e))
