"""Importing assignments that were randomised elsewhere, under the same uniqueness as our own.

An assignment may be older than recorded events: these then count as if it had been known before them.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from experimentation import telemetry
from experimentation.domain.assignment import Context
from experimentation.domain.counting.enrolling import Enrolment
from experimentation.domain.counting.ledger import Head
from experimentation.domain.counting.placing import Placed, Placement, Times
from experimentation.domain.counting.writes import grouped
from experimentation.domain.errors import ConflictError, FieldError, InvalidError
from experimentation.domain.experiment import Experiment, Status
from experimentation.storage import retention, shards
from experimentation.usecases.committing import commit
from experimentation.usecases.placing import in_turn, load, plan
from experimentation.usecases.runtime import Runtime
from experimentation.usecases.user_heads import read_heads

MAX_TRIES = 8


class Row(NamedTuple):
    """One assignment to import; `assigned_at` in milliseconds."""

    user_id: str
    variant: str
    assigned_at: int
    context: Context


WRITTEN = frozenset({Placement.STORED, Placement.LATE})


def import_rows(
    experiment: Experiment, rows: Sequence[Row], runtime: Runtime, has_time: Callable[[], bool]
) -> list[Placement]:
    """Return the placement of each row; AGAIN where the time was up, or other writers were in conflict.

    InvalidError, before anything is written, for rows that can never be stored.
    """
    _check(experiment, rows, runtime.clock())
    if experiment.imported_at is None:
        # Before the first row: from then on users' heads are read consistently for this experiment, so that
        # no lagging read hides an imported assignment.
        shards.note_import(experiment.id, runtime.clock())
    placed: dict[str, Placement] = {}
    for _ in runtime.attempts(MAX_TRIES):
        placed |= _attempt(experiment, [row for row in rows if row.user_id not in placed], runtime, has_time)
        if len(placed) == len(rows) or not has_time():
            break
    telemetry.count("AssignmentsImported", sum(each in WRITTEN for each in placed.values()))
    return [placed.get(row.user_id, Placement.AGAIN) for row in rows]


def _attempt(
    experiment: Experiment, rows: Sequence[Row], runtime: Runtime, has_time: Callable[[], bool]
) -> dict[str, Placement]:
    """Return the placements of these rows; those whose writes were refused, or not begun, are left out."""
    wanted = {
        row.user_id: Enrolment(experiment, row.variant, row.context, row.assigned_at, imported=True)
        for row in rows
    }
    heads = read_heads(wanted, runtime)
    placed: dict[str, Placement] = {}
    for turn in in_turn(wanted, heads):
        if has_time():
            placed |= _write(_planned(experiment.id, turn, heads, runtime), runtime, has_time)
    return placed


def _planned(
    experiment_id: str, turn: Mapping[str, Enrolment], heads: Mapping[str, Head], runtime: Runtime
) -> dict[str, Placed]:
    times = _times(runtime)
    # As of the time of what is enrolled now: the experiment may have ended since the request began.
    experiment = runtime.experiments.read(experiment_id, times.now)
    wanted = {user_id: each._replace(experiment=experiment) for user_id, each in turn.items()}
    return plan(wanted, load(wanted, heads, runtime), times)


def _write(
    planned: Mapping[str, Placed], runtime: Runtime, has_time: Callable[[], bool]
) -> dict[str, Placement]:
    transactions = {user_id: each.transaction for user_id, each in planned.items() if each.transaction}
    written = planned.keys() - transactions.keys()  # those that need no write
    for transaction in grouped(transactions.values()):
        if has_time() and commit(transaction, runtime) is None:
            written |= {each.user_id for each in transaction.assignments()}
    return {user_id: planned[user_id].placement for user_id in written}


def _check(experiment: Experiment, rows: Sequence[Row], now: int) -> None:
    if experiment.status not in {Status.RUNNING, Status.PAUSED}:
        raise ConflictError(
            f"Assignments can be imported while an experiment runs; it is {experiment.status}."
        )
    problems: list[FieldError] = []
    seen: set[str] = set()
    for index, row in enumerate(rows):
        pointer = f"/assignments/{index}"
        if row.variant not in experiment.keys:
            problems.append(FieldError(f"{pointer}/variant", "is not a variant of the experiment"))
        if row.assigned_at > now:
            problems.append(FieldError(f"{pointer}/assigned_at", "must not be in the future"))
        if row.user_id in seen:
            problems.append(FieldError(f"{pointer}/user_id", "is given twice in this request"))
        if row.user_id in experiment.overrides:
            problems.append(FieldError(f"{pointer}/user_id", "has an override and is never counted"))
        seen.add(row.user_id)
    if problems:
        raise InvalidError("The assignments cannot be imported.", problems)


def _times(runtime: Runtime) -> Times:
    now = runtime.clock()
    kept = retention.current()
    accepted_since = max(kept.oldest_accepted(now), kept.whole_days_from(now))
    return Times(now, accepted_since, runtime.oldest_event(now))
