"""Assigning users: an override, else the stored answer, else a new one that is stored once and for all."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import NamedTuple

from experimentation.domain.bucketing import decide
from experimentation.domain.clock import rfc3339
from experimentation.domain.counting.counters import (
    Context,
    assignment_adds,
    covariate_kinds,
    enrolment_adds,
    labels,
)
from experimentation.domain.counting.ledger import Boundary, Cells, Head, apply_ends, enrol, ownerships
from experimentation.domain.errors import UnavailableError
from experimentation.domain.experiment import Experiment, Status
from experimentation.storage import assignments, rollups, users
from experimentation.storage.assignments import Assignment
from experimentation.storage.aws.transactions import MAX_ACTIONS, Action, CancelledError, commit
from experimentation.usecases.runtime import Runtime

MAX_TRIES = 8
MAX_COUNTERS_PER_EVENT = 90  # a transaction has 100 actions, and one event must always fit


class Reason(StrEnum):
    """Why a user has the variant, or none."""

    ASSIGNED = "assigned"
    STORED = "stored"
    OVERRIDE = "override"
    NOT_IN_TRAFFIC = "not_in_traffic"
    NOT_RUNNING = "not_running"
    TOO_MANY = "too_many_experiments"


class Decision(NamedTuple):
    """The answer for one user and experiment; `variant` None for a user who takes no part."""

    experiment: Experiment
    user_id: str
    variant: str | None
    assigned_at: int | None
    reason: Reason


class _New(NamedTuple):
    """A variant drawn for an experiment that the user is not in yet."""

    experiment: Experiment
    variant: str
    labels: tuple[str, ...]


def assign(experiment: Experiment, user_id: str, context: Context, runtime: Runtime) -> Decision:
    """Return the user's variant, storing the first answer."""
    return assign_all([experiment], user_id, context, runtime)[0]


def assign_all(
    experiments: Sequence[Experiment], user_id: str, context: Context, runtime: Runtime
) -> list[Decision]:
    """Return the user's variant in each experiment, in their order; new ones are stored a few at a time."""
    decided: dict[str, Decision] = {}
    for experiment in experiments:
        if user_id in experiment.overrides:
            variant = experiment.overrides[user_id]
            decided[experiment.id] = Decision(experiment, user_id, variant, None, Reason.OVERRIDE)
    open_ones = [experiment for experiment in experiments if experiment.id not in decided]
    if open_ones:
        decided |= _decide(open_ones, user_id, context, runtime)
    return [decided[experiment.id] for experiment in experiments]


def stored(experiment_id: str, user_id: str) -> Boundary | None:
    """Return the user's stored assignment, wherever it is kept."""
    return _stored(users.read_head(user_id, consistent=True), experiment_id, user_id)


def _decide(
    experiments: Sequence[Experiment], user_id: str, context: Context, runtime: Runtime
) -> dict[str, Decision]:
    assigned: dict[str, Decision] = {}
    head = users.read_head(user_id, consistent=False)
    for tried in range(MAX_TRIES):
        if tried:
            runtime.pause(tried)
            head = users.read_head(user_id, consistent=True)
        now = runtime.clock()
        decided, new = _sorted(_as_of(now, experiments, runtime), head, user_id, context)
        fitting = _fitting(head, new, now, runtime) if new else []
        for group in _groups(fitting):
            after = _store(head, user_id, context, group, now, runtime)
            if after is None:
                break
            head = after
            assigned |= {each.experiment.id: _assigned(each, head, user_id) for each in group}
        else:
            return {each.experiment.id: _crowded(each, user_id) for each in new} | decided | assigned
    raise UnavailableError("this user is being changed by too many requests at once; try again")


def _as_of(now: int, experiments: Sequence[Experiment], runtime: Runtime) -> list[Experiment]:
    """Return them as they are known at `now`, the time of the assignments: it must come before their ends."""
    known = runtime.experiments.read_many((experiment.id for experiment in experiments), now)
    return [known.get(experiment.id, experiment) for experiment in experiments]


def _sorted(
    experiments: Sequence[Experiment], head: Head, user_id: str, context: Context
) -> tuple[dict[str, Decision], list[_New]]:
    """Return the answers that need no write, and what is to be stored for the others."""
    decided: dict[str, Decision] = {}
    new: list[_New] = []
    for experiment in experiments:
        before = _stored(head, experiment.id, user_id)
        if before is not None:
            answer = Decision(experiment, user_id, before.variant, before.at, Reason.STORED)
        elif experiment.status is not Status.RUNNING:
            answer = Decision(experiment, user_id, None, None, Reason.NOT_RUNNING)
        else:
            weights = [(variant.key, variant.weight) for variant in experiment.variants]
            variant = decide(experiment.salt, user_id, experiment.traffic_allocation, weights)
            if variant is not None:
                new.append(_New(experiment, variant, labels(experiment.segments, context)))
                continue
            answer = Decision(experiment, user_id, None, None, Reason.NOT_IN_TRAFFIC)
        decided[experiment.id] = answer
    return decided, new


def _fitting(head: Head, new: Iterable[_New], now: int, runtime: Runtime) -> list[_New]:
    """Return those that the user has room for, those that started first before the others."""
    fitting: list[_New] = []
    head = with_ends(head, now, runtime)
    for each in sorted(new, key=lambda each: each.experiment.started_at or 0):
        after = enrol(head, now, each.experiment.id, each.variant, each.labels)
        if has_room(after):
            fitting.append(each)
            head = after
    return fitting


def _groups(new: Iterable[_New]) -> Iterator[list[_New]]:
    """Yield what fits one transaction each, by the most that each assignment can write."""
    group: list[_New] = []
    size = 1
    for each in new:
        types = {metric.event_type for metric in each.experiment.metrics}
        most = 2 + len(each.labels) + 2 * len(types)
        if group and size + most > MAX_ACTIONS:
            yield group
            group, size = [], 1
        group.append(each)
        size += most
    if group:
        yield group


def _stored(head: Head, experiment_id: str, user_id: str) -> Boundary | None:
    found = head.assignment(experiment_id)
    if found is None and head.past_until:
        kept = assignments.read(experiment_id, user_id)
        return Boundary(0, kept.assigned_at, experiment_id, kept.variant) if kept else None
    return found


def _store(
    head: Head, user_id: str, context: Context, new: Sequence[_New], now: int, runtime: Runtime
) -> Head | None:
    """Write new assignments and return the head after them; None when the user changed meanwhile."""
    ledgers, guards = ledgers_for(head, user_id, [each.experiment for each in new])
    after = _with_assignments(head, new, now, runtime)
    actions = [users.put_head(user_id, head.version, after), *guards]
    owners = [""] * len(actions)
    for each in new:
        boundary = _boundary(after, each)
        kept = Assignment(each.experiment.id, user_id, each.variant, boundary.at, context)
        counters = counter_actions(each.experiment, boundary, ledgers, runtime)
        actions += [assignments.put(kept), *counters]
        owners += ["", *[each.experiment.id] * len(counters)]
    try:
        commit(actions)
    except CancelledError as cancelled:
        runtime.make_room(
            owner for place, owner in enumerate(owners) if owner and cancelled.was_in_the_way(place)
        )
        return None
    return replace(after, version=head.version + 1)


def counter_actions(
    experiment: Experiment, boundary: Boundary, ledgers: Mapping[str, Cells], runtime: Runtime
) -> list[Action]:
    """Return the writes that count one assignment: the enrolment, and what the user did before it."""
    now = runtime.clock()
    enrolments = enrolment_adds(experiment, boundary.variant, boundary.labels, boundary.at)
    # Drawn anew for each call: enrolment is on the user's path, so its counters are spread widest.
    place = rollups.enrolment_partition(experiment, int(runtime.chance.random() * experiment.shards))
    actions = [rollups.add(place, key, counters, now) for (_, key), counters in enrolments.items()]
    covariates = assignment_adds(experiment, boundary.variant, boundary.k, ledgers)
    place = rollups.partition(experiment, runtime.shard(experiment.shards))
    return actions + [rollups.add(place, key, counters, now) for (_, key), counters in covariates.items()]


def _with_assignments(head: Head, new: Iterable[_New], now: int, runtime: Runtime) -> Head:
    head = with_ends(head, now, runtime)
    for each in new:
        head = enrol(head, now, each.experiment.id, each.variant, each.labels)
    return head


def with_ends(head: Head, now: int, runtime: Runtime) -> Head:
    """Return the head with the ends of the user's experiments that are over at `now`."""
    living = [owned.experiment_id for owned in ownerships(head.boundaries) if owned.end is None]
    if not living:
        return head
    known = runtime.experiments.read_many(living, now)
    ended = {each.id: each.ended_at for each in known.values() if each.ended_at is not None}
    return apply_ends(head, ended, max(now, head.last + 1))


def has_room(head: Head) -> bool:
    """Tell whether the counters that one event of this user can touch fit a transaction."""
    living = [owned for owned in ownerships(head.boundaries) if owned.end is None]
    return sum(2 + len(owned.labels) for owned in living) <= MAX_COUNTERS_PER_EVENT


def ledgers_for(
    head: Head, user_id: str, experiments: Sequence[Experiment]
) -> tuple[Mapping[str, Cells], list[Action]]:
    """Return the user's ledgers of the types for which these experiments keep CUPED sums.

    The actions write the ledgers that are stored apart as they were read, on the condition of their versions:
    a read may see a transaction's head and not yet its ledger.
    """
    wanted = {m.event_type for e in experiments for m in e.metrics if covariate_kinds(e, m.event_type)}
    spilled = sorted(wanted & head.spilled)
    if not spilled:
        return head.ledgers, []
    found = users.read_spilled((user_id, event_type) for event_type in spilled)
    apart = {event_type: found.get((user_id, event_type), users.UNSEEN) for event_type in spilled}
    ledgers = {**head.ledgers, **{event_type: each.cells for event_type, each in apart.items()}}
    return ledgers, [users.put_spilled(user_id, name, *each) for name, each in apart.items()]


def _boundary(head: Head, new: _New) -> Boundary:
    found = head.assignment(new.experiment.id)
    if found is None:
        raise AssertionError("an assignment that was just made is among the boundaries")
    return found


def _assigned(new: _New, head: Head, user_id: str) -> Decision:
    return Decision(new.experiment, user_id, new.variant, _boundary(head, new).at, Reason.ASSIGNED)


def _crowded(new: _New, user_id: str) -> Decision:
    return Decision(new.experiment, user_id, None, None, Reason.TOO_MANY)


def answer(decision: Decision) -> dict[str, object]:
    """Return the decision as the API shows it."""
    config = None
    if decision.variant is not None:
        text = decision.experiment.variant(decision.variant).config
        config = None if text is None else json.loads(text)
    return {
        "experiment_id": decision.experiment.id,
        "user_id": decision.user_id,
        "enrolled": decision.variant is not None,
        "variant": decision.variant,
        "config": config,
        "assigned_at": None if decision.assigned_at is None else rfc3339(decision.assigned_at),
        "reason": decision.reason.value,
    }
