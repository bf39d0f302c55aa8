"""Importing assignments that were randomised elsewhere, under the same uniqueness as our own."""

from collections.abc import Sequence
from typing import NamedTuple

from experimentation.domain.counting.counters import Adds, Context, assignment_adds, enrolment_adds, labels
from experimentation.domain.counting.ledger import Boundary, Head, import_assignment
from experimentation.domain.counting.windows import add_counters
from experimentation.domain.errors import ConflictError, FieldError, InvalidError, UnavailableError
from experimentation.domain.experiment import Experiment, Status
from experimentation.storage import assignments, rollups, users
from experimentation.storage.assignments import Assignment
from experimentation.storage.aws.transactions import MAX_ACTIONS, Action, CancelledError, commit
from experimentation.usecases.assigning import has_room, ledgers_for, with_ends
from experimentation.usecases.runtime import Runtime

MAX_TRIES = 8
STORED = "stored"
ALREADY_THERE = "already_there"


class Row(NamedTuple):
    """One assignment to import; `assigned_at` in milliseconds."""

    user_id: str
    variant: str
    assigned_at: int
    context: Context


class _Ready(NamedTuple):
    """A row that can be stored, and the head that holds it."""

    row: Row
    read_version: int
    head: Head
    boundary: Boundary


def import_rows(experiment: Experiment, rows: Sequence[Row], runtime: Runtime) -> list[str]:
    """Return per row "stored" or "already_there".

    InvalidError for rows that can never be stored; ConflictError, before anything is written, that names
    every user that has events at or after the assignment (leaving out only the active users would bias
    results) or is in too many experiments.
    """
    _check(experiment, rows, runtime.clock())
    outcome: dict[str, str] = {}
    waiting = list(rows)
    for tried in range(MAX_TRIES):
        if tried:
            runtime.pause(tried)
        ready = _ready(experiment, waiting, outcome, rows, runtime)
        waiting = []
        for group, actions in _transactions(experiment, ready, runtime):
            try:
                commit(actions)
            except CancelledError:
                runtime.draw_again()
                waiting += [each.row for each in group]
            else:
                outcome |= {each.row.user_id: STORED for each in group}
        if not waiting:
            return [outcome[row.user_id] for row in rows]
    raise UnavailableError("some of these users are being changed right now; send the request again")


def _check(experiment: Experiment, rows: Sequence[Row], now: int) -> None:
    if experiment.status not in {Status.RUNNING, Status.PAUSED}:
        raise ConflictError(
            f"assignments can be imported while an experiment runs; it is {experiment.status}"
        )
    problems: list[FieldError] = []
    seen: set[str] = set()
    for index, row in enumerate(rows):
        place = f"/assignments/{index}"
        if row.variant not in experiment.keys:
            problems.append(FieldError(f"{place}/variant", "is not a variant of the experiment"))
        if row.assigned_at > now:
            problems.append(FieldError(f"{place}/assigned_at", "is in the future"))
        if row.user_id in seen:
            problems.append(FieldError(f"{place}/user_id", "stands twice in this request"))
        if row.user_id in experiment.overrides:
            problems.append(FieldError(f"{place}/user_id", "has an override and is never counted"))
        seen.add(row.user_id)
    if problems:
        raise InvalidError("The assignments cannot be imported.", problems)


def _ready(
    experiment: Experiment,
    waiting: Sequence[Row],
    outcome: dict[str, str],
    rows: Sequence[Row],
    runtime: Runtime,
) -> list[_Ready]:
    """Return what is to be stored; note in `outcome` who has an assignment already."""
    heads = users.read_heads(row.user_id for row in waiting)
    ready: list[_Ready] = []
    refused: dict[str, str] = {}
    for row in waiting:
        before = heads[row.user_id]
        if _is_there(before, experiment.id, row.user_id):
            outcome[row.user_id] = ALREADY_THERE
            continue
        try:
            head = with_ends(before, runtime.clock(), runtime)
            marks = labels(experiment.segments, row.context)
            head = import_assignment(head, row.assigned_at, experiment.id, row.variant, marks)
        except ConflictError as error:
            refused[row.user_id] = str(error)
            continue
        if not has_room(head):
            refused[row.user_id] = "the user is in too many running experiments"
            continue
        boundary = head.assignment(experiment.id)
        if boundary is not None:
            ready.append(_Ready(row, before.version, head, boundary))
    if refused:
        errors = [
            FieldError(f"/assignments/{index}/user_id", refused[row.user_id])
            for index, row in enumerate(rows)
            if row.user_id in refused
        ]
        raise ConflictError(
            "Some of these users cannot be imported. Import assignments before their events.", errors
        )
    return ready


def _is_there(head: Head, experiment_id: str, user_id: str) -> bool:
    if head.assignment(experiment_id) is not None:
        return True
    return bool(head.past_until) and assignments.read(experiment_id, user_id) is not None


def _transactions(
    experiment: Experiment, ready: Sequence[_Ready], runtime: Runtime
) -> list[tuple[list[_Ready], list[Action]]]:
    """Return the assignments in groups that each fit one transaction."""
    groups: list[tuple[list[_Ready], list[Action]]] = []
    group: list[_Ready] = []
    for each in ready:
        actions = _actions(experiment, [*group, each], runtime)
        if group and len(actions) > MAX_ACTIONS:
            groups.append((group, _actions(experiment, group, runtime)))
            group = []
        group = [*group, each]
    if group:
        groups.append((group, _actions(experiment, group, runtime)))
    return groups


def _actions(experiment: Experiment, group: Sequence[_Ready], runtime: Runtime) -> list[Action]:
    enrolments: Adds = {}
    covariates: Adds = {}
    actions: list[Action] = []
    for row, read_version, head, boundary in group:
        ledgers, guards = ledgers_for(head, row.user_id, [experiment])
        kept = Assignment(
            experiment.id, row.user_id, row.variant, row.assigned_at, row.context, imported=True
        )
        actions += [users.put_head(row.user_id, read_version, head), assignments.put(kept), *guards]
        _merge(enrolments, enrolment_adds(experiment, row.variant, boundary.labels, row.assigned_at))
        _merge(covariates, assignment_adds(experiment, row.variant, boundary.k, ledgers))
    now, shard = runtime.clock(), runtime.shard(experiment.shards)
    for place, adds in (
        (rollups.enrolment_partition(experiment, shard), enrolments),
        (rollups.partition(experiment, shard), covariates),
    ):
        actions += [rollups.add(place, key, counters, now) for (_, key), counters in adds.items()]
    return actions


def _merge(into: Adds, adds: Adds) -> None:
    for key, counters in adds.items():
        add_counters(into.setdefault(key, {}), counters)
