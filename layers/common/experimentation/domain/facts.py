"""Facts about an experiment that people are notified of: one per change or finding, each with a stable id."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import NamedTuple

from experimentation.domain.experiment import Experiment, Status
from experimentation.domain.percent import percent


class FactKind(StrEnum):
    """What happened."""

    STARTED = "started"
    START_FAILED = "start_failed"
    RAMP_FAILED = "ramp_failed"
    PAUSED = "paused"
    RESUMED = "resumed"
    RAMPED = "ramped"
    COMPLETED = "completed"
    SHIPPED = "shipped"
    VERDICT = "verdict"
    HARM = "harm"
    MISMATCH = "mismatch"


class Fact(NamedTuple):
    """One fact; a repeated notification has the same id. `figures` are what led to it, if any did."""

    id: str
    kind: FactKind
    at: int
    experiment_id: str
    name: str
    actor: str
    sentence: str
    figures: Mapping[str, object] = {}


class Cause(NamedTuple):
    """Who made a change, as the history names them, and the reason, unless a person made it."""

    actor: str
    action: str = "changed"
    reason: str = ""
    figures: Mapping[str, object] = {}


OURSELVES = {"guard": "the guard", "schedule": "the schedule", "erasure": "an erasure"}
"""Actors that are not people; no account can have these names."""

REFUSED = {
    FactKind.START_FAILED.value: "could not start",
    FactKind.RAMP_FAILED.value: "could not take more users",
}
"""Scheduled changes that were refused: the history's action, and its words in a notification."""

_STATUS = {
    (Status.DRAFT, Status.RUNNING): (FactKind.STARTED, "has started"),
    (Status.RUNNING, Status.PAUSED): (FactKind.PAUSED, "is paused"),
    (Status.PAUSED, Status.RUNNING): (FactKind.RESUMED, "runs again"),
    (Status.RUNNING, Status.COMPLETED): (FactKind.COMPLETED, "is completed"),
    (Status.PAUSED, Status.COMPLETED): (FactKind.COMPLETED, "is completed"),
}


def facts_of(before: Experiment, after: Experiment, at: int, cause: Cause) -> list[Fact]:
    """Return the facts of a change; none for a change that no user notices."""
    version = f"{after.created_at:x}:{after.version}"
    return [
        Fact(
            f"{after.id}:{kind}:{version}",
            kind,
            at,
            after.id,
            after.name,
            cause.actor,
            _sentence(f"{after.name} {what}, by {OURSELVES.get(cause.actor, cause.actor)}", cause.reason),
            cause.figures,
        )
        for kind, what in _changes(before, after, cause)
    ]


def _changes(before: Experiment, after: Experiment, cause: Cause) -> Iterator[tuple[FactKind, str]]:
    """Yield the kind of each fact, and what the experiment did, to follow its name."""
    if cause.action in REFUSED:
        yield FactKind(cause.action), REFUSED[cause.action]
    if before.status is not after.status:
        kind, what = _STATUS[before.status, after.status]
        share = f" with {percent(after.traffic_allocation)}% of users" if kind is FactKind.STARTED else ""
        yield kind, what + share
    if before.started_at is not None and after.traffic_allocation != before.traffic_allocation:
        old, new = percent(before.traffic_allocation), percent(after.traffic_allocation)
        yield FactKind.RAMPED, f"takes {new}% of users instead of {old}%"
    if after.ship != before.ship:
        what = "ships nothing any more" if after.ship is None else f"ships {_title(after)} to everybody"
        yield FactKind.SHIPPED, what


def _title(experiment: Experiment) -> str:
    shipped = experiment.variant(experiment.ship or experiment.control)
    return shipped.name or shipped.key


def _sentence(text: str, reason: str) -> str:
    return f"{text}: {reason}" if reason else f"{text}."
