"""Exporting an experiment's raw rows page by page: users partition by partition, each with their events."""

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import batched
from typing import NamedTuple

from experimentation.domain.assignment import Assignment
from experimentation.domain.clock import rfc3339
from experimentation.domain.counting.ledger import ownership_in
from experimentation.domain.errors import ConflictError
from experimentation.domain.experiment import Experiment
from experimentation.domain.results.rows import (
    Enrolled,
    Position,
    Row,
    Rows,
    columns_of,
    counts,
    event_row,
    user_row,
)
from experimentation.storage import assignments, events
from experimentation.storage.assignments import PARTITIONS
from experimentation.storage.events import EventPage
from experimentation.usecases.runtime import Runtime
from experimentation.usecases.user_history import read_users

LARGEST_PAGE_BYTES = 5_000_000  # as Lambda sends it; the limit is 6 MB
PARALLEL = 8
MOST_USERS = 100  # whose heads one BatchGetItem reads
EVENTS_AT_ONCE = 500


class Page(NamedTuple):
    """Some rows in the order of the columns; `last` is where to go on after, None at the end."""

    rows: list[Row]
    last: Position | None


class Placed(NamedTuple):
    """A row and its position."""

    row: Row
    position: Position


def require_ledgers(experiment: Experiment, kept_from: int) -> None:
    """Raise ConflictError for an experiment that ended before `kept_from`.

    Its users' ledgers are merged: they no longer tell what counted for it from what came before.
    """
    if experiment.ended_at is not None and experiment.ended_at < kept_from:
        raise ConflictError(
            f"The experiment ended before {rfc3339(kept_from)}: its users' totals are no longer kept apart. "
            "Its results stay; the archive has its events."
        )


def export(
    experiment: Experiment,
    rows: Rows,
    limit: int,
    after: Position | None,
    runtime: Runtime,
    has_time: Callable[[], bool],
) -> Page:
    """Return up to `limit` rows; fewer where they would not fit one answer or the time is up."""
    chosen: list[Row] = []
    last: Position | None = None
    names = sum(len(column.name) + 8 for column in columns_of(experiment, rows))
    size = 0
    with ThreadPoolExecutor(PARALLEL) as pool:
        for row, position in _walk(experiment, rows, min(limit, MOST_USERS), after, runtime, pool):
            # As Lambda sends it: the answer's text is a string within JSON, which escapes it once more.
            size += names + len(json.dumps(json.dumps(row)))
            if len(chosen) == limit or (chosen and size > LARGEST_PAGE_BYTES):
                return Page(chosen, last)
            chosen.append(row)
            last = position
            if not has_time():
                return Page(chosen, last)
    return Page(chosen, None)


def every_row(
    experiment: Experiment, rows: Rows, after: Position | None, runtime: Runtime
) -> Iterator[Placed]:
    """Yield each row after the position."""
    with ThreadPoolExecutor(PARALLEL) as pool:
        yield from _walk(experiment, rows, MOST_USERS, after, runtime, pool)


def _walk(
    experiment: Experiment,
    rows: Rows,
    at_once: int,
    after: Position | None,
    runtime: Runtime,
    pool: ThreadPoolExecutor,
) -> Iterator[Placed]:
    """Yield every row after the position."""
    if after is not None and after.event_id is not None:
        yield from _rest_of_user(experiment, after.partition, after.user_id, after.event_id)
    for partition, found in _assigned(experiment.id, after or Position(0, "", None), at_once, pool):
        if rows == "users":
            yield from _totals(experiment, partition, found, runtime)
        else:
            yield from _events(experiment, partition, found, pool)


def _rest_of_user(experiment: Experiment, partition: int, user_id: str, after_event: str) -> Iterator[Placed]:
    assignment = assignments.read(experiment.id, user_id)
    if assignment is not None:
        page = events.page(user_id, EVENTS_AT_ONCE, after_event)
        yield from _events_of(experiment, partition, assignment, page, is_new=False)


def _events(
    experiment: Experiment, partition: int, found: Sequence[Assignment], pool: ThreadPoolExecutor
) -> Iterator[Placed]:
    """Yield the rows of some users; their first pages of events are read side by side."""
    pages = pool.map(lambda user: events.page(user.user_id, EVENTS_AT_ONCE), found)
    for assignment, page in zip(found, pages, strict=True):
        yield from _events_of(experiment, partition, assignment, page, is_new=True)


def _assigned(
    experiment_id: str, start: Position, at_once: int, pool: ThreadPoolExecutor
) -> Iterator[tuple[int, Sequence[Assignment]]]:
    """Yield the users partition by partition, some at a time; the next partitions are read side by side."""
    yield from _rest(experiment_id, start.partition, at_once, start.user_id or None)
    for group in batched(range(start.partition + 1, PARTITIONS), PARALLEL, strict=False):
        pages = pool.map(lambda partition: assignments.page(experiment_id, partition, at_once), group)
        for partition, (found, next_user) in zip(group, pages, strict=True):
            if found:
                yield partition, found
            if next_user is not None:
                yield from _rest(experiment_id, partition, at_once, next_user)


def _rest(
    experiment_id: str, partition: int, at_once: int, after: str | None
) -> Iterator[tuple[int, Sequence[Assignment]]]:
    while True:
        found, after = assignments.page(experiment_id, partition, at_once, after)
        if found:
            yield partition, found
        if after is None:
            return


def _events_of(
    experiment: Experiment, partition: int, assignment: Assignment, page: EventPage, *, is_new: bool
) -> Iterator[Placed]:
    """Yield the user's events that count; one row without an event for a user who has none of them."""
    user, has_row = _enrolled(assignment), not is_new
    while True:
        for event in page.counted:
            if counts(experiment, user, event):
                has_row = True
                position = Position(partition, user.user_id, event.event_id)
                yield Placed(event_row(experiment, user, event), position)
        if page.next_event is None:
            break
        page = events.page(user.user_id, EVENTS_AT_ONCE, page.next_event)
    if not has_row:
        yield Placed(event_row(experiment, user, None), Position(partition, user.user_id, None))


def _totals(
    experiment: Experiment, partition: int, found: Sequence[Assignment], runtime: Runtime
) -> Iterator[Placed]:
    """Yield one row per user from the ledgers, which outlive the events."""
    types = frozenset(metric.event_type for metric in experiment.metrics)
    stored = read_users((assignment.user_id for assignment in found), types, runtime)
    for assignment in found:
        user = stored[assignment.user_id]
        owned = ownership_in(user.boundaries, experiment.id)
        row = user_row(experiment, _enrolled(assignment), owned, user.ledger.all_cells)
        yield Placed(row, Position(partition, user.user_id, None))


def _enrolled(assignment: Assignment) -> Enrolled:
    return Enrolled(
        assignment.user_id,
        assignment.variant,
        assignment.assigned_at,
        assignment.context,
        assignment.imported,
    )
