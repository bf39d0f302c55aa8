"""Keeping a user's ledger small: cells that no experiment can look into any more become one."""

from collections.abc import Iterable

from experimentation.domain.clock import day_number
from experimentation.domain.counting.counters import summed
from experimentation.domain.counting.ledger import END, Boundary, Cells, merged, ownerships
from experimentation.domain.counting.recording import Ledger
from experimentation.domain.experiment import MAX_CUPED_DAYS

LONG_AGO = (0, 0)


def compact(ledger: Ledger, event_types: Iterable[str], before: int) -> Ledger:
    """Return the ledger with the types' cells of long ago merged into the cell LONG_AGO.

    `before` (milliseconds) is older than any event that can still come, and than any assignment before
    recorded events. A cell keeps its day as long as an experiment that is live or ended since then owns it or
    looks back at it, or one could that the user is enrolled in next.
    """
    head = ledger.head
    if head.past_until >= before and not ledger.past:
        return ledger  # PAST was not read: one of its experiments may have ended since then
    first_day = _first_day(merged(head, ledger.past), before)
    inline, spilled = dict(head.ledgers), dict(ledger.spilled)
    for event_type in event_types:
        ledgers = spilled if event_type in head.spilled else inline
        ledgers[event_type] = _merged(ledgers[event_type], first_day)
    return ledger.with_ledgers(inline, spilled)


def _first_day(boundaries: tuple[Boundary, ...], before: int) -> int:
    """Return the first UTC day whose cells keep their day."""
    ended_at = {each.experiment_id: each.at for each in boundaries if each.variant == END}
    needed = [
        owned.assigned_at
        for owned in ownerships(boundaries)
        if ended_at.get(owned.experiment_id, before) >= before
    ]
    return day_number(min([before, *needed])) - MAX_CUPED_DAYS


def _merged(cells: Cells, first_day: int) -> Cells:
    old = [total for (day, _), total in cells.items() if day < first_day]
    if len(old) < 2:
        return cells
    kept = {cell: total for cell, total in cells.items() if cell[0] >= first_day}
    return {LONG_AGO: summed(old)} | kept
