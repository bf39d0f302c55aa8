"""Importing assignments that were randomised elsewhere, under the same uniqueness as our own.

An assignment may be older than events that are recorded: these then count as if it had been known.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from experimentation import settings, telemetry
from experimentation.domain.assignment import Context
from experimentation.domain.clock import DAY_MS
from experimentation.domain.counting.enrolling import Enrolment, Placement, Times, covariate_types, place
from experimentation.domain.counting.event import Event
from experimentation.domain.counting.late import TornEventsError
from experimentation.domain.counting.ledger import Head
from experimentation.domain.counting.user import StoredUser
from experimentation.domain.counting.writes import Transaction, grouped
from experimentation.domain.errors import ConflictError, FieldError, InvalidError
from experimentation.domain.experiment import Experiment, Status
from experimentation.storage import events, shards, users
from experimentation.usecases.committing import commit
from experimentation.usecases.runtime import Runtime
from experimentation.usecases.user_heads import read_heads

MAX_TRIES = 8
MAX_EVENTS = 5_000  # of one user, to be replayed


class Row(NamedTuple):
    """One assignment to import; `assigned_at` in milliseconds."""

    user_id: str
    variant: str
    assigned_at: int
    context: Context


WRITTEN = frozenset({Placement.STORED, Placement.LATE})


class _Loaded(NamedTuple):
    """The users of some rows, the events of those who have some since, and the experiments they are in."""

    users: Mapping[str, StoredUser]
    events: Mapping[str, list[Event] | None]
    experiments: Mapping[str, Experiment]


def import_rows(
    experiment: Experiment, rows: Sequence[Row], runtime: Runtime, has_time: Callable[[], bool]
) -> list[Placement]:
    """Return what became of each row; AGAIN for what there was no time for, or what met other writers.

    InvalidError, before anything is written, for rows that can never be stored.
    """
    _check(experiment, rows, runtime.clock())
    if experiment.imported_at is None:
        # Before the first row: from then on nobody is told that he is not in it by a read that may lag.
        shards.note_import(experiment.id, runtime.clock())
    placed: dict[str, Placement] = {}
    for _ in runtime.attempts(MAX_TRIES):
        waiting = [row for row in rows if row.user_id not in placed]
        loaded = _load(experiment, waiting, runtime)
        transactions, planned = _plan(experiment, waiting, loaded, runtime)
        placed |= {name: each for name, each in planned.items() if each not in WRITTEN}
        for transaction in grouped(transactions):
            if has_time() and commit(transaction, runtime) is None:
                placed |= {each.user_id: planned[each.user_id] for each in transaction.assignments()}
        if len(placed) == len(rows) or not has_time():
            break
    telemetry.count("AssignmentsImported", sum(each in WRITTEN for each in placed.values()))
    return [placed.get(row.user_id, Placement.AGAIN) for row in rows]


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


def _load(experiment: Experiment, rows: Sequence[Row], runtime: Runtime) -> _Loaded:
    """Read the users, the ledgers that are looked into, the events to replay, and then the experiments."""
    heads = read_heads((row.user_id for row in rows), runtime)
    late = {row.user_id for row in rows if _is_late(experiment, row, heads[row.user_id])}
    types = covariate_types([experiment])
    found = users.read_users(
        users.Need(
            user_id,
            head,
            frozenset(head.spilled) if user_id in late else types,
            past=bool(head.past_until),
        )
        for user_id, head in heads.items()
    )
    # After the heads: an event that is recorded in between changes the head, and the write is refused.
    replayed = events.of_users(sorted(late), MAX_EVENTS) if late else {}
    living = dict.fromkeys(name for head in heads.values() for name in head.living())
    return _Loaded(found, replayed, runtime.experiments.read_many(living, runtime.clock()))


def _is_late(experiment: Experiment, row: Row, head: Head) -> bool:
    return row.assigned_at <= head.last and head.assignment(experiment.id) is None


def _plan(
    experiment: Experiment, waiting: Sequence[Row], loaded: _Loaded, runtime: Runtime
) -> tuple[list[Transaction], dict[str, Placement]]:
    """Return what is to be written, and what becomes of each row once it is; torn reads are left out."""
    now = runtime.clock()
    times = Times(now, now - settings.retention_days() * DAY_MS, runtime.oldest_event(now))
    transactions: list[Transaction] = []
    planned: dict[str, Placement] = {}
    for row in waiting:
        user = loaded.users[row.user_id]
        if user.is_torn() or user.head.erasing:
            continue
        wanted = Enrolment(experiment, row.variant, row.context, row.assigned_at)
        try:
            placed = place(user, wanted, loaded.experiments, loaded.events.get(row.user_id), times)
        except TornEventsError:
            continue
        planned[row.user_id] = placed.placement
        if placed.transaction is not None:
            transactions.append(placed.transaction)
    return transactions, planned
