"""An experiment as the API's JSON document: percent, RFC 3339 times, configs as values."""

import json
from decimal import Decimal

from experimentation.domain.clock import rfc3339, rfc3339_or_none
from experimentation.domain.experiment import Experiment, Layer, Metric, Prerequisite, Schedule, Variant
from experimentation.domain.percent import percent

_SUMMARY = (
    "id",
    "name",
    "control",
    "traffic_allocation",
    "status",
    "version",
    "created_at",
    "created_by",
    "updated_at",
    "started_at",
    "ended_at",
    "ship",
    "conclusion",
    "tags",
    "owner",
    "archived",
)


def document(experiment: Experiment) -> dict[str, object]:
    """Return the experiment as the API shows it (design, section 2.1)."""
    return {
        "id": experiment.id,
        "name": experiment.name,
        "description": experiment.description,
        "hypothesis": experiment.hypothesis,
        "tags": list(experiment.tags),
        "owner": experiment.owner,
        "archived": experiment.archived,
        "variants": [_variant(variant) for variant in experiment.variants],
        "control": experiment.control,
        "traffic_allocation": percent(experiment.traffic_allocation),
        "layer": layer_range(experiment.layer),
        "prerequisite": _prerequisite(experiment.prerequisite),
        "salt": experiment.salt,
        "audience": experiment.audience,
        "metrics": [_metric(metric) for metric in experiment.metrics],
        "segments": [{"key": segment.key, "values": list(segment.values)} for segment in experiment.segments],
        "analysis": experiment.analysis.value,
        "planned_users": experiment.planned_users,
        "min_users": experiment.min_users,
        "min_days": experiment.min_days,
        "minimum_effect": _number(experiment.minimum_effect),
        "adjustment": experiment.adjustment.value,
        "cuped_days": experiment.cuped_days,
        "count_from": experiment.count_from.value,
        "overrides": dict(experiment.overrides),
        "status": experiment.status.value,
        "version": experiment.version,
        "created_at": rfc3339(experiment.created_at),
        "created_by": experiment.created_by,
        "updated_at": rfc3339(experiment.updated_at),
        "started_at": rfc3339_or_none(experiment.started_at),
        "ended_at": rfc3339_or_none(experiment.ended_at),
        **ending(experiment),
        "schedule": None if experiment.schedule is None else _schedule(experiment.schedule),
        "guard": {"harm": experiment.guard.harm.value, "mismatch": experiment.guard.mismatch.value},
    }


def ending(experiment: Experiment) -> dict[str, object]:
    """Return what was concluded and shipped."""
    conclusion = None if experiment.conclusion is None else experiment.conclusion.value
    return {"ship": experiment.ship, "conclusion": conclusion, "note": experiment.note}


def summary(experiment: Experiment) -> dict[str, object]:
    """Return an experiment's entry in a list: without descriptions, configs and metrics."""
    shown = document(experiment)
    shares = [
        {"key": variant.key, "name": variant.name, "weight": percent(variant.weight)}
        for variant in experiment.variants
    ]
    return {name: shown[name] for name in _SUMMARY} | {"variants": shares}


def layer_range(layer: Layer | None) -> dict[str, object] | None:
    """Return the range in percent."""
    if layer is None:
        return None
    return {"key": layer.key, "from": percent(layer.start), "to": percent(layer.end)}


def _prerequisite(prerequisite: Prerequisite | None) -> dict[str, object] | None:
    if prerequisite is None:
        return None
    return {"experiment_id": prerequisite.experiment_id, "variants": list(prerequisite.variants)}


def _variant(variant: Variant) -> dict[str, object]:
    config = None if variant.config is None else json.loads(variant.config)
    return {"key": variant.key, "name": variant.name, "weight": percent(variant.weight), "config": config}


def _metric(metric: Metric) -> dict[str, object]:
    return {
        "key": metric.key,
        "name": metric.name,
        "event_type": metric.event_type,
        "kind": metric.kind.value,
        "direction": metric.direction.value,
        "role": metric.role.value,
        "margin": _number(metric.margin),
        "declared_at": rfc3339(metric.declared_at),
    }


def _schedule(schedule: Schedule) -> dict[str, object]:
    return {
        "start_at": rfc3339_or_none(schedule.start_at),
        "end_at": rfc3339_or_none(schedule.end_at),
        "ramp": [{"at": rfc3339(step.at), "percent": percent(step.traffic)} for step in schedule.ramp],
    }


def _number(text: str | None) -> int | float | None:
    if text is None:
        return None
    number = Decimal(text)
    return int(number) if number == int(number) else float(number)
