"""Recording a user's events: the head and ledgers after them, and what they add to the rollups."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

from experimentation.domain.clock import day_number
from experimentation.domain.counting.counters import Adds, add_all, event_adds
from experimentation.domain.counting.event import Event
from experimentation.domain.counting.ledger import (
    Boundary,
    Cells,
    Head,
    apply_ends,
    assignment_in,
    is_over,
    merged,
    ordinal,
    ownerships,
    put_away,
)
from experimentation.domain.experiment import Experiment


class Ledger(NamedTuple):
    """All that is known of one user; `spilled` holds the ledgers that no longer fit the head."""

    head: Head
    spilled: Mapping[str, Cells]
    past: tuple[Boundary, ...] = ()

    def cells(self, event_type: str) -> Cells:
        """Return the ledger of one type."""
        source = self.spilled if event_type in self.head.spilled else self.head.ledgers
        return source.get(event_type, {})

    @property
    def all_cells(self) -> dict[str, Cells]:
        """The ledgers in the head and those apart that were read, by event type."""
        return {**self.head.ledgers, **self.spilled}

    def assignment(self, experiment_id: str) -> Boundary | None:
        """Return the user's assignment in that experiment, from the head or from the past."""
        return assignment_in(self.head.boundaries + self.past, experiment_id)

    def with_ledgers(self, inline: Mapping[str, Cells], spilled: Mapping[str, Cells]) -> "Ledger":
        """Return the same with these ledgers in the head and apart from it."""
        return self._replace(head=replace(self.head, ledgers=inline), spilled=spilled)


def ended_at(experiments: Mapping[str, Experiment]) -> dict[str, int]:
    """Return the end of each experiment that has one."""
    return {each.id: each.ended_at for each in experiments.values() if each.ended_at is not None}


def record(
    ledger: Ledger, experiments: Mapping[str, Experiment], counted: Iterable[Event], keep_after: int
) -> tuple[Ledger, Adds]:
    """Return the ledger after the events, and what they add.

    Experiments that ended before `keep_after` are put away once their end is in the head that was read: only
    then, or for an event before its `past_until`, is `ledger.past` needed. An assignment in an experiment
    that is not among `experiments` owns nothing.
    """
    events = sorted(counted, key=lambda each: each.at)
    head = apply_ends(ledger.head, ended_at(experiments), until=events[-1].at)
    boundaries = merged(head, ledger.past)
    owners = [owned for owned in ownerships(boundaries) if owned.experiment_id in experiments]
    inline, spilled = dict(head.ledgers), dict(ledger.spilled)
    adds: Adds = {}
    for event in events:
        k = ordinal(head, boundaries, event.at)
        ledgers = spilled if event.type in head.spilled else inline
        cells = ledgers.get(event.type, {})
        add_all(adds, event_adds(experiments, owners, cells, event, k))
        ledgers[event.type] = _with_event(cells, (day_number(event.at), k), event.value)
    head = replace(head, last=max(head.last, events[-1].at), ledgers=inline)
    # By the head that was read: PAST was read where that one says so, and is not written where it was not.
    if not is_over(ledger.head, keep_after):
        return Ledger(head, spilled, ledger.past), adds
    head, past = put_away(head, ledger.past, keep_after)
    return Ledger(head, spilled, past), adds


def _with_event(cells: Cells, cell: tuple[int, int], value: int) -> Cells:
    events, total = cells.get(cell, (0, 0))
    return cells | {cell: (events + 1, total + value)}
