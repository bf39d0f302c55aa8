"""Everything that is stored about a person: their part in experiments, and page by page their events."""

from collections.abc import Sequence
from typing import NamedTuple

from experimentation.domain.assignment import Assignment, Crossover
from experimentation.domain.counting.counters import NOTHING, DayTotal
from experimentation.domain.counting.erasing import Erasure
from experimentation.domain.counting.event import Event
from experimentation.domain.counting.ledger import END, Boundary, Cells, Head
from experimentation.storage import assignments, crossovers, erasures, events, experiments, users
from experimentation.usecases.runtime import Runtime
from experimentation.usecases.user_history import read_user

MOST_TOTALS = 10_000  # rows of one page, about a megabyte
TYPE, EVENT = "type:", "event:"


class Enrolled(NamedTuple):
    """An assignment: as the ledger has it, and as it was stored with its context (None once that is gone)."""

    boundary: Boundary
    ended_at: int | None
    stored: Assignment | None


class LedgerTotal(NamedTuple):
    """The person's events of one type on one UTC day; day 0 stands for all merged days."""

    type: str
    day: int
    events: int
    total: int


class Profile(NamedTuple):
    """A person's part in experiments; overrides are experiment id -> variant."""

    head: Head
    enrolled: list[Enrolled]
    overrides: dict[str, str]
    crossovers: list[Crossover]


class Page(NamedTuple):
    """Totals by day, then events; `next_after` is where the next page starts, None at the end."""

    totals: list[LedgerTotal]
    events: list[Event]
    next_after: str | None


def erasure_of(user_id: str) -> Erasure | None:
    """Return how far the last erasure of that id is; None where there was none, or long ago."""
    pseudonyms = erasures.pseudonyms()
    return erasures.read(pseudonyms.of(user_id)) if pseudonyms.key else None


def profile(user_id: str, runtime: Runtime) -> Profile:
    """Return everything that is stored of a person but their events."""
    user = read_user(user_id, runtime)
    enrolled = _enrolled(user_id, user.boundaries)
    found = experiments.read_many(experiments.listed())
    overrides = {name: each.overrides[user_id] for name, each in found.items() if user_id in each.overrides}
    crossed = crossovers.known((experiment_id, user_id) for experiment_id in sorted(found))
    return Profile(user.head, enrolled, dict(sorted(overrides.items())), crossed)


def _enrolled(user_id: str, boundaries: Sequence[Boundary]) -> list[Enrolled]:
    ended_at = {each.experiment_id: each.at for each in boundaries if each.variant == END}
    assigned = {each.experiment_id: each for each in boundaries if each.variant != END}
    stored = assignments.read_many((experiment_id, user_id) for experiment_id in assigned)
    return [
        Enrolled(boundary, ended_at.get(experiment_id), stored.get((experiment_id, user_id)))
        for experiment_id, boundary in assigned.items()
    ]


def page(user_id: str, limit: int, after: str | None) -> Page:
    """Return the totals of some event types, and up to `limit` events after the last type."""
    if after is not None and after.startswith(EVENT):
        return _with_events([], user_id, limit, after.removeprefix(EVENT))
    totals, last_type = _totals(user_id, "" if after is None else after.removeprefix(TYPE))
    if last_type is not None:
        return Page(totals, [], TYPE + last_type)
    return _with_events(totals, user_id, limit, None)


def _with_events(totals: list[LedgerTotal], user_id: str, limit: int, after: str | None) -> Page:
    found = events.page(user_id, limit, after)
    return Page(totals, found.events, None if found.next_event is None else EVENT + found.next_event)


def _totals(user_id: str, after: str) -> tuple[list[LedgerTotal], str | None]:
    """Return the totals of event types after that one, and the last of them; None at the end."""
    head = users.read_head(user_id, consistent=True)
    totals: list[LedgerTotal] = []
    for event_type in sorted({*head.ledgers, *head.spilled}):
        if event_type <= after:
            continue
        if len(totals) >= MOST_TOTALS:
            return totals, after
        totals += _by_day(event_type, _cells(user_id, head, event_type))
        after = event_type
    return totals, None


def _cells(user_id: str, head: Head, event_type: str) -> Cells:
    if event_type not in head.spilled:
        return head.ledgers[event_type]
    stored = users.read_spilled([(user_id, event_type)]).get((user_id, event_type))
    return stored.cells if stored else {}


def _by_day(event_type: str, cells: Cells) -> list[LedgerTotal]:
    days: dict[int, DayTotal] = {}
    for (day, _), (count, total) in sorted(cells.items()):
        days[day] = days.get(day, NOTHING).plus(count, total)
    return [LedgerTotal(event_type, day, *total) for day, total in days.items()]
