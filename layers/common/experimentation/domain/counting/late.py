"""Enrolling a user at a time before events that are recorded already: as if it had been known then.

The boundary goes in at its time: the cell of that day and interval is split by the events themselves, and
later cells take new ordinals. Then the events that count for the experiment are replayed in time order,
starting from the cells before the boundary: what comes out is exactly what its counters lack. Other
experiments' counters do not change, because none of them owns more or less than before.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from experimentation.domain.clock import DAY_MS, day_number
from experimentation.domain.counting.counters import (
    NOTHING,
    Adds,
    add_all,
    assignment_adds,
    event_adds,
    summed,
)
from experimentation.domain.counting.event import Event
from experimentation.domain.counting.ledger import (
    END,
    Boundary,
    Cells,
    Head,
    Ownership,
    insert,
    ordinal,
    ownerships,
)
from experimentation.domain.counting.recording import Ledger
from experimentation.domain.errors import ExperimentationError
from experimentation.domain.experiment import Experiment


class TornEventsError(ExperimentationError):
    """The user's events do not match the ledgers: they were read at another moment."""


class LateEnrolment(NamedTuple):
    """The ledgers with the boundary in its place, and what the enrolment adds to the rollups."""

    ledger: Ledger
    boundary: Boundary
    adds: Adds


def enrol_late(
    ledger: Ledger,
    experiment: Experiment,
    boundary: Boundary,
    events: Iterable[Event],
) -> LateEnrolment:
    """Return the user enrolled at `boundary.at`, at or before the latest event and after `past_until`.

    `ledger` holds every ledger of the user, `events` every stored event from that day on. TornEventsError
    when these do not agree.
    """
    ordered = sorted(events, key=lambda event: (event.at, event.event_id))
    after = _with_boundary(ledger, boundary, ordered)
    # Its own end may lie before recorded events as well: those after it must not count.
    if experiment.ended_at is not None and experiment.ended_at <= after.head.last:
        end = Boundary(0, max(experiment.ended_at, boundary.at), experiment.id, END)
        after = _with_boundary(after, end, ordered)
    placed = after.head.assignment(experiment.id)
    if placed is None:
        raise AssertionError("a boundary that was just placed is among the boundaries")
    return LateEnrolment(after, placed, _replayed(after, experiment, placed, ordered))


def _with_boundary(ledger: Ledger, boundary: Boundary, events: Sequence[Event]) -> Ledger:
    head = ledger.head
    index = bisect_right(head.boundaries, boundary.at, key=lambda each: each.at)
    split = ordinal(head, head.boundaries, boundary.at)
    inserted = insert(head, boundary)
    first, *later = inserted.boundaries[index:]
    ordinals = {old.k: new.k for old, new in zip(head.boundaries[index:], later, strict=True)}
    cut = _Cut(day_number(boundary.at), boundary.at, split, first.k, ordinals)
    divided = _of_interval(head, boundary.at, index, events)
    if {event.type for event in divided} - {*ledger.spilled, *head.ledgers}:
        raise TornEventsError("an event has no ledger")

    def after(ledgers: Mapping[str, Cells]) -> dict[str, Cells]:
        return {
            name: cut.cells(cells, [event for event in divided if event.type == name])
            for name, cells in ledgers.items()
        }

    return ledger._replace(head=inserted).with_ledgers(after(head.ledgers), after(ledger.spilled))


class _Cut(NamedTuple):
    """Where a boundary at `at` cuts an interval of ordinal `split` in two, the later of ordinal `first`."""

    day: int
    at: int
    split: int
    first: int
    ordinals: Mapping[int, int]
    """The new ordinals of later intervals by their old ones."""

    def cells(self, cells: Cells, events: Sequence[Event]) -> Cells:
        """Return a ledger's cells after the cut; `events` are those of the one cell that it divides."""
        others = dict(cells)
        divided = others.pop((self.day, self.split), NOTHING)
        # Ledgers and events are read one after the other: they are of one moment only if they agree.
        if divided != summed((1, event.value) for event in events):
            raise TornEventsError("the events of a day are not those of its ledger")
        result = {self._moved(cell): total for cell, total in others.items()}
        for event in events:
            _add(result, (self.day, self.first if event.at >= self.at else self.split), event.value)
        return result

    def _moved(self, cell: tuple[int, int]) -> tuple[int, int]:
        day, k = cell
        if k == self.split and day > self.day:
            return day, self.first
        return day, self.ordinals.get(k, k)


def _of_interval(head: Head, at: int, index: int, events: Sequence[Event]) -> list[Event]:
    """Return the events of the day of `at` that lie between its neighbouring boundaries."""
    midnight = day_number(at) * DAY_MS
    times = [each.at for each in head.boundaries]
    start = max([midnight, head.past_until, *times[:index]])
    end = min([midnight + DAY_MS, *times[index:]])
    return [event for event in events if start <= event.at < end]


def _replayed(ledger: Ledger, experiment: Experiment, boundary: Boundary, events: Sequence[Event]) -> Adds:
    head = ledger.head
    owned = next(each for each in ownerships(head.boundaries) if each.experiment_id == experiment.id)
    whole = {**ledger.spilled, **head.ledgers}
    cells = {
        name: {cell: total for cell, total in each.items() if cell[1] < owned.start}
        for name, each in whole.items()
    }
    adds = dict(assignment_adds(experiment, boundary, cells))
    for event in events:
        k = ordinal(head, head.boundaries, event.at)
        if not owned.holds(k):
            continue
        if event.type not in cells:
            raise TornEventsError("an event has no ledger")
        before = cells[event.type]
        added = event_adds({experiment.id: experiment}, [owned], before, event, k)
        add_all(adds, added)
        _add(before, (day_number(event.at), k), event.value)
    if _owned_cells(owned, cells) != _owned_cells(owned, whole):
        raise TornEventsError("the events that count are not those of the ledger")
    return adds


def _owned_cells(owned: Ownership, ledgers: Mapping[str, Cells]) -> dict[str, Cells]:
    return {
        name: {cell: total for cell, total in cells.items() if owned.holds(cell[1])}
        for name, cells in ledgers.items()
    }


def _add(cells: Cells, cell: tuple[int, int], value: int) -> None:
    events, total = cells.get(cell, (0, 0))
    cells[cell] = (events + 1, total + value)
