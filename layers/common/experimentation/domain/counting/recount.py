"""What the counters must be, computed directly from users' ledgers and events: the oracle of `verify`.

Counters that depend on the order in which events came (which of two days holds a product) are compared by
their sum, under one canonical name.
"""

from collections.abc import Iterable, Mapping
from itertools import combinations, pairwise
from typing import NamedTuple

from experimentation.domain.assignment import Crossover
from experimentation.domain.clock import day_number, hour_of_day
from experimentation.domain.counting import stored
from experimentation.domain.counting.counters import (
    EVERYONE,
    HOURS,
    DayTotal,
    add_counters,
    before_assignment,
    covariate_kinds,
    crossover_adds,
    days_of,
    enrolment_adds,
    summed,
)
from experimentation.domain.counting.event import Event
from experimentation.domain.counting.ledger import (
    Boundary,
    Cells,
    Head,
    Ownership,
    merged,
    ordinal,
    ownership_in,
)
from experimentation.domain.counting.stored import Day, Hours, Moment
from experimentation.domain.experiment import Experiment, Kind

type Canonical = dict[str, int]
"""Readable name of a counter -> its value, zeros left out."""


class User(NamedTuple):
    """All that is stored of one user; `ledgers` holds the spilled ones too."""

    head: Head
    past: tuple[Boundary, ...]
    ledgers: Mapping[str, Cells]
    events: tuple[Event, ...]


def canonical_rollup(key: str, counters: Mapping[str, int]) -> Canonical:
    """Return the counters of one rollup item under their canonical names."""
    segment, event_type, day, variant = stored.rollup_key(key)
    if segment == HOURS:
        return _canonical_hours(f"{event_type} {variant} day {day}", counters)
    part = stored.day_of(counters)
    found = {} if day is None else _canonical_day(day, part)
    found |= {f"{kind} {moment}": amount for (kind, moment), amount in part.covariates.items()}
    return {f"{segment} {event_type} {variant} {name}": amount for name, amount in found.items()}


def _canonical_day(day: int, part: Day) -> Canonical:
    found = {f"count {day}": part.count, f"sum {day}": part.sum, f"converters {day}": part.converters}
    found |= {f"pairs {first} {last}": users for (first, last), users in part.pairs.items()}
    for name, products in (("sums", part.sum_products), ("counts", part.count_products)):
        for other, amount in products.items():
            first, last = sorted((day, other))
            found[f"{name} {first} {last}"] = amount
    return found


def _canonical_hours(name: str, counters: Mapping[str, int]) -> Canonical:
    hours = Hours()
    hours.add(counters)
    counts = {f"{name} hour {hour} count": amount for hour, amount in hours.count.items()}
    return counts | {f"{name} hour {hour} sum": amount for hour, amount in hours.sum.items()}


def canonical_enrolment(key: str, counters: Mapping[str, int]) -> Canonical:
    """Return the counters of one enrolment item under their canonical names."""
    return {f"enrolled {key.replace('#', ' ')} {name}": amount for name, amount in counters.items()}


def expected_crossover(experiment: Experiment, crossover: Crossover) -> Canonical:
    """Return what one crossover adds to the experiment's counters."""
    ((_, key), counters), *_ = crossover_adds(experiment, crossover).items()
    return canonical_enrolment(key, counters)


def expected_counters(
    experiment: Experiment, user: User, hours_from_day: int, *, late: bool = False
) -> Canonical:
    """Return what one user, enrolled `late` or not, adds to the experiment's counters.

    Hours are taken from the events themselves, for UTC days from `hours_from_day` on: those still kept.
    """
    boundaries = merged(user.head, user.past)
    owned = ownership_in(boundaries, experiment.id)
    if owned is None:
        return {}
    found: Canonical = {}
    enrolled = enrolment_adds(experiment, owned.variant, owned.labels, owned.assigned_at, late=late)
    for (_, key), counters in enrolled.items():
        found |= canonical_enrolment(key, counters)
    for event_type, cells in user.ledgers.items():
        found |= _of_type(experiment, owned, event_type, cells)
    found |= _hours(experiment, owned, user, boundaries, hours_from_day)
    return {name: amount for name, amount in found.items() if amount}


def expected_ledgers(user: User, from_day: int) -> Canonical:
    """Return the cells that the user's stored events make, for UTC days from `from_day` on."""
    boundaries = merged(user.head, user.past)
    found: Canonical = {}
    for event in user.events:
        day = day_number(event.at)
        if day >= from_day:
            cell = f"{event.type} {day}.{ordinal(user.head, boundaries, event.at)}"
            add_counters(found, {f"{cell} events": 1, f"{cell} total": event.value})
    return {name: amount for name, amount in found.items() if amount}


def stored_ledgers(user: User, from_day: int) -> Canonical:
    """Return the cells that are stored, under the same names."""
    found: Canonical = {}
    for event_type, cells in user.ledgers.items():
        for (day, k), (events, total) in cells.items():
            if day >= from_day:
                found[f"{event_type} {day}.{k} events"] = events
                found[f"{event_type} {day}.{k} total"] = total
    return {name: amount for name, amount in found.items() if amount}


def _of_type(experiment: Experiment, owned: Ownership, event_type: str, cells: Cells) -> Canonical:
    zero = day_number(experiment.started_at or 0)
    days = {day - zero: total for day, total in sorted(days_of(cells, owned).items())}
    found: Canonical = {}
    for segment in (EVERYONE, *owned.labels):
        prefix = f"{segment} {event_type} {owned.variant}"
        for day, (events, total) in days.items():
            found |= {f"{prefix} count {day}": events, f"{prefix} sum {day}": total}
            found[f"{prefix} converters {day}"] = 1
            found |= {f"{prefix} sums {day} {day}": total**2, f"{prefix} counts {day} {day}": events**2}
        for first, last in combinations(days, 2):
            found[f"{prefix} sums {first} {last}"] = days[first].total * days[last].total
            found[f"{prefix} counts {first} {last}"] = days[first].events * days[last].events
        for first, last in pairwise(days):
            found[f"{prefix} pairs {first} {last}"] = 1
    prefix = f"{EVERYONE} {event_type} {owned.variant}"
    sums = covariates(experiment, owned, event_type, cells, days.values())
    return found | {f"{prefix} {kind} {moment}": amount for (kind, moment), amount in sums.items()}


def covariates(
    experiment: Experiment, owned: Ownership, event_type: str, cells: Cells, days: Iterable[DayTotal]
) -> dict[tuple[Kind, Moment], int]:
    """Return CUPED's sums of one user and event type; `days` are the totals since the assignment."""
    kinds = covariate_kinds(experiment, event_type)
    x, y = before_assignment(experiment, owned, cells), summed(days)
    pairs = {
        Kind.VALUE: (x.total, y.total),
        Kind.COUNT: (x.events, y.events),
        Kind.CONVERSION: (min(x.events, 1), min(y.events, 1)),
    }
    sums: dict[tuple[Kind, Moment], int] = {}
    for kind in kinds:
        before, since = pairs[kind]
        sums |= {(kind, "x"): before, (kind, "xx"): before**2, (kind, "xy"): before * since}
    return sums


def _hours(
    experiment: Experiment,
    owned: Ownership,
    user: User,
    boundaries: tuple[Boundary, ...],
    from_day: int,
) -> Canonical:
    zero = day_number(experiment.started_at or 0)
    found: Canonical = {}
    for event in user.events:
        day = day_number(event.at)
        if day < from_day or not owned.holds(ordinal(user.head, boundaries, event.at)):
            continue
        hour = f"{event.type} {owned.variant} day {day - zero} hour {hour_of_day(event.at)}"
        add_counters(found, {f"{hour} count": 1, f"{hour} sum": event.value})
    return found
