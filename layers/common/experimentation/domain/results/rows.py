"""The raw rows of an export: their columns, and one row per event or per user."""

import json
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Literal, NamedTuple
from urllib.parse import unquote

from experimentation.domain.assignment import Context
from experimentation.domain.counting.counters import before_assignment, days_of, labels
from experimentation.domain.counting.event import Event, in_units
from experimentation.domain.counting.ledger import Cells, Ownership
from experimentation.domain.experiment import Experiment, Kind

type Cell = str | int | float | bool | None
type Row = tuple[Cell, ...]
type Rows = Literal["events", "users"]
"""One row per event (and one for a user without events), or one per user."""


class Content(StrEnum):
    """What a column holds; times are milliseconds since 1970, JSON is text."""

    TEXT = "text"
    JSON = "json"
    TIME = "time"
    NUMBER = "number"
    FLAG = "flag"


class Column(NamedTuple):
    """One column; the set of an experiment's columns follows from its definition alone."""

    name: str
    content: Content


class Position(NamedTuple):
    """Where a row is: the user's partition, the user, and the event if it has one."""

    partition: int
    user_id: str
    event_id: str | None


class Enrolled(NamedTuple):
    """An assigned user; `assigned_at` in milliseconds."""

    user_id: str
    variant: str
    assigned_at: int
    context: Context
    imported: bool


_ASSIGNED = (
    Column("experiment_id", Content.TEXT),
    Column("user_id", Content.TEXT),
    Column("variant", Content.TEXT),
    Column("assigned_at", Content.TIME),
    Column("imported", Content.FLAG),
    Column("context", Content.JSON),
)
_EVENT = (
    Column("event_id", Content.TEXT),
    Column("event_type", Content.TEXT),
    Column("event_at", Content.TIME),
    Column("received_at", Content.TIME),
    Column("value", Content.NUMBER),
    Column("properties", Content.JSON),
)


def columns_of(experiment: Experiment, rows: Rows) -> tuple[Column, ...]:
    """Return the columns of such rows."""
    return event_columns(experiment) if rows == "events" else user_columns(experiment)


def event_columns(experiment: Experiment) -> tuple[Column, ...]:
    """Return the columns of one row per user and event: the user, one per segment, the event."""
    return (*_ASSIGNED, *_segments(experiment), *_EVENT)


def user_columns(experiment: Experiment) -> tuple[Column, ...]:
    """Return the columns of one row per user: per metric its total and its CUPED covariate."""
    metrics = [metric.key for metric in experiment.metrics]
    totals = [Column(f"metric_{key}", Content.NUMBER) for key in metrics]
    before = [Column(f"before_{key}", Content.NUMBER) for key in metrics]
    return (*_ASSIGNED, *_segments(experiment), *totals, *before)


def event_row(experiment: Experiment, user: Enrolled, event: Event | None) -> Row:
    """Return one event of a user; without an event its columns are empty."""
    if event is None:
        return (*_assigned(experiment, user), *[None] * len(_EVENT))
    return (
        *_assigned(experiment, user),
        event.event_id,
        event.type,
        event.at,
        event.received,
        in_units(event.value),
        event.properties,
    )


def user_row(
    experiment: Experiment, user: Enrolled, owned: Ownership | None, ledgers: Mapping[str, Cells]
) -> Row:
    """Return a user's total of every declared metric, as the results count it, and its CUPED covariate."""
    totals: list[Cell] = []
    before: list[Cell] = []
    for metric in experiment.metrics:
        cells = ledgers.get(metric.event_type, {})
        days = [] if owned is None else days_of(cells, owned).values()
        earlier = [] if owned is None else [before_assignment(experiment, owned, cells)]
        totals.append(_total(metric.kind, days))
        before.append(_total(metric.kind, earlier))
    return (*_assigned(experiment, user), *totals, *before)


def counts(experiment: Experiment, user: Enrolled, event: Event) -> bool:
    """Say whether the results count the event: at or after the assignment, and before the end."""
    return user.assigned_at <= event.at and (experiment.ended_at is None or event.at < experiment.ended_at)


def _segments(experiment: Experiment) -> list[Column]:
    return [Column(f"segment_{segment.key}", Content.TEXT) for segment in experiment.segments]


def _assigned(experiment: Experiment, user: Enrolled) -> Row:
    context = json.dumps(dict(user.context), ensure_ascii=False, separators=(",", ":"))
    values = [unquote(label.partition("=")[2]) for label in labels(experiment.segments, user.context)]
    return (experiment.id, user.user_id, user.variant, user.assigned_at, user.imported, context, *values)


def _total(kind: Kind, days: Iterable[Sequence[int]]) -> int | float:
    events, values = 0, 0
    for count, total in days:
        events, values = events + count, values + total
    if kind is Kind.VALUE:
        return in_units(values)
    return events if kind is Kind.COUNT else min(events, 1)
