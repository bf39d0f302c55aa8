"""A user's ledger: boundaries in time, and cells of events between them.

Boundaries are the user's assignments and the ends of experiments. Each has an ordinal k, and ordinals
rise with time. A cell (day, k) totals the user's events of one type on one UTC day that came at or after
boundary k and before the next; an experiment owns the cells from its assignment's k up to its end's.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from experimentation.domain.clock import day_number

type Cells = dict[tuple[int, int], tuple[int, int]]
"""(UTC day number, ordinal) -> (number of events, sum of their values in 1e-4)."""

END = ""


class Boundary(NamedTuple):
    """An assignment, or the end of an experiment (`variant` is END); `at` in milliseconds."""

    k: int
    at: int
    experiment_id: str
    variant: str
    labels: tuple[str, ...] = ()


class Ownership(NamedTuple):
    """The cells start <= k < end that count for one experiment; `end` is None while it lives.

    `assigned_at` in milliseconds is the time of the boundary `start`.
    """

    experiment_id: str
    variant: str
    labels: tuple[str, ...]
    assigned_at: int
    start: int
    end: int | None

    def holds(self, k: int) -> bool:
        """Tell whether events of ordinal `k` count."""
        return self.start <= k and (self.end is None or k < self.end)

    def looks_back_at(self, day: int, k: int, days: int) -> bool:
        """Tell whether events of that cell came before the assignment, in as many UTC days up to it."""
        return k < self.start and day >= day_number(self.assigned_at) - days


@dataclass(frozen=True, slots=True)
class Head:
    """What serialises everything about one user: every change is written on the condition of `version`.

    `spilled` names the ledgers that are items of their own, with their versions: a read of one that has
    another version is of another moment. What was received up to `erased_at` is of somebody who had the same
    id and was erased, at the stored version `base`; `erasing` while that goes on, and nobody else may write.
    """

    version: int = 0
    last: int = 0
    boundaries: tuple[Boundary, ...] = ()
    kmax: int = 0
    past_until: int = 0
    past_k: int = 0
    ledgers: Mapping[str, Cells] = field(default_factory=dict)
    spilled: Mapping[str, int] = field(default_factory=dict)
    base: int = 0
    erased_at: int = 0
    erasing: bool = False

    def assignment(self, experiment_id: str) -> Boundary | None:
        """Return the user's assignment in that experiment, if it was not put away."""
        return assignment_in(self.boundaries, experiment_id)

    def living(self) -> list[str]:
        """Return the experiments whose end is not among the boundaries."""
        return [owned.experiment_id for owned in ownerships(self.boundaries) if owned.end is None]


def assignment_in(boundaries: Iterable[Boundary], experiment_id: str) -> Boundary | None:
    """Return the assignment in that experiment among the boundaries."""
    for boundary in boundaries:
        if boundary.experiment_id == experiment_id and boundary.variant != END:
            return boundary
    return None


def ordinal(head: Head, boundaries: tuple[Boundary, ...], at: int) -> int:
    """Return the ordinal of the last boundary at or before `at`; `boundaries` in time order.

    They are the head's own for times from `past_until` on, else all of the user's (see `merged`).
    """
    index = bisect_right(boundaries, at, key=_at)
    k = boundaries[index - 1].k if index else 0
    # HEAD no longer lists what was put away: later events must not fall into the cells before it.
    return max(k, head.past_k) if at >= head.past_until else k


def ownerships(boundaries: Iterable[Boundary]) -> tuple[Ownership, ...]:
    """Return what each experiment among the boundaries owns."""
    owned: dict[str, Ownership] = {}
    for k, at, experiment_id, variant, labels in boundaries:
        if variant != END:
            owned[experiment_id] = Ownership(experiment_id, variant, labels, at, k, None)
        elif experiment_id in owned:
            owned[experiment_id] = owned[experiment_id]._replace(end=k)
    return tuple(owned.values())


def ownership_in(boundaries: Iterable[Boundary], experiment_id: str) -> Ownership | None:
    """Return what that experiment owns; None where the user has no assignment in it."""
    return next((owned for owned in ownerships(boundaries) if owned.experiment_id == experiment_id), None)


def insert(head: Head, boundary: Boundary) -> Head:
    """Return the head with the boundary; it and those after it get new ordinals.

    After the last event no cell has these ordinals; before it the cells have to follow (late.py).
    """
    index = bisect_right(head.boundaries, boundary.at, key=_at)
    later = (boundary, *head.boundaries[index:])
    renumbered = tuple(each._replace(k=head.kmax + 1 + n) for n, each in enumerate(later))
    return replace(head, boundaries=head.boundaries[:index] + renumbered, kmax=head.kmax + len(renumbered))


def enrol_now(head: Head, now: int, experiment_id: str, variant: str, labels: tuple[str, ...]) -> Head:
    """Return the head with an assignment after everything recorded so far; it is the last boundary."""
    latest = head.boundaries[-1].at if head.boundaries else 0
    # After all that is recorded, whatever this clock says: no counted event may change its owner.
    at = max(now, head.last + 1, latest)
    return insert(head, Boundary(0, at, experiment_id, variant, labels))


def enrol_at(head: Head, at: int, experiment_id: str, variant: str, labels: tuple[str, ...]) -> Head:
    """Return the head with an assignment at `at`, after the latest event and not before `past_until`."""
    if at <= head.last or at < head.past_until:
        raise ValueError("events are recorded since: see late.py")
    return insert(head, Boundary(0, at, experiment_id, variant, labels))


def apply_ends(head: Head, ended_at: Mapping[str, int], until: int) -> Head:
    """Return the head with the ends, up to the time `until`, of the user's experiments that are over."""
    due = sorted(
        (ended_at[owned.experiment_id], owned.experiment_id)
        for owned in ownerships(head.boundaries)
        if owned.end is None and ended_at.get(owned.experiment_id, until + 1) <= until
    )
    for at, experiment_id in due:
        # Not before the last event: what it added to the counters, before the end was known, stays there.
        head = insert(head, Boundary(0, max(at, head.last + 1), experiment_id, END))
    return head


def is_over(head: Head, before: int) -> bool:
    """Tell whether an experiment of the head ended before `before`, so that it can be put away."""
    return bool(_over(head, before))


def _over(head: Head, before: int) -> set[str]:
    return {b.experiment_id for b in head.boundaries if b.variant == END and b.at < before}


def put_away(head: Head, past: tuple[Boundary, ...], before: int) -> tuple[Head, tuple[Boundary, ...]]:
    """Move the boundaries of experiments that ended before `before` from the head to the past."""
    over = _over(head, before)
    if not over:
        return head, past
    moved = tuple(b for b in head.boundaries if b.experiment_id in over)
    kept = tuple(b for b in head.boundaries if b.experiment_id not in over)
    # The last of all that were ever put away: an experiment that ended earlier may be put away later.
    until, k = max((head.past_until, head.past_k), *map(_at_and_k, moved))
    merged = tuple(sorted(past + moved, key=_at_and_k))
    return replace(head, boundaries=kept, past_until=until, past_k=k), merged


def merged(head: Head, past: tuple[Boundary, ...]) -> tuple[Boundary, ...]:
    """Return all boundaries of a user in time order."""
    return tuple(sorted(past + head.boundaries, key=_at_and_k))


def _at(boundary: Boundary) -> int:
    return boundary.at


def _at_and_k(boundary: Boundary) -> tuple[int, int]:
    return boundary.at, boundary.k
