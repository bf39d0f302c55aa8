"""Enrolling a user at a time before events that are recorded already: as if it had been known then.

The boundary goes in at its time: the cell of that day and interval is split by the events themselves, and
later cells take new ordinals. Then the events that count for the experiment are replayed in time order,
starting from the cells before the boundary: what comes out is exactly what its counters lack. Other
experiments' counters do not change, because none of them owns more or less than before.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from experimentation.domain.clock import day_number
from experimentation.domain.counting.counters import Adds, assignment_adds, event_adds
from experimentation.domain.counting.event import Event
from experimentation.domain.counting.ledger import END, Boundary, Cells, Head, ordinal, ownerships
from experimentation.domain.counting.recording import Ledger
from experimentation.domain.counting.windows import add_counters
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
    moving = _of_interval(head, boundary.at, index, events)

    def moved(event_type: str, cells: Cells) -> Cells:
        day = day_number(boundary.at)
        result: Cells = {}
        for (cell_day, k), cell in cells.items():
            if k in ordinals:
                result[cell_day, ordinals[k]] = cell
            elif k != split or cell_day < day:
                result[cell_day, k] = cell
            elif cell_day > day:
                result[cell_day, first] = cell
        for event in moving:
            if event.type == event_type:
                k = first if event.at >= boundary.at else split
                _add(result, (day, k), event.value)
        found = [result.get((day, k), (0, 0)) for k in (split, first)]
        if cells.get((day, split), (0, 0)) != (found[0][0] + found[1][0], found[0][1] + found[1][1]):
            raise TornEventsError("the events of a day are not those of its ledger")
        return result

    names = {event.type for event in moving} - ledger.spilled.keys() - head.ledgers.keys()
    if names:
        raise TornEventsError("an event has no ledger")
    return Ledger(
        replace(
            head,
            boundaries=head.boundaries[:index] + renumbered,
            kmax=head.kmax + len(renumbered),
            ledgers={name: moved(name, cells) for name, cells in head.ledgers.items()},
        ),
        {name: moved(name, cells) for name, cells in ledger.spilled.items()},
        ledger.past,
    )


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
        k = ordinal(head, head.boundaries, event.at) if event.at >= boundary.at else 0
        if not owned.holds(k):
            continue
        if event.type not in cells:
            raise TornEventsError("an event has no ledger")
        one = event_adds(
            {experiment.id: experiment}, [owned], cells[event.type], event.type, (event.at, event.value, k)
        )
        for key, counters in one.items():
            add_counters(adds.setdefault(key, {}), counters)
        _add(cells[event.type], (day_number(event.at), k), event.value)
    for name, each in whole.items():
        if {cell: total for cell, total in each.items() if owned.holds(cell[1])} != {
            cell: total for cell, total in cells[name].items() if owned.holds(cell[1])
        }:
            raise TornEventsError("the events that count are not those of the ledger")
    return adds


def _add(cells: Cells, cell: tuple[int, int], value: int) -> None:
    events, total = cells.get(cell, (0, 0))
    cells[cell] = (events + 1, total + value)
