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
from experimentation.domain.counting.recording import ended_at
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


class _Steps:
    """The steps so far, and the enrolments that the next one writes: `head` is HEAD with these."""

    def __init__(self, user: StoredUser, head: Head) -> None:
        self.user, self.head = user, head
        self.group: list[tuple[Enrolment, Boundary]] = []
        self.finished: list[Step] = []

    def add(self, wanted: Enrolment, after: Head, boundary: Boundary) -> None:
        """Write the enrolment, which makes `after` of HEAD, with the next step."""
        self.group.append((wanted, boundary))
        self.head = after

    def fits(self, wanted: Enrolment, after: Head, boundary: Boundary) -> bool:
        """Tell whether the next step has room for the enrolment too."""
        return _transaction(self.user, after, [*self.group, (wanted, boundary)]).fits()

    def begin_another(self) -> None:
        """End the step; the conditions of the next one are the versions that this one leaves behind."""
        if self.group:
            self.finished.append(_step(self.user, self.head, self.group))
            self.user = _written(self.user, self.finished[-1][0])
            self.head = self.user.head
            self.group = []

    def all(self) -> list[Step]:
        """Return the steps, the last one ended."""
        return [*self.finished, _step(self.user, self.head, self.group)] if self.group else self.finished


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

    `experiments` holds the user's others, because some may have ended. Experiments that started first come
    first, with all that build on them right after. No event that may still come is older than `oldest`.
    """
    drawn = {each.experiment.id: each for each in wanted}
    order = _in_order([each.experiment for each in drawn.values()])
    bases = named(order) & drawn.keys()
    steps = _Steps(user, with_ends(user.head, experiments, now))
    too_many: dict[str, Enrolment] = {}
    for experiment in order:
        enrolment, builds_on = drawn[experiment.id], named([experiment])
        if experiment.id in bases and not builds_on & bases:
            steps.begin_another()  # so that the experiments that build on it are written with it
        after, boundary = _with_enrolment(steps.head, enrolment, now)
        boundaries = merged(after, user.ledger.past)
        all_experiments = {**experiments, experiment.id: experiment}
        if builds_on & too_many.keys() or not has_room(boundaries, all_experiments, now, oldest):
            too_many[experiment.id] = enrolment
            continue
        if steps.group and not steps.fits(enrolment, after, boundary):
            steps.begin_another()
            after, boundary = _with_enrolment(steps.head, enrolment, now)
        steps.add(enrolment, after, boundary)
    return Plan(steps.all(), list(too_many.values()))


def _in_order(drawn: Sequence[Experiment]) -> list[Experiment]:
    among = {each.id: each for each in drawn}
    return sorted(drawn, key=lambda each: _rank(each, among))


def _rank(experiment: Experiment, drawn: Mapping[str, Experiment]) -> tuple[int, str, int, int]:
    base, depth = descent(experiment, drawn)
    return base.started_at or 0, base.id, depth, experiment.started_at or 0


def with_ends(head: Head, experiments: Mapping[str, Experiment], now: int) -> Head:
    """Return the head with the ends of the user's experiments that have ended by `now`."""
    # Until after the last event: an enrolment by a clock that is behind lies there, and an experiment that
    # has ended must own nothing more.
    ended = ended_at(experiments)
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


def _written(user: StoredUser, transaction: Transaction) -> StoredUser:
    """Return the user as stored once the transaction is written."""
    (write,) = (each for each in transaction.writes if isinstance(each, HeadWrite))
    ledgers = [each for each in transaction.writes if isinstance(each, LedgerWrite)]
    head = replace(write.head, version=write.read_version + 1)
    spilled = {**user.ledger.spilled, **{each.event_type: each.cells for each in ledgers}}
    versions = {**user.versions, **{each.event_type: each.read_version + 1 for each in ledgers}}
    return StoredUser(user.user_id, user.ledger._replace(head=head, spilled=spilled), versions, user.past_at)


def _step(user: StoredUser, after: Head, group: Sequence[tuple[Enrolment, Boundary]]) -> Step:
    return _transaction(user, after, group), [
        Decision(each.experiment, user.user_id, each.variant, boundary.at, Reason.ASSIGNED)
        for each, boundary in group
    ]
