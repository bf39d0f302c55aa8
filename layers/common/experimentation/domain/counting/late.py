"""Enrolling a user at a time before events that are recorded already: as if it had been known then.

The boundary goes in at its time: the cell of that day and interval is split by the events themselves, and
later cells take new ordinals. Then the events that count for the experiment are replayed in time order,
starting from the cells before the boundary: what comes out is exactly what its counters lack. Other
experiments' counters do not change, because none of them owns more or less than before.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from experimentation.domain.clock import day_number
from experimentation.domain.counting.counters import Adds, add_all, assignment_adds, event_adds
from experimentation.domain.counting.event import Event
from experimentation.domain.counting.ledger import END, Boundary, Cells, Head, Ownership, ordinal, ownerships
from experimentation.domain.counting.recording import Ledger
from experimentation.domain.errors import ExperimentationError
from experimentation.domain.experiment import Experiment


class TornEventsError(ExperimentationError):
    """The user's events are not those of which the ledgers were made: they were read at another moment."""


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
    later = head.boundaries[index:]
    first = head.kmax + 1
    renumbered = tuple(each._replace(k=first + n) for n, each in enumerate((boundary, *later)))
    ordinals = {old.k: new.k for old, new in zip(later, renumbered[1:], strict=True)}
    cut = _Cut(day_number(boundary.at), boundary.at, split, first, ordinals)
    moving = _of_interval(head, boundary.at, index, events)
    if any(event.type not in ledger.spilled and event.type not in head.ledgers for event in moving):
        raise TornEventsError("an event has no ledger")

    def after(ledgers: Mapping[str, Cells]) -> dict[str, Cells]:
        return {
            name: cut.cells(cells, [event for event in moving if event.type == name])
            for name, cells in ledgers.items()
        }

    return Ledger(
        replace(
            head,
            boundaries=head.boundaries[:index] + renumbered,
            kmax=head.kmax + len(renumbered),
            ledgers=after(head.ledgers),
        ),
        after(ledger.spilled),
        ledger.past,
    )


class _Cut(NamedTuple):
    """Where a boundary at `at` cuts an interval of ordinal `split` in two, the later of ordinal `first`."""

    day: int
    at: int
    split: int
    first: int
    ordinals: Mapping[int, int]
    """The new ordinals of later intervals by their old ones."""

    def cells(self, cells: Cells, events: Sequence[Event]) -> Cells:
        """Return a ledger's cells after the cut; `events` are those of the cell of the day that it cuts."""
        result: Cells = {}
        for (day, k), total in cells.items():
            if k in self.ordinals:
                result[day, self.ordinals[k]] = total
            elif k != self.split or day < self.day:
                result[day, k] = total
            elif day > self.day:
                result[day, self.first] = total
        for event in events:
            _add(result, (self.day, self.first if event.at >= self.at else self.split), event.value)
        # Ledgers and events are read one after the other: they are of one moment only if they agree.
        parts = [result.get((self.day, k), (0, 0)) for k in (self.split, self.first)]
        whole = cells.get((self.day, self.split), (0, 0))
        if whole != (sum(count for count, _ in parts), sum(value for _, value in parts)):
            raise TornEventsError("the events of a day are not those of its ledger")
        return result


def _of_interval(head: Head, at: int, index: int, events: Sequence[Event]) -> list[Event]:
    """Return the events of the day of `at` that lie between its neighbouring boundaries."""
    start = max(head.past_until, head.boundaries[index - 1].at if index else 0)
    end = head.boundaries[index].at if index < len(head.boundaries) else None
    return [
        event
        for event in events
        if event.at >= start and (end is None or event.at < end) and day_number(event.at) == day_number(at)
    ]


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
        if event.at < boundary.at or not owned.holds(k := ordinal(head, head.boundaries, event.at)):
            continue
        if event.type not in cells:
            raise TornEventsError("an event has no ledger")
        before = cells[event.type]
        counted = event.at, event.value, k
        added = event_adds({experiment.id: experiment}, [owned], before, event.type, counted)
        add_all(adds, added)
        _add(before, (day_number(event.at), k), event.value)
    if any(_owned_cells(owned, each) != _owned_cells(owned, cells[name]) for name, each in whole.items()):
        raise TornEventsError("the events that count are not those of the ledger")
    return adds


def _owned_cells(owned: Ownership, cells: Cells) -> Cells:
    return {cell: total for cell, total in cells.items() if owned.holds(cell[1])}


def _add(cells: Cells, cell: tuple[int, int], value: int) -> None:
    events, total = cells.get(cell, (0, 0))
    cells[cell] = (events + 1, total + value)
