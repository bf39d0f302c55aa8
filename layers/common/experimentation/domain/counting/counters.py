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
from experimentation.domain.counting.event import Event
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


def summed(totals: Iterable[tuple[int, int]]) -> DayTotal:
    """Return the sum of totals, of days or of cells."""
    events = value = 0
    for each_events, each_value in totals:
        events += each_events
        value += each_value
    return DayTotal(events, value)


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
            before = days.get(day, NOTHING)
            days[day] = DayTotal(before.events + count, before.total + total)
    return days


def before_assignment(experiment: Experiment, owned: Ownership, cells: Cells) -> DayTotal:
    """Return the user's events before the assignment, of as many UTC days as the experiment looks back."""
    days = experiment.cuped_days
    return summed(total for (day, k), total in cells.items() if owned.looks_back_at(day, k, days))


def event_adds(
    experiments: Mapping[str, Experiment],
    owners: Iterable[Ownership],
    cells: Cells,
    event: Event,
    k: int,
) -> Adds:
    """Return what an event of ordinal `k` adds; `cells` are those of its type before it."""
    adds: Adds = {}
    for owned in owners:
        experiment = experiments[owned.experiment_id]
        # One event may count for one experiment and come before the assignment in another.
        if owned.holds(k):
            adds |= _within(experiment, owned, cells, event)
        elif owned.looks_back_at(day_number(event.at), k, experiment.cuped_days):
            sums = _before(experiment, owned, cells, event)
            if sums:
                adds[experiment.id, before_key(event.type, owned.variant)] = sums
    return adds


def assignment_adds(experiment: Experiment, assignment: Boundary, ledgers: Mapping[str, Cells]) -> Adds:
    """Return the CUPED sums that a new assignment brings in."""
    adds: Adds = {}
    (owned,) = ownerships([assignment])
    for event_type in sorted({metric.event_type for metric in experiment.metrics}):
        before = before_assignment(experiment, owned, ledgers.get(event_type, {}))
        sums = _covariate_sums(covariate_kinds(experiment, event_type), before) if before.events else {}
        if sums:
            adds[experiment.id, before_key(event_type, owned.variant)] = sums
    return adds


def _covariate_sums(kinds: frozenset[Kind], before: DayTotal) -> dict[str, int]:
    count, total = before
    sums: dict[str, int] = {}
    if Kind.VALUE in kinds:
        sums |= {"xv": total, "xvv": total * total}
    if Kind.COUNT in kinds:
        sums |= {"xc": count, "xcc": count * count}
    if Kind.CONVERSION in kinds:
        sums |= {"xb": 1}
    return sums


def relative_day(experiment: Experiment, at: int) -> int:
    """Return the day of `at` counted from the day the experiment started; imports may be earlier."""
    if experiment.started_at is None:
        raise ValueError(f"experiment {experiment.id} has not started")
    return day_number(at) - day_number(experiment.started_at)


def _within(experiment: Experiment, owned: Ownership, cells: Cells, event: Event) -> Adds:
    zero = day_number(experiment.started_at or 0)
    days = {day - zero: total for day, total in days_of(cells, owned).items()}
    day = relative_day(experiment, event.at)
    counters = _day_counters(days, day, event.value)
    adds: Adds = {
        (experiment.id, day_key(segment, event.type, day, owned.variant)): dict(counters)
        for segment in owned.labels
    }
    # For everyone alone: a segment's results are not adjusted, and need no such counters.
    counters |= _covariate_products(experiment, owned, cells, event, first=not days)
    adds[experiment.id, day_key(EVERYONE, event.type, day, owned.variant)] = counters
    hour = hour_of_day(event.at)
    adds[experiment.id, hour_key(event.type, day, owned.variant)] = {
        f"n{hour:02d}": 1,
        f"s{hour:02d}": event.value,
    }
    return adds


def _day_counters(days: Mapping[int, DayTotal], day: int, value: int) -> dict[str, int]:
    today = days.get(day, NOTHING)
    adds = {"n": 1, "s": value}
    if day not in days:
        adds |= {"u": 1} | _pairs(days, day)
    adds[f"q{day}"] = 2 * value * today.total + value * value
    adds[f"c{day}"] = 2 * today.events + 1
    # With the day of this event, whichever of the two days is the later: its item is written anyway.
    for other, (count, total) in days.items():
        if other != day:
            adds[f"q{other}"] = value * total
            adds[f"c{other}"] = count
    return adds


def _pairs(days: Iterable[int], day: int) -> dict[str, int]:
    """Return what a new active day adds to the pairs of consecutive active days."""
    before = max((each for each in days if each < day), default=None)
    after = min((each for each in days if each > day), default=None)
    adds: dict[str, int] = {}
    if before is not None:
        adds[f"p{before}.{day}"] = 1
    if after is not None:
        adds[f"p{day}.{after}"] = 1
    if before is not None and after is not None:  # late: two days that were neighbours no longer are
        adds[f"p{before}.{after}"] = -1
    return adds


def _covariate_products(
    experiment: Experiment, owned: Ownership, cells: Cells, event: Event, *, first: bool
) -> dict[str, int]:
    kinds = covariate_kinds(experiment, event.type)
    count, total = before_assignment(experiment, owned, cells) if kinds else NOTHING
    if not count:
        return {}
    adds: dict[str, int] = {}
    if Kind.VALUE in kinds:
        adds["xvy"] = total * event.value
    if Kind.COUNT in kinds:
        adds["xcy"] = count
    if Kind.CONVERSION in kinds and first:  # once a user: "had an event before" times "has had one since"
        adds["xby"] = 1
    return adds


def _before(experiment: Experiment, owned: Ownership, cells: Cells, event: Event) -> dict[str, int]:
    """Return what an event from before the assignment adds; late, it finds totals since the assignment."""
    kinds = covariate_kinds(experiment, event.type)
    if not kinds:
        return {}
    value = event.value
    before = before_assignment(experiment, owned, cells)
    since = summed(days_of(cells, owned).values())
    adds: dict[str, int] = {}
    if Kind.VALUE in kinds:
        square = 2 * before.total * value + value * value
        adds |= {"xv": value, "xvv": square, "xvy": value * since.total}
    if Kind.COUNT in kinds:
        adds |= {"xc": 1, "xcc": 2 * before.events + 1, "xcy": since.events}
    if Kind.CONVERSION in kinds and not before.events:
        adds |= {"xb": 1, "xby": min(since.events, 1)}
    return adds


def _text(value: str | float | bool | None) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)
