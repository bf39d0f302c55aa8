"""What one event or one assignment adds to the counters from which results are read.

For one experiment, variant, segment and event type the counters of day d are
n, s      events and the sum of their values
u         users active that day
p<e>.<f>  users whose consecutive active days are e < f
q<e>      products of the user's totals of day d and of day e
c<e>      products of the user's numbers of events of day d and of day e
Any window of whole days is computed from them (windows.py); days count from the experiment's first.
CUPED (Deng et al., WSDM 2013) needs x, the user's total of the last `cuped_days` before the assignment, and
its products:
xv, xvv, xvy for sums of values; xc, xcc, xcy for numbers of events; xb, xby for "had an event at all".
Of users themselves, per day and variant: n assigned, l of them late, x crossed over to that variant.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple
from urllib.parse import quote

from experimentation.domain.assignment import Assignment, Context, Crossover
from experimentation.domain.clock import day_number, hour_of_day
from experimentation.domain.counting.ledger import Boundary, Cells, Ownership, ownerships
from experimentation.domain.experiment import Experiment, Kind, Segment

EVERYONE = "*"
BEFORE = "x"
HOURS = "h"

type Adds = dict[tuple[str, str], dict[str, int]]
"""(experiment id, sort key of the rollup) -> attribute -> what to add."""


class DayTotal(NamedTuple):
    """What one user did on one day within one experiment."""

    events: int
    total: int

    def plus(self, events: int, total: int) -> "DayTotal":
        """Return the day with further events and the sum of their values."""
        return DayTotal(self.events + events, self.total + total)


NOTHING = DayTotal(0, 0)


def add_counters(into: dict[str, int], counters: Mapping[str, int]) -> None:
    """Add counters under the names that are stored."""
    for name, amount in counters.items():
        into[name] = into.get(name, 0) + amount


def add_all(into: Adds, more: Adds) -> None:
    """Add the counters of several items."""
    for key, counters in more.items():
        add_counters(into.setdefault(key, {}), counters)


def labels(segments: Iterable[Segment], context: Context) -> tuple[str, ...]:
    """Return the user's label in each declared segment.

    >>> labels([Segment("country", ("DE", "US"))], {"country": "FR"})
    ('country=other',)
    """
    return tuple(label(each.key, _text(context.get(each.key)), each.values) for each in segments)


def label(key: str, value: str | None, values: Iterable[str]) -> str:
    """Return `key=value`, percent-encoded; a value that is not declared is "other"."""
    known = value if value is not None and value in values else "other"
    return f"{quote(key, safe='')}={quote(known, safe='')}"


def day_key(segment: str, event_type: str, day: int, variant: str) -> str:
    """Return the sort key of one day's counters."""
    return f"{segment}#{event_type}#{day}#{variant}"


def hour_key(event_type: str, day: int, variant: str) -> str:
    """Return the sort key of one day's hourly counters (whole population only)."""
    return f"{HOURS}#{event_type}#{day}#{variant}"


def before_key(event_type: str, variant: str) -> str:
    """Return the sort key of the CUPED sums of events before the assignment."""
    return f"{EVERYONE}#{event_type}#{BEFORE}#{variant}"


def enrolment_key(segment: str, day: int, variant: str) -> str:
    """Return the sort key of one day's enrolment counters."""
    return f"{segment}#{day}#{variant}"


def enrolment_adds(
    experiment: Experiment, variant: str, user_labels: Iterable[str], at: int, *, late: bool = False
) -> Adds:
    """Return what an assignment at `at` adds to the enrolment counters: n, n of its hour, and l if late."""
    day, hour = relative_day(experiment, at), hour_of_day(at)
    counters = {"n": 1, f"h{hour:02d}": 1}
    segments = (EVERYONE, *user_labels)
    adds: Adds = {(experiment.id, enrolment_key(each, day, variant)): dict(counters) for each in segments}
    if late:
        adds[experiment.id, enrolment_key(EVERYONE, day, variant)]["l"] = 1
    return adds


def late_adds(experiment: Experiment, assignment: Assignment) -> Adds:
    """Return what a late assignment adds to the enrolment counters beside every other one: l."""
    key = enrolment_key(EVERYONE, relative_day(experiment, assignment.assigned_at), assignment.variant)
    return {(experiment.id, key): {"l": 1}}


def crossover_adds(experiment: Experiment, crossover: Crossover) -> Adds:
    """Return what a crossover adds to the enrolment counters of the variant that the user met: x."""
    key = enrolment_key(EVERYONE, relative_day(experiment, crossover.at), crossover.variant)
    return {(experiment.id, key): {"x": 1}}


def covariate_kinds(experiment: Experiment, event_type: str) -> frozenset[Kind]:
    """Return the kinds of metrics on that type declared before the start: they have CUPED sums."""
    started = experiment.started_at or 0
    return frozenset(
        metric.kind
        for metric in experiment.metrics
        if metric.event_type == event_type and metric.declared_at <= started
    )


def days_of(cells: Cells, owned: Ownership) -> dict[int, DayTotal]:
    """Return the user's totals per UTC day within the experiment."""
    days: dict[int, DayTotal] = {}
    for (day, k), (count, total) in cells.items():
        if owned.holds(k):
            days[day] = days.get(day, NOTHING).plus(count, total)
    return days


def before_assignment(experiment: Experiment, owned: Ownership, cells: Cells) -> DayTotal:
    """Return the user's events before the assignment, of as many UTC days as the experiment looks back."""
    earlier = [cell for (day, k), cell in cells.items() if owned.looks_back_at(day, k, experiment.cuped_days)]
    return DayTotal(sum(count for count, _ in earlier), sum(total for _, total in earlier))


def event_adds(
    experiments: Mapping[str, Experiment],
    owners: Iterable[Ownership],
    cells: Cells,
    event_type: str,
    event: tuple[int, int, int],
) -> Adds:
    """Return what an event (time, value in 1e-4, ordinal) adds; `cells` are the type's before it."""
    adds: Adds = {}
    at, value, k = event
    for owned in owners:
        experiment = experiments[owned.experiment_id]
        if owned.holds(k):
            _within(adds, experiment, owned, cells, event_type, at, value)
        elif owned.looks_back_at(day_number(at), k, experiment.cuped_days):
            found = _before(experiment, owned, cells, event_type, value)
            if found:
                adds[experiment.id, before_key(event_type, owned.variant)] = found
    return adds


def assignment_adds(experiment: Experiment, assignment: Boundary, ledgers: Mapping[str, Cells]) -> Adds:
    """Return the CUPED sums that a new assignment brings in."""
    adds: Adds = {}
    (owned,) = ownerships([assignment])
    for event_type in sorted({metric.event_type for metric in experiment.metrics}):
        kinds = covariate_kinds(experiment, event_type)
        count, total = before_assignment(experiment, owned, ledgers.get(event_type, {}))
        if not kinds or not count:
            continue
        sums: dict[str, int] = {}
        if Kind.VALUE in kinds:
            sums |= {"xv": total, "xvv": total * total}
        if Kind.COUNT in kinds:
            sums |= {"xc": count, "xcc": count * count}
        if Kind.CONVERSION in kinds:
            sums |= {"xb": 1}
        adds[experiment.id, before_key(event_type, owned.variant)] = sums
    return adds


def relative_day(experiment: Experiment, at: int) -> int:
    """Return the day of `at` counted from the day the experiment started; imports may be earlier."""
    if experiment.started_at is None:
        raise ValueError(f"experiment {experiment.id} has not started")
    return day_number(at) - day_number(experiment.started_at)


def _within(
    adds: Adds,
    experiment: Experiment,
    owned: Ownership,
    cells: Cells,
    event_type: str,
    at: int,
    value: int,
) -> None:
    zero = day_number(experiment.started_at or 0)
    days = {day - zero: total for day, total in days_of(cells, owned).items()}
    day = relative_day(experiment, at)
    counters = _day_counters(days, day, value)
    for segment in owned.labels:
        adds[experiment.id, day_key(segment, event_type, day, owned.variant)] = dict(counters)
    # For everyone alone: a segment's results are not adjusted, and need no such counters.
    counters |= _covariate_products(experiment, owned, cells, event_type, value, first=not days)
    adds[experiment.id, day_key(EVERYONE, event_type, day, owned.variant)] = counters
    hour = hour_of_day(at)
    adds[experiment.id, hour_key(event_type, day, owned.variant)] = {
        f"n{hour:02d}": 1,
        f"s{hour:02d}": value,
    }


def _day_counters(days: Mapping[int, DayTotal], day: int, value: int) -> dict[str, int]:
    today = days.get(day, NOTHING)
    adds = {"n": 1, "s": value}
    if day not in days:
        adds["u"] = 1
        before = max((each for each in days if each < day), default=None)
        after = min((each for each in days if each > day), default=None)
        if before is not None:
            adds[f"p{before}.{day}"] = 1
        if after is not None:
            adds[f"p{day}.{after}"] = 1
        if before is not None and after is not None:  # late: two days that were neighbours no longer are
            adds[f"p{before}.{after}"] = -1
    adds[f"q{day}"] = 2 * value * today.total + value * value
    adds[f"c{day}"] = 2 * today.events + 1
    # With the day of this event, whichever of the two days is the later: its item is written anyway.
    for other, (count, total) in days.items():
        if other != day:
            adds[f"q{other}"] = value * total
            adds[f"c{other}"] = count
    return adds


def _covariate_products(
    experiment: Experiment, owned: Ownership, cells: Cells, event_type: str, value: int, *, first: bool
) -> dict[str, int]:
    kinds = covariate_kinds(experiment, event_type)
    if not kinds:
        return {}
    count, total = before_assignment(experiment, owned, cells)
    if not count:
        return {}
    adds: dict[str, int] = {}
    if Kind.VALUE in kinds:
        adds["xvy"] = total * value
    if Kind.COUNT in kinds:
        adds["xcy"] = count
    if Kind.CONVERSION in kinds and first:  # once a user: "had an event before" times "has had one since"
        adds["xby"] = 1
    return adds


def _before(
    experiment: Experiment, owned: Ownership, cells: Cells, event_type: str, value: int
) -> dict[str, int]:
    kinds = covariate_kinds(experiment, event_type)
    if not kinds:
        return {}
    count, total = before_assignment(experiment, owned, cells)
    days = days_of(cells, owned).values()
    adds: dict[str, int] = {}
    if Kind.VALUE in kinds:
        adds |= {
            "xv": value,
            "xvv": 2 * total * value + value * value,
            "xvy": value * sum(day.total for day in days),
        }
    if Kind.COUNT in kinds:
        adds |= {"xc": 1, "xcc": 2 * count + 1, "xcy": sum(day.events for day in days)}
    if Kind.CONVERSION in kinds and not count:
        adds |= {"xb": 1, "xby": 1 if days else 0}
    return adds


def _text(value: str | float | bool | None) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)
