"""Enrolling users: what is answered from what is stored, who is drawn, and the transactions that enrol.

Pure: everything was read before, and everything is written after.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from experimentation.domain.assignment import Assignment, Context, Decision, Reason
from experimentation.domain.bucketing import decide
from experimentation.domain.counting.counters import (
    assignment_adds,
    covariate_kinds,
    enrolment_adds,
    labels,
)
from experimentation.domain.counting.ledger import (
    Boundary,
    Head,
    apply_ends,
    enrol_at,
    enrol_now,
    ownerships,
)
from experimentation.domain.counting.recording import Ledger
from experimentation.domain.counting.user import StoredUser
from experimentation.domain.counting.writes import MAX_ACTIONS, HeadWrite, LedgerWrite, Transaction, UserWrite
from experimentation.domain.experiment import Experiment, Status

MAX_COUNTERS_PER_EVENT = 90  # a transaction has 100 actions, and one event must always fit


class Enrolment(NamedTuple):
    """An experiment to enrol a user in, with the variant that was drawn or given; `at` None means now."""

    experiment: Experiment
    variant: str
    context: Context
    at: int | None = None


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


def answers(ledger: Ledger, user_id: str, experiments: Iterable[Experiment], context: Context) -> Answers:
    """Return each experiment's answer: an override, else what is stored, else a draw while it runs."""
    decided: dict[str, Decision] = {}
    drawn: list[Enrolment] = []
    for experiment in experiments:
        override, stored = experiment.overrides.get(user_id), ledger.assignment(experiment.id)
        if override is not None:
            decision = Decision(experiment, user_id, override, None, Reason.OVERRIDE)
        elif stored is not None:
            decision = Decision(experiment, user_id, stored.variant, stored.at, Reason.STORED)
        elif experiment.status is not Status.RUNNING:
            decision = Decision(experiment, user_id, None, None, Reason.NOT_RUNNING)
        else:
            weights = [(variant.key, variant.weight) for variant in experiment.variants]
            variant = decide(experiment.salt, user_id, experiment.traffic_allocation, weights)
            if variant is not None:
                drawn.append(Enrolment(experiment, variant, context))
                continue
            decision = Decision(experiment, user_id, None, None, Reason.NOT_IN_TRAFFIC)
        decided[experiment.id] = decision
    types = covariate_types(each.experiment for each in drawn)
    return Answers(decided, drawn, types, ledger.head.living())


def covariate_types(experiments: Iterable[Experiment]) -> frozenset[str]:
    """Return the event types whose ledgers an enrolment in these experiments looks into, for CUPED."""
    return frozenset(
        metric.event_type
        for experiment in experiments
        for metric in experiment.metrics
        if covariate_kinds(experiment, metric.event_type)
    )


def enrol(
    user: StoredUser, wanted: Iterable[Enrolment], experiments: Mapping[str, Experiment], now: int
) -> Plan:
    """Return the transactions that enrol the user, in those experiments that there is room for.

    `experiments` holds the user's others, because some may be over; what started first comes first.
    """
    head = with_ends(user.head, experiments, now)
    steps: list[tuple[Transaction, list[Decision]]] = []
    too_many: list[Enrolment] = []
    group: list[tuple[Enrolment, Boundary]] = []
    before = user
    for each in sorted(wanted, key=lambda each: each.experiment.started_at or 0):
        after, boundary = _with_enrolment(head, each, now)
        if not has_room(after):
            too_many.append(each)
            continue
        if group and len(_transaction(before, after, [*group, (each, boundary)])) > MAX_ACTIONS:
            steps.append((_transaction(before, head, group), _decisions(user.user_id, group)))
            before, group = _written(before, head, group), []
        group.append((each, boundary))
        head = after
    if group:
        steps.append((_transaction(before, head, group), _decisions(user.user_id, group)))
    return Plan(steps, too_many)


def with_ends(head: Head, experiments: Mapping[str, Experiment], now: int) -> Head:
    """Return the head with the ends of the user's experiments that are over at `now`."""
    ended = {each.id: each.ended_at for each in experiments.values() if each.ended_at is not None}
    return apply_ends(head, ended, max(now, head.last + 1)) if ended else head


def has_room(head: Head) -> bool:
    """Tell whether the counters that one event of this user can touch fit a transaction."""
    living = [owned for owned in ownerships(head.boundaries) if owned.end is None]
    return sum(2 + len(owned.labels) for owned in living) <= MAX_COUNTERS_PER_EVENT


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
    """Return the writes of HEAD and of these enrolments.

    The ledgers apart are written as they were read, on the condition of their versions: a batch read may see
    a transaction's HEAD and not yet its ledger.
    """
    looked_into = sorted(covariate_types(each.experiment for each, _ in group) & user.head.spilled)
    ledgers = {**user.head.ledgers, **{name: user.ledger.spilled[name] for name in looked_into}}
    writes: list[UserWrite] = [HeadWrite(user.user_id, user.head.version, after)]
    writes += [LedgerWrite(user.user_id, name, user.versions[name], ledgers[name]) for name in looked_into]
    transaction = Transaction(tuple(writes))
    for (experiment, variant, context, at), boundary in group:
        kept = Assignment(experiment.id, user.user_id, variant, boundary.at, context, at is not None)
        transaction = Transaction(
            (*transaction.writes, kept),
            transaction.rollups | assignment_adds(experiment, variant, boundary.k, ledgers),
            transaction.enrolments | enrolment_adds(experiment, variant, boundary.labels, boundary.at),
        )
    return transaction


def _written(user: StoredUser, after: Head, group: Sequence[tuple[Enrolment, Boundary]]) -> StoredUser:
    """Return the user as stored once the group's transaction is written."""
    written = covariate_types(each.experiment for each, _ in group) & user.head.spilled
    head = replace(after, version=user.head.version + 1)
    versions = {name: version + (name in written) for name, version in user.versions.items()}
    return StoredUser(user.user_id, user.ledger._replace(head=head), versions)


def _decisions(user_id: str, group: Iterable[tuple[Enrolment, Boundary]]) -> list[Decision]:
    return [
        Decision(each.experiment, user_id, each.variant, boundary.at, Reason.ASSIGNED)
        for each, boundary in group
    ]
