"""Importing assignments that were randomised elsewhere, under the same uniqueness as our own."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from experimentation import telemetry
from experimentation.domain.assignment import Context
from experimentation.domain.counting.enrolling import Enrolment, covariate_types, enrol
from experimentation.domain.counting.user import StoredUser
from experimentation.domain.counting.writes import Transaction, grouped
from experimentation.domain.errors import ConflictError, FieldError, InvalidError, UnavailableError
from experimentation.domain.experiment import Experiment, Status
from experimentation.storage import users
from experimentation.usecases.committing import commit
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


class _Loaded(NamedTuple):
    """The users of some rows, and the experiments that they are in."""

    users: Mapping[str, StoredUser]
    experiments: Mapping[str, Experiment]


def import_rows(experiment: Experiment, rows: Sequence[Row], runtime: Runtime) -> list[str]:
    """Return per row "stored" or "already_there".

    InvalidError for rows that can never be stored; ConflictError, before anything is written, that names
    every user that has events at or after the assignment (leaving out only the active users would bias
    results) or is in too many experiments.
    """
    _check(experiment, rows, runtime.clock())
    outcome: dict[str, str] = {}
    for _ in runtime.attempts(MAX_TRIES):
        waiting = [row for row in rows if row.user_id not in outcome]
        loaded = _load(experiment, waiting, runtime)
        for transaction in _plan(experiment, waiting, loaded, outcome, rows, runtime):
            if commit(transaction, runtime) is None:
                outcome |= {each.user_id: STORED for each in transaction.assignments()}
        if len(outcome) == len(rows):
            telemetry.count("AssignmentsImported", list(outcome.values()).count(STORED))
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
        pointer = f"/assignments/{index}"
        if row.variant not in experiment.keys:
            problems.append(FieldError(f"{pointer}/variant", "is not a variant of the experiment"))
        if row.assigned_at > now:
            problems.append(FieldError(f"{pointer}/assigned_at", "is in the future"))
        if row.user_id in seen:
            problems.append(FieldError(f"{pointer}/user_id", "stands twice in this request"))
        if row.user_id in experiment.overrides:
            problems.append(FieldError(f"{pointer}/user_id", "has an override and is never counted"))
        seen.add(row.user_id)
    if problems:
        raise InvalidError("The assignments cannot be imported.", problems)


def _load(experiment: Experiment, rows: Sequence[Row], runtime: Runtime) -> _Loaded:
    """Read the users, the ledgers that CUPED looks into, and then their experiments, in batches."""
    heads = users.read_heads(row.user_id for row in rows)
    types = covariate_types([experiment])
    found = users.read_users(
        users.Need(user_id, head, types, past=bool(head.past_until)) for user_id, head in heads.items()
    )
    living = dict.fromkeys(name for head in heads.values() for name in head.living())
    return _Loaded(found, runtime.experiments.read_many(living, runtime.clock()))


def _plan(
    experiment: Experiment,
    waiting: Sequence[Row],
    loaded: _Loaded,
    outcome: dict[str, str],
    rows: Sequence[Row],
    runtime: Runtime,
) -> list[Transaction]:
    """Return what is to be written; note in `outcome` who has an assignment already."""
    now = runtime.clock()
    oldest = runtime.oldest_event(now)
    planned: list[Transaction] = []
    refused: dict[str, str] = {}
    for row in waiting:
        user = loaded.users[row.user_id]
        if user.is_torn():
            continue
        if user.ledger.assignment(experiment.id) is not None:
            outcome[row.user_id] = ALREADY_THERE
            continue
        wanted = Enrolment(experiment, row.variant, row.context, row.assigned_at)
        try:
            plan = enrol(user, [wanted], loaded.experiments, now, oldest)
        except ConflictError as error:
            refused[row.user_id] = str(error)
            continue
        if plan.too_many:
            refused[row.user_id] = "the user is in too many running experiments"
        planned += [transaction for transaction, _ in plan.steps]
    if refused:
        errors = [
            FieldError(f"/assignments/{index}/user_id", refused[row.user_id])
            for index, row in enumerate(rows)
            if row.user_id in refused
        ]
        raise ConflictError(
            "Some of these users cannot be imported. Import assignments before their events.", errors
        )
    return grouped(planned)
