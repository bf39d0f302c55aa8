"""Counters under the names of the answer: what counters.py stores by one-letter names, added over shards."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from experimentation.domain.counting.counters import BEFORE
from experimentation.domain.experiment import Kind

type Moment = Literal["x", "xx", "xy"]
"""Over users: their total before the assignment, its square, its product with their total since."""

_COVARIATES: Mapping[str, tuple[Kind, tuple[Moment, ...]]] = {
    "xv": (Kind.VALUE, ("x",)),
    "xvv": (Kind.VALUE, ("xx",)),
    "xvy": (Kind.VALUE, ("xy",)),
    "xc": (Kind.COUNT, ("x",)),
    "xcc": (Kind.COUNT, ("xx",)),
    "xcy": (Kind.COUNT, ("xy",)),
    "xb": (Kind.CONVERSION, ("x", "xx")),  # 0 or 1, which is its own square
    "xby": (Kind.CONVERSION, ("xy",)),
}


class RollupKey(NamedTuple):
    """The sort key of a rollup item; `day` is None for the sums of events before the assignment."""

    segment: str
    event_type: str
    day: int | None
    variant: str


class EnrolmentKey(NamedTuple):
    """The sort key of an enrolment item."""

    segment: str
    day: int
    variant: str


@dataclass(slots=True)
class Day:
    """What the users of one variant and segment did on one day; values in 1e-4, their products in 1e-8.

    `pairs` counts users by two consecutive active days. `sum_products` and `count_products` hold, by the
    other day, the products of a user's totals of the two days; which of them holds a product is left open.
    """

    count: int = 0
    sum: int = 0
    converters: int = 0
    pairs: dict[tuple[int, int], int] = field(default_factory=dict)
    sum_products: dict[int, int] = field(default_factory=dict)
    count_products: dict[int, int] = field(default_factory=dict)
    covariates: dict[tuple[Kind, Moment], int] = field(default_factory=dict)

    def add(self, counters: Mapping[str, int]) -> None:
        """Add the counters of one item."""
        for name, amount in counters.items():
            # Products of days first: they are nearly all of an item's counters.
            kind, rest = name[0], name[1:]
            if kind == "q":
                _add(self.sum_products, int(rest), amount)
            elif kind == "c":
                _add(self.count_products, int(rest), amount)
            elif kind == "p":
                first, _, second = rest.partition(".")
                _add(self.pairs, (int(first), int(second)), amount)
            elif kind == "x":
                metric_kind, moments = _COVARIATES[name]
                for moment in moments:
                    _add(self.covariates, (metric_kind, moment), amount)
            elif name == "n":
                self.count += amount
            elif name == "s":
                self.sum += amount
            elif name == "u":
                self.converters += amount
            else:
                raise ValueError(f"{name} is no counter of a day")


@dataclass(slots=True)
class Hours:
    """The events of one day by hour, and the sum of their values in 1e-4."""

    count: dict[int, int] = field(default_factory=dict)
    sum: dict[int, int] = field(default_factory=dict)

    def add(self, counters: Mapping[str, int]) -> None:
        """Add the counters of one item."""
        for name, amount in counters.items():
            _add(self.count if name[0] == "n" else self.sum, int(name[1:]), amount)


@dataclass(slots=True)
class Enrolment:
    """The users enrolled on one day, in all and by hour; how many were late, how many crossed over."""

    enrolled: int = 0
    late: int = 0
    crossovers: int = 0
    by_hour: dict[int, int] = field(default_factory=dict)

    def add(self, counters: Mapping[str, int]) -> None:
        """Add the counters of one item."""
        for name, amount in counters.items():
            if name == "n":
                self.enrolled += amount
            elif name == "l":
                self.late += amount
            elif name == "x":
                self.crossovers += amount
            else:
                _add(self.by_hour, int(name[1:]), amount)


def rollup_key(key: str) -> RollupKey:
    """Return the parts of a rollup item's sort key.

    >>> rollup_key("*#purchase#-3#control").day, rollup_key("*#purchase#x#control").day
    (-3, None)
    """
    segment, event_type, _, variant = key.split("#")
    return RollupKey(segment, event_type, day_in(key), variant)


def enrolment_key(key: str) -> EnrolmentKey:
    """Return the parts of an enrolment item's sort key."""
    segment, day, variant = key.split("#")
    return EnrolmentKey(segment, int(day), variant)


def covariate_counters(sums: Mapping[tuple[Kind, Moment], int]) -> dict[str, int]:
    """Return CUPED's sums under the names of their counters.

    >>> covariate_counters({(Kind.CONVERSION, "x"): 1, (Kind.CONVERSION, "xx"): 1})
    {'xb': 1}
    """
    return {
        name: sums[kind, moments[0]]
        for name, (kind, moments) in _COVARIATES.items()
        if (kind, moments[0]) in sums
    }


def day_in(key: str) -> int | None:
    """Return the day in the sort key of either item; None for the sums of events before the assignment."""
    *_, day, _ = key.split("#")
    return None if day == BEFORE else int(day)


def day_of(counters: Mapping[str, int]) -> Day:
    """Return the counters of one item.

    >>> day_of({"n": 2, "s": 30_000, "u": 1, "q0": 900_000_000, "c0": 4}).sum_products
    {0: 900000000}
    """
    day = Day()
    day.add(counters)
    return day


def _add[Key](into: dict[Key, int], key: Key, amount: int) -> None:
    into[key] = into.get(key, 0) + amount
