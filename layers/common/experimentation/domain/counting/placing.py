"""Enrolling a user at a given time, which may lie before recorded events: as one transaction or none."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from math import inf
from typing import NamedTuple

from experimentation.domain.assignment import Assignment
from experimentation.domain.clock import day_number
from experimentation.domain.counting.counters import enrolment_adds, labels
from experimentation.domain.counting.enrolling import Enrolment, enrol, with_ends
from experimentation.domain.counting.event import Event
from experimentation.domain.counting.late import enrol_late
from experimentation.domain.counting.ledger import Boundary, Head, merged
from experimentation.domain.counting.room import has_room
from experimentation.domain.counting.user import StoredUser, changed
from experimentation.domain.counting.writes import MAX_ACTIONS, Transaction
from experimentation.domain.experiment import Experiment


class Placement(StrEnum):
    """The result of an enrolment at a given time."""

    STORED = "stored"
    ALREADY_THERE = "already_there"
    OTHER_VARIANT = "other_variant"
    LATE = "late"
    TOO_OLD = "too_old"
    NOT_RUNNING = "not_running"
    TOO_MANY = "too_many_experiments"
    AGAIN = "again"


class Placed(NamedTuple):
    """The result of an enrolment at a given time, and the transaction that it needs."""

    placement: Placement
    transaction: Transaction | None = None


class Times(NamedTuple):
    """The present, the time since when events are accepted, and the time before which none can still come."""

    now: int
    accepted_since: int
    oldest: int


def place(
    user: StoredUser,
    wanted: Enrolment,
    experiments: Mapping[str, Experiment],
    events: Sequence[Event] | None,
    times: Times,
) -> Placed:
    """Return the placement of an enrolment at `wanted.at`, as one transaction or none.

    If events are recorded since then, `user` holds every ledger and `events` all events, None where they are
    too many; TornEventsError when these do not agree. An enrolment that does not fit is made now, and late,
    unless the experiment has an end.
    """
    head, at = user.head, times.now if wanted.at is None else wanted.at
    stored = user.ledger.assignment(wanted.experiment.id)
    if stored is not None:
        is_same = stored.variant == wanted.variant
        return Placed(Placement.ALREADY_THERE if is_same else Placement.OTHER_VARIANT)
    if _is_too_old(at, head, times):
        return Placed(Placement.TOO_OLD)
    if at > head.last:
        return _enrolled(user, wanted, experiments, times)
    transaction = _past_enrolment(user, wanted, experiments, events, times)
    if transaction is not None:
        return Placed(Placement.STORED, transaction)
    if wanted.experiment.ended_at is not None:
        return Placed(Placement.NOT_RUNNING)
    return _enrolled(user, wanted._replace(at=None, late=True), experiments, times)


def _is_too_old(at: int, head: Head, times: Times) -> bool:
    # Before `past_until` the ordinals are put away; up to `erased_at` it was somebody else with the same id;
    # and where events have expired, what the user did since can no longer be replayed.
    return at < head.past_until or at <= head.erased_at or at < min(times.accepted_since, head.last + 1)


def _enrolled(
    user: StoredUser, wanted: Enrolment, experiments: Mapping[str, Experiment], times: Times
) -> Placed:
    """Return an enrolment after every recorded event."""
    plan = enrol(user, [wanted], experiments, times.now, times.oldest)
    if plan.too_many:
        return Placed(Placement.TOO_MANY)
    ((transaction, _),) = plan.steps
    return Placed(Placement.LATE if wanted.late else Placement.STORED, transaction)


def may_fit(user: StoredUser, wanted: Enrolment) -> bool:
    """Tell whether one transaction may enrol the user before recorded events, by the fewest actions needed.

    The days after that of the enrolment count: each of a type is an item of its day, one of its hours, and
    one for each of the user's segments.
    """
    experiment = wanted.experiment
    first = day_number(wanted.at or 0) + 1
    end = inf if experiment.ended_at is None else day_number(experiment.ended_at)
    ledgers = {**user.ledger.spilled, **user.head.ledgers}
    days = {(name, day) for name, cells in ledgers.items() for day, _ in cells if first <= day < end}
    return len(days) * (2 + len(experiment.segments)) <= MAX_ACTIONS


def _past_enrolment(
    user: StoredUser,
    wanted: Enrolment,
    experiments: Mapping[str, Experiment],
    events: Sequence[Event] | None,
    times: Times,
) -> Transaction | None:
    """Return the transaction that enrols before recorded events; None where it is too much for one."""
    if events is None:
        return None
    experiment, at = wanted.experiment, wanted.at or 0
    user_labels = labels(experiment.segments, wanted.context)
    boundary = Boundary(0, at, experiment.id, wanted.variant, user_labels)
    before = user.ledger._replace(head=with_ends(user.head, experiments, times.now))
    after, placed, adds = enrol_late(before, experiment, boundary, events)
    known = {**experiments, experiment.id: experiment}
    if not has_room(merged(after.head, after.past), known, times.now, times.oldest):
        return None
    enrolled = Transaction(
        (Assignment(experiment.id, user.user_id, wanted.variant, at, wanted.context, wanted.imported),),
        adds,
        enrolment_adds(experiment, wanted.variant, placed.labels, at),
    )
    renamed = [name for name, cells in after.spilled.items() if cells != before.spilled[name]]
    written = Transaction(changed(user, after, renamed, MAX_ACTIONS - len(enrolled))).joined(enrolled)
    return written if written.fits() else None
