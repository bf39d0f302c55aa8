"""Packing things of different sizes into as few groups as their order allows."""

from collections.abc import Iterable, Iterator
from math import inf


def packed[T](sized: Iterable[tuple[T, int]], limit: int, most: float = inf) -> Iterator[list[T]]:
    """Yield groups of up to `most` things whose sizes add up to `limit` at most; a larger thing comes alone.

    >>> list(packed([("a", 2), ("b", 2), ("c", 9), ("d", 1), ("e", 1)], limit=4, most=2))
    [['a', 'b'], ['c'], ['d', 'e']]
    """
    group: list[T] = []
    total = 0
    for thing, size in sized:
        if group and (len(group) == most or total + size > limit):
            yield group
            group, total = [], 0
        group.append(thing)
        total += size
    if group:
        yield group
