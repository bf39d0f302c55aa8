"""Totals of any window of whole days, computed from the counters of its days."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate

from experimentation.domain.counting.stored import Day


@dataclass(frozen=True, slots=True)
class WindowTotals:
    """What the users of one variant did in a window; values in 1e-4, squares of users' totals in 1e-8."""

    converters: int = 0
    count: int = 0
    sum: int = 0
    sum_squares: int = 0
    count_squares: int = 0


def window(days: Mapping[int, Day], start: int, end: int) -> WindowTotals:
    """Return the totals of the days start..end, both included.

    Unique users are those active each day less those counted again on their next active day; squared totals
    are the products of a user's totals of every ordered pair of days.
    """
    converters = count = total = sum_squares = count_squares = 0
    for day, each in days.items():
        if start <= day <= end:
            converters += each.converters
            count += each.count
            total += each.sum
            for _, users in _seen_again(day, each.pairs, start, end):
                converters -= users
            for _, amount in _squares(day, each.sum_products, start, end):
                sum_squares += amount
            for _, amount in _squares(day, each.count_products, start, end):
                count_squares += amount
    return WindowTotals(converters, count, total, sum_squares, count_squares)


def cumulative(days: Mapping[int, Day], start: int, end: int) -> dict[int, WindowTotals]:
    """Return the totals of start..d for every day d of start..end, in one pass.

    A pair and a product belong to the later of their two days, so that the totals are running sums.
    """
    chosen = range(start, end + 1)
    converters, count, total, sum_squares, count_squares = (dict.fromkeys(chosen, 0) for _ in range(5))
    for day, each in days.items():
        if start <= day <= end:
            converters[day] += each.converters
            count[day] += each.count
            total[day] += each.sum
            for later, users in _seen_again(day, each.pairs, start, end):
                converters[later] -= users
            for later, amount in _squares(day, each.sum_products, start, end):
                sum_squares[later] += amount
            for later, amount in _squares(day, each.count_products, start, end):
                count_squares[later] += amount
    running = zip(
        *(accumulate(each.values()) for each in (converters, count, total, sum_squares, count_squares)),
        strict=True,
    )
    return {day: WindowTotals(*totals) for day, totals in zip(chosen, running, strict=True)}


def _seen_again(
    day: int, pairs: Mapping[tuple[int, int], int], start: int, end: int
) -> Iterator[tuple[int, int]]:
    """Yield the later day of each pair within the window, and how many users it counts twice."""
    for (first, last), users in pairs.items():
        if start <= first and last <= end:
            yield max(day, last), users


def _squares(day: int, products: Mapping[int, int], start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the later of the two days of each product within the window, and its part of the square."""
    for other, amount in products.items():
        if start <= other <= end:
            yield max(day, other), amount if other == day else 2 * amount
