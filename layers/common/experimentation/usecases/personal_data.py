"""Everything that is stored about a person: who they are to the experiments, page by page what they did."""

from typing import NamedTuple

from experimentation.domain.assignment import Assignment, Crossover
from experimentation.domain.counting.erasing import Erasure
from experimentation.domain.counting.event import Event
from experimentation.domain.counting.ledger import END, Boundary, Head, merged
from experimentation.storage import assignments, crossovers, erasures, events, experiments, users

MOST_TOTALS = 10_000  # rows of one page, about a megabyte
TYPE, EVENT = "type:", "event:"


class Enrolled(NamedTuple):
    """An assignment: as the ledger has it, and as it was stored with its context (None once that is gone)."""

    boundary: Boundary
    ended_at: int | None
    stored: Assignment | None


class DayTotal(NamedTuple):
    """What the person did of one type on one UTC day; day 0 stands for all days of long ago together."""

    type: str
    day: int
    events: int
    total: int


class Profile(NamedTuple):
    """Who somebody is to the experiments: overrides are experiment id -> variant."""

    head: Head
    enrolled: list[Enrolled]
    overrides: dict[str, str]
    crossovers: list[Crossover]


class Page(NamedTuple):
    """Some days' totals, then some events; `next_after` is where to go on, None at the end."""

    totals: list[DayTotal]
    events: list[Event]
    next_after: str | None


def erasure_of(user_id: str) -> Erasure | None:
    """Return how far the erasure of that id is; None where there was none lately."""
    pseudonyms = erasures.pseudonyms()
    return erasures.read(pseudonyms.of(user_id)) if pseudonyms.key else None


def profile(user_id: str) -> Profile:
    """Return what is stored of a person but what they did."""
    head = users.read_head(user_id, consistent=True)
    boundaries = merged(head, users.read_past(user_id) if head.past_until else ())
    ended = {each.experiment_id: each.at for each in boundaries if each.variant == END}
    made = [each for each in boundaries if each.variant != END]
    stored = assignments.read_many((each.experiment_id, user_id) for each in made)
    enrolled = [
        Enrolled(each, ended.get(each.experiment_id), stored.get((each.experiment_id, user_id)))
        for each in made
    ]
    found = experiments.read_many(experiments.listed())
    overrides = {
        name: each.overrides[user_id] for name, each in sorted(found.items()) if user_id in each.overrides
    }
    return Profile(head, enrolled, overrides, crossovers.known((name, user_id) for name in sorted(found)))


def page(user_id: str, limit: int, after: str | None) -> Page:
    """Return the totals of some event types, and up to `limit` events once these are all told."""
    totals: list[DayTotal] = []
    if after is None or after.startswith(TYPE):
        head = users.read_head(user_id, consistent=True)
        told = "" if after is None else after.removeprefix(TYPE)
        for event_type in sorted({*head.ledgers, *head.spilled}):
            if event_type <= told:
                continue
            if len(totals) >= MOST_TOTALS:
                return Page(totals, [], TYPE + told)
            totals += _totals(user_id, head, event_type)
            told = event_type
        after = EVENT
    found = events.page(user_id, limit, after.removeprefix(EVENT) or None)
    return Page(totals, found.events, None if found.next_event is None else EVENT + found.next_event)


def _totals(user_id: str, head: Head, event_type: str) -> list[DayTotal]:
    cells = head.ledgers.get(event_type, {})
    if event_type in head.spilled:
        apart = users.read_spilled([(user_id, event_type)])
        cells = {cell: total for each in apart.values() for cell, total in each.cells.items()}
    days: dict[int, tuple[int, int]] = {}
    for (day, _), (count, total) in sorted(cells.items()):
        before = days.get(day, (0, 0))
        days[day] = before[0] + count, before[1] + total
    return [DayTotal(event_type, day, *both) for day, both in days.items()]
