"""Exact sufficient statistics of one variant: its users, the sum and the sum of squares of their totals."""

from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

type Exact = int | Decimal | Fraction


class Estimate(NamedTuple):
    """A mean per user and its per-user variance; None where too few users leave them undefined."""

    n: int
    mean: Fraction | None
    variance: Fraction | None


class Moments(NamedTuple):
    """Sums over n users of a per-user total and of its square, exact."""

    n: int
    sum: Fraction
    sum_sq: Fraction

    @property
    def mean(self) -> Fraction | None:
        """Return the mean per user; None without users."""
        return self.sum / self.n if self.n else None

    @property
    def variance(self) -> Fraction | None:
        """Return the unbiased per-user variance; None under two users or for sums no data can have.

        Source: v = (nQ - S^2) / (n (n - 1)), formed exactly: in floats it cancels to garbage near 1e9.
        """
        return covariance(self.n, self.sum, self.sum, self.sum_sq, lowest=0)

    @property
    def estimate(self) -> Estimate:
        """Return the mean and variance together with n."""
        return Estimate(self.n, self.mean, self.variance)


def exact_moments(n: int, total: Exact, squares: Exact) -> Moments:
    """Return the moments of n users from exact sums; a float is refused, since it has already lost digits.

    >>> exact_moments(2, 3, 5).variance
    Fraction(1, 2)
    >>> exact_moments(1, 3, 9).variance is None
    True
    """
    if isinstance(total, float) or isinstance(squares, float):
        raise TypeError("sums are exact numbers, never floats")
    return Moments(n, Fraction(total), Fraction(squares))


def covariance(
    n: int, sum_x: Fraction, sum_y: Fraction, sum_xy: Fraction, lowest: int | None = None
) -> Fraction | None:
    """Return the unbiased covariance of two per-user totals; None under two users or below `lowest`.

    >>> covariance(2, Fraction(3), Fraction(3), Fraction(5))
    Fraction(1, 2)
    """
    if n < 2:
        return None
    value = (n * sum_xy - sum_x * sum_y) / (n * (n - 1))
    return None if lowest is not None and value < lowest else value


def as_float(value: Fraction | str | None) -> float | None:
    """Return the nearest double, of a fraction or a decimal text; None stays None.

    >>> as_float(Fraction(1, 4)), as_float("0.25"), as_float(None)
    (0.25, 0.25, None)
    """
    return None if value is None else float(value)
