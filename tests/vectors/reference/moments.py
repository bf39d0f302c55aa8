"""Moments of one value per user, and of parts together; the product reads sums that were counted."""

from collections.abc import Iterable
from fractions import Fraction

from experimentation.domain.statistics.moments import Exact, Moments, exact_moments


def moments_of(values: Iterable[Exact]) -> Moments:
    """Return the moments of one value per user.

    >>> from decimal import Decimal
    >>> moments_of([Decimal("0.10")] * 30).sum
    Fraction(3, 1)
    """
    merged = Moments(0, Fraction(0), Fraction(0))
    return merge([merged, *(exact_moments(1, value, Fraction(value) ** 2) for value in values)])


def merge(parts: Iterable[Moments]) -> Moments:
    """Return the moments of the parts together; exact sums make their order irrelevant.

    >>> merge([exact_moments(1, 2, 4), exact_moments(2, 3, 5)])
    Moments(n=3, sum=Fraction(5, 1), sum_sq=Fraction(9, 1))
    """
    n, total, squares = 0, Fraction(0), Fraction(0)
    for part in parts:
        n, total, squares = n + part.n, total + part.sum, squares + part.sum_sq
    return Moments(n, total, squares)
