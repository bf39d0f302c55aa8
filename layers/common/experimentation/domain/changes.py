"""What may change in which status, and what a change changed."""

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import NamedTuple, TypedDict

from experimentation.domain.consistency import check
from experimentation.domain.document import document
from experimentation.domain.errors import ConflictError, FieldError
from experimentation.domain.experiment import (
    Adjustment,
    Analysis,
    Conclusion,
    CountFrom,
    Experiment,
    GuardRule,
    Layer,
    Metric,
    Prerequisite,
    Schedule,
    Segment,
    Status,
    Variant,
)
from experimentation.domain.percent import percent
from experimentation.domain.schedule import require_ahead

WORDS = frozenset({"name", "description", "hypothesis", "tags", "owner"})
ENDING = frozenset({"ship", "conclusion", "note"})
LIVE = frozenset({"metrics", "traffic_allocation", "audience", "overrides", "schedule", "guard"})

_PLAN = "the plan is fixed when the experiment starts, or a look at the results could change the verdict"
_REASONS = {
    "variants": "users would see another variant, or the same variant would change under them",
    "control": "every comparison so far was made with it",
    "salt": "it never changes: every user would be drawn anew",
    "prerequisite": "another part of the users would take part under the same name",
    "segments": "users are labelled when they are assigned",
    "analysis": _PLAN,
    "planned_users": _PLAN,
    "min_users": _PLAN,
    "min_days": _PLAN,
    "minimum_effect": _PLAN,
    "adjustment": _PLAN,
    "cuped_days": _PLAN,
    "count_from": "users enrolled in one way and in the other cannot be compared",
}
_COMPLETED = "the experiment is completed: only its words, what is shipped and the conclusion may change"
_UNFINISHED = "belongs to the end: it is set with the status completed, or after it"


class Edit(TypedDict, total=False):
    """The new values of the fields that somebody wants to change; `declared_at` of metrics is ignored."""

    name: str
    description: str
    hypothesis: str
    variants: tuple[Variant, ...]
    control: str
    salt: str
    traffic_allocation: int
    layer: Layer | None
    prerequisite: Prerequisite | None
    audience: dict[str, object] | None
    metrics: tuple[Metric, ...]
    segments: tuple[Segment, ...]
    analysis: Analysis
    planned_users: int | None
    min_users: int
    min_days: int
    minimum_effect: str | None
    adjustment: Adjustment
    cuped_days: int
    count_from: CountFrom
    overrides: dict[str, str]
    tags: tuple[str, ...]
    owner: str
    archived: bool
    ship: str | None
    conclusion: Conclusion | None
    note: str
    schedule: Schedule | None
    guard: GuardRule


class Change(NamedTuple):
    """One field's values before and after, as the API shows them."""

    field: str
    before: object
    after: object


def edited(experiment: Experiment, edit: Edit, now: int) -> Experiment:
    """Return the experiment with the edit made.

    A metric that is added after the start is declared after it, whatever the clock of the request said: users
    enrolled since the start brought no history of it.

    A field that keeps its value is never refused. ConflictError names each field that may not change in this
    status, and why; InvalidError when the result contradicts itself.
    """
    wanted = _ranged(replace(experiment, **edit), edit)
    declared_at = now if experiment.started_at is None else max(now, experiment.started_at + 1)
    wanted = replace(wanted, metrics=_declared(experiment.metrics, wanted.metrics, declared_at))
    refused = [
        error for name in _changed(experiment, wanted) for error in _refusals(experiment, wanted, name)
    ]
    if refused:
        named = "; ".join(f"{error.pointer[1:]}: {error.detail}" for error in refused)
        raise ConflictError(
            f"The experiment is {experiment.status}, so this may not change: {named}.", refused
        )
    if wanted.schedule != experiment.schedule:
        require_ahead(experiment, wanted, now)
    return check(wanted)


def _ranged(wanted: Experiment, edit: Edit) -> Experiment:
    """Return the experiment with its range in its layer as wide as its traffic, where one of them changes."""
    if wanted.layer is not None and "traffic_allocation" not in edit:
        return replace(wanted, traffic_allocation=wanted.layer.end - wanted.layer.start)
    return wanted if "layer" in edit else wanted.with_traffic(wanted.traffic_allocation)


def differences(before: Experiment, after: Experiment) -> list[Change]:
    """Return what differs between two states, without the version and the time that every change moves."""
    old, new = document(before), document(after)
    return [Change(name, old[name], new[name]) for name in _changed(before, after) if name in new]


def _changed(before: Experiment, after: Experiment) -> Iterator[str]:
    for field in fields(Experiment):
        if field.name in ("version", "updated_at"):
            continue
        if getattr(before, field.name) != getattr(after, field.name):
            yield field.name


def _declared(before: tuple[Metric, ...], after: tuple[Metric, ...], now: int) -> tuple[Metric, ...]:
    """Keep the time at which each unchanged metric was declared; any other is declared now."""
    times = {_measure(metric): metric.declared_at for metric in before}
    return tuple(replace(metric, declared_at=times.get(_measure(metric), now)) for metric in after)


def _measure(metric: Metric) -> Metric:
    """Return what is measured, without when it was declared and what people call it."""
    return replace(metric, declared_at=0, name=None)


def _refusals(before: Experiment, after: Experiment, name: str) -> Iterator[FieldError]:
    if name in ENDING:
        if before.status is not Status.COMPLETED:
            yield FieldError(f"/{name}", _UNFINISHED)
        return
    if name == "archived":
        if after.archived and before.status in {Status.RUNNING, Status.PAUSED}:
            yield FieldError(f"/{name}", "complete it first: what runs stays in the list")
        return
    if name in WORDS or (before.status is Status.DRAFT and name != "salt"):
        return
    if before.status is Status.COMPLETED:
        yield FieldError(f"/{name}", _COMPLETED)
    else:
        yield from _refusals_once_started(before, after, name)


def _refusals_once_started(before: Experiment, after: Experiment, name: str) -> Iterator[FieldError]:
    if name == "metrics":
        yield from _metrics_lost(before, after)
    elif name == "variants" and _same_but_names(before, after):
        return
    elif name == "traffic_allocation":
        if after.traffic_allocation < before.traffic_allocation:
            yield FieldError(f"/{name}", f"may only grow from {percent(before.traffic_allocation)}")
    elif name == "layer":
        if not _has_grown(before.layer, after.layer):
            yield FieldError(f"/{name}", "only its `to` may change, and only grow")
    elif name not in LIVE:
        yield FieldError(f"/{name}", _REASONS[name])


def _has_grown(before: Layer | None, after: Layer | None) -> bool:
    if before is None or after is None:
        return False
    return (before.key, before.start) == (after.key, after.start) and before.end <= after.end


def _same_but_names(before: Experiment, after: Experiment) -> bool:
    old, new = ([replace(variant, name=None) for variant in each.variants] for each in (before, after))
    return old == new


def _metrics_lost(before: Experiment, after: Experiment) -> Iterator[FieldError]:
    new = {metric.key: (index, metric) for index, metric in enumerate(after.metrics)}
    for old in before.metrics:
        index, metric = new.get(old.key, (None, None))
        if index is None:
            yield FieldError("/metrics", f"{old.key} may not be removed: it may only be added to")
        elif metric is not None and _measure(metric) != _measure(old):
            yield FieldError(f"/metrics/{index}", f"{old.key} may not be redefined: add another metric")
