"""What the counters must be, computed directly from users' ledgers and events: the oracle of `verify`.

Counters that depend on the order in which events came (which of two days holds a product) are compared by
their sum, under one canonical name.
"""

from collections.abc import Iterable, Mapping
from itertools import combinations, pairwise
from typing import NamedTuple

from experimentation.domain.clock import DAY_MS, HOUR_MS, day_number
from experimentation.domain.counting.counters import (
    BEFORE,
    EVERYONE,
    HOURS,
    DayTotal,
    before_assignment,
    covariate_kinds,
    days_of,
    enrolment_adds,
)
from experimentation.domain.counting.event import Event
from experimentation.domain.counting.ledger import (
    Boundary,
    Cells,
    Head,
    Ownership,
    merged,
    ordinal,
    ownerships,
)
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
    segment, event_type, day, variant = key.split("#")
    place = f"{segment} {event_type} {variant}"
    found: Canonical = {}
    for name, amount in counters.items():
        if segment == HOURS:
            canonical = f"{event_type} {variant} day {day} hour {name}"
        elif day == BEFORE or name[0] == "x":
            canonical = f"{place} {name}"
        elif name[0] in "qc":
            first, last = sorted((int(day), int(name[1:])))
            canonical = f"{place} {name[0]} {first} {last}"
        elif name[0] == "p":
            canonical = f"{place} p {name[1:].replace('.', ' ')}"
        else:
            canonical = f"{place} {name} {day}"
        found[canonical] = found.get(canonical, 0) + amount
    return found


def canonical_enrolment(key: str, counters: Mapping[str, int]) -> Canonical:
    """Return the counters of one enrolment item under their canonical names."""
    return {f"enrolled {key.replace('#', ' ')} {name}": amount for name, amount in counters.items()}


def expected_counters(experiment: Experiment, user: User, hours_from_day: int) -> Canonical:
    """Return what one user adds to the experiment's counters.

    Hours are taken from the events themselves, for UTC days from `hours_from_day` on: those still kept.
    """
    boundaries = merged(user.head, user.past)
    owned = next((each for each in ownerships(boundaries) if each.experiment_id == experiment.id), None)
    if owned is None:
        return {}
    assigned = next(each for each in boundaries if each.k == owned.start)
    found: Canonical = {}
    for (_, key), counters in enrolment_adds(experiment, owned.variant, owned.labels, assigned.at).items():
        found |= canonical_enrolment(key, counters)
    for event_type, cells in user.ledgers.items():
        found |= _of_type(experiment, owned, event_type, cells)
    for name, amount in _hours(experiment, owned, user, boundaries, hours_from_day).items():
        found[name] = amount
    return {name: amount for name, amount in found.items() if amount}


def expected_ledgers(user: User, from_day: int) -> Canonical:
    """Return the cells that the user's stored events make, for UTC days from `from_day` on."""
    boundaries = merged(user.head, user.past)
    found: Canonical = {}
    for event in user.events:
        day = day_number(event.at)
        if day >= from_day:
            cell = f"{event.type} {day}.{ordinal(user.head, boundaries, event.at)}"
            for name, amount in ((f"{cell} events", 1), (f"{cell} total", event.value)):
                found[name] = found.get(name, 0) + amount
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
        place = f"{segment} {event_type} {owned.variant}"
        for day, (events, total) in days.items():
            found |= {f"{place} n {day}": events, f"{place} s {day}": total, f"{place} u {day}": 1}
            found |= {f"{place} q {day} {day}": total * total, f"{place} c {day} {day}": events * events}
        for first, last in combinations(days, 2):
            found[f"{place} q {first} {last}"] = days[first].total * days[last].total
            found[f"{place} c {first} {last}"] = days[first].events * days[last].events
        for first, last in pairwise(days):
            found[f"{place} p {first} {last}"] = 1
    place = f"{EVERYONE} {event_type} {owned.variant}"
    sums = _covariates(experiment, owned, event_type, cells, days.values())
    return found | {f"{place} {name}": amount for name, amount in sums.items()}


def _covariates(
    experiment: Experiment, owned: Ownership, event_type: str, cells: Cells, days: Iterable[DayTotal]
) -> dict[str, int]:
    kinds = covariate_kinds(experiment, event_type)
    x = before_assignment(cells, owned.start)
    within = list(days)
    events, total = sum(day.events for day in within), sum(day.total for day in within)
    sums: dict[str, int] = {}
    if Kind.VALUE in kinds:
        sums |= {"xv": x.total, "xvv": x.total**2, "xvy": x.total * total}
    if Kind.COUNT in kinds:
        sums |= {"xc": x.events, "xcc": x.events**2, "xcy": x.events * events}
    if Kind.CONVERSION in kinds:
        sums |= {"xb": 1 if x.events else 0, "xby": 1 if x.events and within else 0}
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
        place = f"{event.type} {owned.variant} day {day - zero} hour"
        hour = event.at % DAY_MS // HOUR_MS
        for name, amount in ((f"{place} n{hour:02d}", 1), (f"{place} s{hour:02d}", event.value)):
            found[name] = found.get(name, 0) + amount
    return found
