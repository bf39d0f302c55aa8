"""Edits of an experiment: what may change in which status, and what did change."""

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
_IN_PROGRESS = "complete it first: what runs stays in the list"
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
    """Return the edited experiment.

    A field that keeps its value is never refused. ConflictError names each field that may not change in this
    status, and why; InvalidError when the result contradicts itself.

    A metric that is added after the start is declared after it even if this clock is behind: users enrolled
    since the start brought no history for it.
    """
    after = _ranged(replace(experiment, **edit), edit)
    declared_at = now if experiment.started_at is None else max(now, experiment.started_at + 1)
    after = replace(after, metrics=_declared(experiment.metrics, after.metrics, declared_at))
    refused = [error for name in _changed(experiment, after) for error in _refusals(experiment, after, name)]
    if refused:
        named = "; ".join(f"{error.pointer[1:]}: {error.detail}" for error in refused)
        raise ConflictError(
            f"The experiment is {experiment.status}, so this may not change: {named}.", refused
        )
    if after.schedule != experiment.schedule:
        require_ahead(experiment, after, now)
    return check(after)


def _ranged(experiment: Experiment, edit: Edit) -> Experiment:
    """Return the edited experiment, its traffic and its range of a layer made equally wide."""
    layer = experiment.layer
    if layer is not None and "traffic_allocation" not in edit:
        return replace(experiment, traffic_allocation=layer.end - layer.start)
    return experiment if "layer" in edit else experiment.with_traffic(experiment.traffic_allocation)


def differences(before: Experiment, after: Experiment) -> list[Change]:
    """Return the fields that differ, without the version and the time, which every change sets."""
    old, new = document(before), document(after)
    return [Change(name, old[name], new[name]) for name in _changed(before, after) if name in new]


def _changed(before: Experiment, after: Experiment) -> Iterator[str]:
    for field in fields(Experiment):
        if field.name in ("version", "updated_at"):
            continue
        if getattr(before, field.name) != getattr(after, field.name):
            yield field.name


def _declared(before: tuple[Metric, ...], after: tuple[Metric, ...], now: int) -> tuple[Metric, ...]:
    """Return the metrics with the time of their declaration: an unchanged one's own, else now."""
    times = {_measure(metric): metric.declared_at for metric in before}
    return tuple(replace(metric, declared_at=times.get(_measure(metric), now)) for metric in after)


def _measure(metric: Metric) -> Metric:
    """Return the metric without its name and the time when it was declared."""
    return replace(metric, declared_at=0, name=None)


def _refusals(before: Experiment, after: Experiment, name: str) -> list[FieldError]:
    """Return why the field may not change, if so; of metrics, for each that would be lost."""
    if name == "metrics" and before.in_progress:
        return list(_metrics_lost(before, after))
    reason = _reason(before, after, name)
    return [] if reason is None else [FieldError(f"/{name}", reason)]


def _reason(before: Experiment, after: Experiment, name: str) -> str | None:
    if name in ENDING:
        return None if before.status is Status.COMPLETED else _UNFINISHED
    if name == "archived":
        return _IN_PROGRESS if after.archived and before.in_progress else None
    if name in WORDS or (before.status is Status.DRAFT and name != "salt"):
        return None
    if before.status is Status.COMPLETED:
        return _COMPLETED
    return _reason_once_started(before, after, name)


def _reason_once_started(before: Experiment, after: Experiment, name: str) -> str | None:
    if name == "variants" and _same_but_names(before, after):
        return None
    if name == "traffic_allocation":
        least = before.traffic_allocation
        return None if after.traffic_allocation >= least else f"may only grow from {percent(least)}"
    if name == "layer":
        grown = _has_grown(before.layer, after.layer)
        return None if grown else "only its `to` may change, and only grow"
    return None if name in LIVE else _REASONS[name]


def _has_grown(before: Layer | None, after: Layer | None) -> bool:
    if before is None or after is None:
        return False
    return (before.key, before.start) == (after.key, after.start) and before.end <= after.end


def _same_but_names(before: Experiment, after: Experiment) -> bool:
    unnamed = [replace(variant, name=None) for variant in before.variants]
    return unnamed == [replace(variant, name=None) for variant in after.variants]


def _metrics_lost(before: Experiment, after: Experiment) -> Iterator[FieldError]:
    index_of = {metric.key: index for index, metric in enumerate(after.metrics)}
    for old in before.metrics:
        index = index_of.get(old.key)
        if index is None:
            yield FieldError("/metrics", f"{old.key} may not be removed: it may only be added to")
        elif _measure(after.metrics[index]) != _measure(old):
            yield FieldError(f"/metrics/{index}", f"{old.key} may not be redefined: add another metric")
