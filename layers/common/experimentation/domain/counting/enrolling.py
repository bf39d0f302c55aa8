"""Enrolling users: the transactions that do it, and in which experiments there is room for them.

Pure: everything was read before, and everything is written after.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from experimentation.domain.assignment import Assignment, Context, Decision, Reason
from experimentation.domain.counting.counters import (
    assignment_adds,
    covariate_kinds,
    enrolment_adds,
    labels,
)
from experimentation.domain.counting.ledger import Boundary, Head, apply_ends, enrol_at, enrol_now, merged
from experimentation.domain.counting.room import has_room
from experimentation.domain.counting.user import StoredUser, changed
from experimentation.domain.counting.writes import MAX_ACTIONS, HeadWrite, LedgerWrite, Transaction
from experimentation.domain.experiment import Experiment
from experimentation.domain.prerequisites import descent, named


class Enrolment(NamedTuple):
    """An experiment to enrol a user in, with the variant that was drawn or given; `at` None means now."""

    experiment: Experiment
    variant: str
    context: Context
    at: int | None = None
    late: bool = False
    imported: bool = False


type Step = tuple[Transaction, list[Decision]]
"""A transaction, and the decisions that hold once it is written."""


class Plan(NamedTuple):
    """Transactions of one user in their order; `too_many` are those that the user has no room for."""

    steps: list[Step]
    too_many: list[Enrolment]


def covariate_types(experiments: Iterable[Experiment]) -> frozenset[str]:
    """Return the event types whose ledgers an enrolment in these experiments looks into, for CUPED."""
    return frozenset(
        metric.event_type
        for experiment in experiments
        for metric in experiment.metrics
        if covariate_kinds(experiment, metric.event_type)
    )


def enrol(
    user: StoredUser,
    wanted: Iterable[Enrolment],
    experiments: Mapping[str, Experiment],
    now: int,
    oldest: int,
) -> Plan:
    """Return the transactions that enrol the user, in those experiments that there is room for.

    `experiments` holds the user's others, because some may be over; what started first comes first, with all
    that builds on it right after it. No event is older than `oldest` that may still come.
    """
    wanted = list(wanted)
    drawn = {each.experiment.id: each.experiment for each in wanted}
    below = named(drawn.values()) & drawn.keys()
    without_room: set[str] = set()
    head = with_ends(user.head, experiments, now)
    steps: list[Step] = []
    too_many: list[Enrolment] = []
    group: list[tuple[Enrolment, Boundary]] = []
    before = user
    for each in sorted(wanted, key=lambda each: _rank(each.experiment, drawn)):
        if group and each.experiment.id in below and not named([each.experiment]) & below:
            # What builds on it shall be written with it, so it begins a transaction.
            steps.append(_step(before, head, group))
            before, head = _written(before, steps[-1][0])
            group = []
        after, boundary = _with_enrolment(head, each, now)
        known = {**experiments, each.experiment.id: each.experiment}
        has_no_base = bool(named([each.experiment]) & without_room)
        if has_no_base or not has_room(merged(after, user.ledger.past), known, now, oldest):
            too_many.append(each)
            without_room.add(each.experiment.id)
            continue
        if group and not _transaction(before, after, [*group, (each, boundary)]).fits():
            # The next transaction's conditions are the versions that this one leaves behind.
            steps.append(_step(before, head, group))
            before, head = _written(before, steps[-1][0])
            group = []
            after, boundary = _with_enrolment(head, each, now)
        group.append((each, boundary))
        head = after
    if group:
        steps.append(_step(before, head, group))
    return Plan(steps, too_many)


def _rank(experiment: Experiment, drawn: Mapping[str, Experiment]) -> tuple[int, str, int, int]:
    base, depth = descent(experiment, drawn)
    return base.started_at or 0, base.id, depth, experiment.started_at or 0


def with_ends(head: Head, experiments: Mapping[str, Experiment], now: int) -> Head:
    """Return the head with the ends of the user's experiments that are over at `now`."""
    # Until after the last event: a clock that is behind enrols then, and what is over must own nothing more.
    ended = {each.id: each.ended_at for each in experiments.values() if each.ended_at is not None}
    return apply_ends(head, ended, max(now, head.last + 1)) if ended else head


def _with_enrolment(head: Head, each: Enrolment, now: int) -> tuple[Head, Boundary]:
    user_labels = labels(each.experiment.segments, each.context)
    if each.at is None:
        after = enrol_now(head, now, each.experiment.id, each.variant, user_labels)
    else:
        after = enrol_at(head, each.at, each.experiment.id, each.variant, user_labels)
    boundary = after.assignment(each.experiment.id)
    if boundary is None:
        raise AssertionError("an assignment that was just made is among the boundaries")
    return after, boundary


def _transaction(user: StoredUser, after: Head, group: Sequence[tuple[Enrolment, Boundary]]) -> Transaction:
    """Return the writes of HEAD and of these enrolments."""
    ledgers = {**user.ledger.spilled, **user.head.ledgers}
    enrolled = Transaction()
    for (experiment, variant, context, _, late, imported), boundary in group:
        kept = Assignment(experiment.id, user.user_id, variant, boundary.at, context, imported, late)
        enrolled = Transaction(
            (*enrolled.writes, kept),
            enrolled.rollups | assignment_adds(experiment, boundary, ledgers),
            enrolled.enrolments
            | enrolment_adds(experiment, variant, boundary.labels, boundary.at, late=late),
        )
    room = MAX_ACTIONS - len(enrolled)
    return Transaction(changed(user, user.ledger._replace(head=after), (), room)).joined(enrolled)


def _written(user: StoredUser, transaction: Transaction) -> tuple[StoredUser, Head]:
    """Return the user as stored once the transaction is written, and the head to go on from."""
    write, *ledgers = (w for w in transaction.writes if isinstance(w, HeadWrite | LedgerWrite))
    if not isinstance(write, HeadWrite):
        raise TypeError("a transaction of a user begins with HEAD")
    head = replace(write.head, version=write.read_version + 1)
    apart = {w.event_type: w for w in ledgers if isinstance(w, LedgerWrite)}
    spilled = {**user.ledger.spilled, **{name: w.cells for name, w in apart.items()}}
    versions = {**user.versions, **{name: w.read_version + 1 for name, w in apart.items()}}
    ledger = user.ledger._replace(head=head, spilled=spilled)
    return StoredUser(user.user_id, ledger, versions, user.past_at), head


def _step(user: StoredUser, after: Head, group: Sequence[tuple[Enrolment, Boundary]]) -> Step:
    return _transaction(user, after, group), [
        Decision(each.experiment, user.user_id, each.variant, boundary.at, Reason.ASSIGNED)
        for each, boundary in group
    ]
