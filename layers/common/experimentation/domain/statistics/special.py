"""Building blocks of tails and integrals: Stirling's error, the incomplete beta fraction, Gauss nodes."""

from math import lgamma, log, pi, sqrt

_TINY = 1e-300
_EPSILON = 1e-16
_MAX_TERMS = 100_000
_STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156)
_HALF_LOG_TWO_PI = log(2 * pi) / 2

GAUSS_NODES = (
    (0.0, 128 / 225),
    (sqrt(5 - 2 * sqrt(10 / 7)) / 3, (322 + 13 * sqrt(70)) / 900),
    (-sqrt(5 - 2 * sqrt(10 / 7)) / 3, (322 + 13 * sqrt(70)) / 900),
    (sqrt(5 + 2 * sqrt(10 / 7)) / 3, (322 - 13 * sqrt(70)) / 900),
    (-sqrt(5 + 2 * sqrt(10 / 7)) / 3, (322 - 13 * sqrt(70)) / 900),
)
"""Nodes and weights of the five-point Gauss-Legendre rule on [-1, 1]."""


def stirling_error(x: float) -> float:
    """Return ln gamma(x) - [(x - 1/2) ln x - x + ln(2 pi)/2], without cancellation for large x.

    Source: Abramowitz and Stegun 6.1.40; its use against cancellation: Loader (2000).

    >>> round(stirling_error(1e9) * 12e9, 12)
    1.0
    """
    if x < 16:
        return lgamma(x) - ((x - 0.5) * log(x) - x + _HALF_LOG_TWO_PI)
    inverse_square = 1 / (x * x)
    series = 0.0
    for coefficient in reversed(_STIRLING):
        series = series * inverse_square + coefficient
    return series / x


def beta_fraction(x: float, a: float, b: float) -> float:
    """Return the continued fraction F of I_x(a, b) = x^a (1-x)^b / (a B(a, b)) F, for x < (a+1)/(a+b+2).

    Source: NIST DLMF 8.17.22, evaluated by Lentz's method (modified by Thompson and Barnett, 1986).

    >>> round(beta_fraction(0.5, 1.0, 1.0), 12)
    2.0
    """
    c = 1.0
    d = 1 / _nonzero(1 - (a + b) * x / (a + 1))
    fraction = d
    for m in range(1, _MAX_TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for numerator in (even, odd):
            d = 1 / _nonzero(1 + numerator * d)
            c = _nonzero(1 + numerator / c)
            fraction *= c * d
        if abs(c * d - 1) < _EPSILON:
            break
    return fraction


def _nonzero(x: float) -> float:
    return x if abs(x) > _TINY else _TINY
