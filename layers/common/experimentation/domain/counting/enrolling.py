"""Enrolling users: what is answered from what is stored, who is drawn, and the transactions that enrol.

Pure: everything was read before, and everything is written after.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import NamedTuple

from experimentation.domain.assignment import Assignment, Context, Decision, Reason
from experimentation.domain.audience import Search
from experimentation.domain.counting.counters import (
    assignment_adds,
    covariate_kinds,
    enrolment_adds,
    labels,
)
from experimentation.domain.counting.event import Event
from experimentation.domain.counting.late import enrol_late
from experimentation.domain.counting.ledger import (
    Boundary,
    Head,
    apply_ends,
    enrol_at,
    enrol_now,
    merged,
)
from experimentation.domain.counting.recording import Ledger
from experimentation.domain.counting.room import has_room
from experimentation.domain.counting.user import StoredUser, changed
from experimentation.domain.counting.writes import MAX_ACTIONS, HeadWrite, LedgerWrite, Transaction
from experimentation.domain.drawing import draw
from experimentation.domain.experiment import CountFrom, Experiment, Status
from experimentation.domain.prerequisites import descent, is_met, named


class Enrolment(NamedTuple):
    """An experiment to enrol a user in, with the variant that was drawn or given; `at` None means now."""

    experiment: Experiment
    variant: str
    context: Context
    at: int | None = None
    late: bool = False
    imported: bool = False


class Placement(StrEnum):
    """What becomes of an enrolment at a given time."""

    STORED = "stored"
    ALREADY_THERE = "already_there"
    OTHER_VARIANT = "other_variant"
    LATE = "late"
    TOO_OLD = "too_old"
    NOT_RUNNING = "not_running"
    TOO_MANY = "too_many_experiments"
    AGAIN = "again"


class Placed(NamedTuple):
    """What becomes of an enrolment at a given time, and the transaction that makes it so."""

    placement: Placement
    transaction: Transaction | None = None


class Times(NamedTuple):
    """Now, since when events are accepted, and the time before which none may come any more."""

    now: int
    accepted_since: int
    oldest: int


class Answers(NamedTuple):
    """The answers that need no write, by experiment, and what is to be enrolled for the others.

    Before that `types` are read, the event types whose ledgers CUPED looks into, and `others`, the user's
    experiments that may be over.
    """

    decided: dict[str, Decision]
    drawn: list[Enrolment]
    types: frozenset[str]
    others: list[str]


class Plan(NamedTuple):
    """Transactions of one user in their order, each with the decisions that hold once it is written.

    `too_many` are those that the user has no room for.
    """

    steps: list[tuple[Transaction, list[Decision]]]
    too_many: list[Enrolment]


def answers(
    ledger: Ledger,
    user_id: str,
    experiments: Iterable[Experiment],
    context: Context,
    search: Search,
    prerequisites: Mapping[str, Experiment],
) -> Answers:
    """Return each experiment's answer: an override, else what is stored, else a draw while it runs.

    Where users count from their exposure, the draw is the answer, and nobody is enrolled by it.
    Once a variant is shipped it is the answer for everybody, overrides included: nobody stays behind.
    `prerequisites` are the experiments that these build on; a user who passes one's traffic and audience is
    enrolled in its prerequisite, whatever the variant there.
    """
    found: dict[str, Decision | Enrolment] = {}

    def answered(experiment: Experiment) -> str | None:
        """Note the answer, after those that it depends on, and return its variant."""
        if experiment.id not in found:
            answer = _answer(ledger, user_id, experiment, context, search)
            if isinstance(answer, Enrolment) and experiment.prerequisite is not None:
                below = known.get(experiment.prerequisite.experiment_id)
                if not is_met(experiment, below, answered(below) if below is not None else None):
                    answer = Decision(experiment, user_id, None, None, Reason.PREREQUISITE)
            found[experiment.id] = answer
        return found[experiment.id].variant

    wanted = {each.id: each for each in experiments}
    known = {**prerequisites, **wanted}
    for experiment in wanted.values():
        answered(experiment)
    decided = {
        name: each if isinstance(each, Decision) else _drawn(each, user_id)
        for name, each in found.items()
        if isinstance(each, Decision) or each.experiment.count_from is CountFrom.EXPOSURE
    }
    drawn = [each for name, each in found.items() if isinstance(each, Enrolment) and name not in decided]
    types = covariate_types(each.experiment for each in drawn)
    return Answers(decided, drawn, types, ledger.head.living())


def _drawn(wanted: Enrolment, user_id: str) -> Decision:
    return Decision(wanted.experiment, user_id, wanted.variant, None, Reason.DRAWN)


def _answer(
    ledger: Ledger, user_id: str, experiment: Experiment, context: Context, search: Search
) -> Decision | Enrolment:
    override, stored = experiment.overrides.get(user_id), ledger.assignment(experiment.id)
    if experiment.ship is not None:
        return Decision(experiment, user_id, experiment.ship, None, Reason.SHIPPED)
    if override is not None:
        return Decision(experiment, user_id, override, None, Reason.OVERRIDE)
    if stored is not None:
        return Decision(experiment, user_id, stored.variant, stored.at, Reason.STORED)
    if experiment.status is not Status.RUNNING:
        return Decision(experiment, user_id, None, None, Reason.NOT_RUNNING)
    variant, reason = draw(experiment, user_id, context, search)
    if variant is None:
        return Decision(experiment, user_id, None, None, reason)
    return Enrolment(experiment, variant, context)


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
    steps: list[tuple[Transaction, list[Decision]]] = []
    too_many: list[Enrolment] = []
    group: list[tuple[Enrolment, Boundary]] = []
    before = user
    for each in sorted(wanted, key=lambda each: _rank(each.experiment, drawn)):
        if group and each.experiment.id in below and not named([each.experiment]) & below:
            # What builds on it shall be written with it, so it begins a transaction.
            transaction = _transaction(before, head, group)
            steps.append((transaction, _decisions(user.user_id, group)))
            before, head = _written(before, transaction)
            group = []
        after, boundary = _with_enrolment(head, each, now)
        known = {**experiments, each.experiment.id: each.experiment}
        has_no_base = bool(named([each.experiment]) & without_room)
        if has_no_base or not has_room(merged(after, user.ledger.past), known, now, oldest):
            too_many.append(each)
            without_room.add(each.experiment.id)
            continue
        if group and not _transaction(before, after, [*group, (each, boundary)]).fits():
            transaction = _transaction(before, head, group)
            steps.append((transaction, _decisions(user.user_id, group)))
            before, head = _written(before, transaction)
            group = []
            after, boundary = _with_enrolment(head, each, now)
        group.append((each, boundary))
        head = after
    if group:
        steps.append((_transaction(before, head, group), _decisions(user.user_id, group)))
    return Plan(steps, too_many)


def _rank(experiment: Experiment, drawn: Mapping[str, Experiment]) -> tuple[int, str, int, int]:
    base, depth = descent(experiment, drawn)
    return base.started_at or 0, base.id, depth, experiment.started_at or 0


def place(
    user: StoredUser,
    wanted: Enrolment,
    experiments: Mapping[str, Experiment],
    events: Sequence[Event] | None,
    times: Times,
) -> Placed:
    """Return what becomes of an enrolment at `wanted.at`: as one transaction or none.

    Where events are recorded since, `user` holds every ledger and `events` are all of them, None where they
    are too many; TornEventsError when these do not agree. What does not fit is enrolled now, and late, while
    the experiment has no end.
    """
    head, at = user.head, times.now if wanted.at is None else wanted.at
    stored = user.ledger.assignment(wanted.experiment.id)
    if stored is not None:
        is_same = stored.variant == wanted.variant
        return Placed(Placement.ALREADY_THERE if is_same else Placement.OTHER_VARIANT)
    if at < head.past_until or at <= head.erased_at or (at <= head.last and at < times.accepted_since):
        return Placed(Placement.TOO_OLD)
    if at <= head.last:
        transaction = None if events is None else _past_enrolment(user, wanted, experiments, events, times)
        if transaction is not None and transaction.fits():
            return Placed(Placement.STORED, transaction)
        if wanted.experiment.ended_at is not None:
            return Placed(Placement.NOT_RUNNING)
        wanted = wanted._replace(at=None, late=True)
    plan = enrol(user, [wanted], experiments, times.now, times.oldest)
    if plan.too_many:
        return Placed(Placement.TOO_MANY)
    ((transaction, _),) = plan.steps
    return Placed(Placement.LATE if wanted.late else Placement.STORED, transaction)


def _past_enrolment(
    user: StoredUser,
    wanted: Enrolment,
    experiments: Mapping[str, Experiment],
    events: Sequence[Event],
    times: Times,
) -> Transaction | None:
    """Return the transaction that enrols before recorded events; None when there is no room for one."""
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
    return Transaction(changed(user, after, renamed, MAX_ACTIONS - len(enrolled))).joined(enrolled)


def with_ends(head: Head, experiments: Mapping[str, Experiment], now: int) -> Head:
    """Return the head with the ends of the user's experiments that are over at `now`."""
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


def _decisions(user_id: str, group: Iterable[tuple[Enrolment, Boundary]]) -> list[Decision]:
    return [
        Decision(each.experiment, user_id, each.variant, boundary.at, Reason.ASSIGNED)
        for each, boundary in group
    ]
