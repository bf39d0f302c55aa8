"""Totals of any window of whole days, computed from the counters of domain/counting/counters.py."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

_PLAIN = {"u": 0, "n": 1, "s": 2}  # places in WindowTotals


class WindowTotals(NamedTuple):
    """What the users of one variant did in a window; sums of values in 1e-4, of their squares in 1e-8."""

    converters: int = 0
    events: int = 0
    total: int = 0
    squared_totals: int = 0
    squared_counts: int = 0


def window(days: Mapping[int, Mapping[str, int]], start: int, end: int) -> WindowTotals:
    """Return the totals of the days start..end, both included; `days` holds each day's counters.

    Unique users are those active each day less those counted again on their next active day; squared totals
    are the products of a user's totals of every ordered pair of days.
    """
    converters = count = total = squared_totals = squared_counts = 0
    for day, counters in days.items():
        if not start <= day <= end:
            continue
        for name, amount in counters.items():
            kind, rest = name[0], name[1:]
            if kind == "q" and start <= (other := int(rest)) <= end:
                squared_totals += amount if other == day else 2 * amount
            elif kind == "c" and start <= (other := int(rest)) <= end:
                squared_counts += amount if other == day else 2 * amount
            elif kind == "p" and _both(rest, start, end):
                converters -= amount
            elif name == "u":
                converters += amount
            elif name == "n":
                count += amount
            elif name == "s":
                total += amount
    return WindowTotals(converters, count, total, squared_totals, squared_counts)


def cumulative(days: Mapping[int, Mapping[str, int]], start: int, end: int) -> dict[int, WindowTotals]:
    """Return the totals of start..d for every day d of start..end, in one pass.

    Each product belongs to the later of its two days, so that the totals are running sums.
    """
    steps = {day: [0, 0, 0, 0, 0] for day in range(start, end + 1)}
    for day, counters in days.items():
        if not start <= day <= end:
            continue
        for name, amount in counters.items():
            kind, rest = name[0], name[1:]
            if kind in "qc" and rest:
                other = int(rest)
                if start <= other <= end:
                    steps[max(day, other)][3 if kind == "q" else 4] += amount if other == day else 2 * amount
            elif kind == "p" and _both(rest, start, end):
                steps[max(day, int(rest.partition(".")[2]))][0] -= amount
            elif name in _PLAIN:
                steps[day][_PLAIN[name]] += amount
    running = [0, 0, 0, 0, 0]
    totals: dict[int, WindowTotals] = {}
    for day, step in steps.items():
        running = [before + now for before, now in zip(running, step, strict=True)]
        totals[day] = WindowTotals(*running)
    return totals


def add_counters(into: dict[str, int], counters: Mapping[str, int]) -> None:
    """Add counters of another shard."""
    for name, amount in counters.items():
        into[name] = into.get(name, 0) + amount


def merge_shards(items: Iterable[tuple[str, Mapping[str, int]]]) -> dict[str, dict[str, int]]:
    """Return one set of counters per sort key from the items of all shards."""
    merged: dict[str, dict[str, int]] = {}
    for key, counters in items:
        add_counters(merged.setdefault(key, {}), counters)
    return merged


def _both(pair: str, start: int, end: int) -> bool:
    first, _, second = pair.partition(".")
    return start <= int(first) and int(second) <= end
