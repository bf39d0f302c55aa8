"""An experiment's items, META and EXPLIST: their keys, shapes and condition expressions."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, astuple
from itertools import starmap
from typing import Any

from experimentation import settings
from experimentation.domain.document import summary
from experimentation.domain.experiment import (
    Adjustment,
    Analysis,
    Conclusion,
    CountFrom,
    Direction,
    Experiment,
    GuardRule,
    Kind,
    Layer,
    Metric,
    Pause,
    Prerequisite,
    RampStep,
    Reaction,
    Role,
    Schedule,
    Segment,
    Status,
    Variant,
)
from experimentation.storage import schema
from experimentation.storage.aws.transactions import Action, Item

LIST = {"S": "EXPLIST"}
DELETED = {"PK": {"S": "EXPDELETED"}}

_NUMBERS = ("version", "created_at", "updated_at", "started_at", "ended_at", "shards", "imported_at")
_OWN = ("id", "status", *_NUMBERS)
# A draft that was deleted and created again under the same id has the same versions, but not the same time.
_UNCHANGED = "#version = :was AND #created_at = :born"
_COUNTERS = ("shards", "imported_at")  # others move these without a new version


def meta_key(experiment_id: str) -> Item:
    """Return the key of the item that decides what the experiment is."""
    return {"PK": {"S": f"EXP#{experiment_id}"}, "SK": {"S": "META"}}


def list_key(experiment: Experiment) -> Item:
    """Return the key of the item by which it is listed, in the order of creation."""
    return {"PK": LIST, "SK": {"S": f"{experiment.created_at:013d}#{experiment.id}"}}


def create(experiment: Experiment) -> Action:
    """Return the action that stores a new experiment unless the id is taken."""
    return {
        "Put": {
            "TableName": settings.data_table(),
            "Item": {**meta_key(experiment.id), **_attributes(experiment)},
            "ConditionExpression": "attribute_not_exists(PK)",
        }
    }


def update(after: Experiment, before: Experiment) -> Action:
    """Return the action that stores the next version if `before` is still the stored one."""
    attributes = {name: value for name, value in _attributes(after).items() if name not in _COUNTERS}
    return {
        "Update": {
            "TableName": settings.data_table(),
            "Key": meta_key(after.id),
            "UpdateExpression": "SET " + ", ".join(f"#{name} = :{name}" for name in attributes),
            "ConditionExpression": _UNCHANGED,
            "ExpressionAttributeNames": {f"#{name}": name for name in attributes},
            "ExpressionAttributeValues": {
                **{f":{name}": value for name, value in attributes.items()},
                **_as_read(before),
            },
        }
    }


def unchanged(experiment: Experiment) -> Action:
    """Return the check that this is still the stored version."""
    return {"ConditionCheck": _if_unchanged(experiment)}


def absent(experiment_id: str) -> Action:
    """Return the check that there still is no such experiment."""
    return {
        "ConditionCheck": {
            "TableName": settings.data_table(),
            "Key": meta_key(experiment_id),
            "ConditionExpression": "attribute_not_exists(PK)",
        }
    }


def delete(experiment: Experiment) -> Action:
    """Return the action that deletes the experiment if this is still the stored version."""
    return {"Delete": _if_unchanged(experiment)}


def listing(experiment: Experiment) -> Action:
    """Return the action that lists the experiment as it is now."""
    item: Item = {
        **list_key(experiment),
        "experiment_id": {"S": experiment.id},
        "status": {"S": experiment.status.value},
        "summary": {"S": _json(summary(experiment))},
    }
    if experiment.ship is not None:
        item["ship"] = {"S": experiment.ship}
    if experiment.schedule is not None and experiment.schedule.start_at is not None:
        item["start_at"] = {"N": str(experiment.schedule.start_at)}
    return {"Put": {"TableName": settings.data_table(), "Item": item}}


def unlisting(experiment: Experiment) -> Action:
    """Return the action that takes the experiment off the list."""
    return {"Delete": {"TableName": settings.data_table(), "Key": list_key(experiment)}}


def deleted(experiment_id: str) -> Action:
    """Return the action that notes the id of a draft that is deleted: its history stays, and is found so."""
    item = {**DELETED, "SK": {"S": experiment_id}}
    return {"Put": {"TableName": settings.data_table(), "Item": item}}


def list_query(status: Status | None, start: str | None) -> dict[str, Any]:
    """Return the query of the list, newest first, after the sort key `start`."""
    query: dict[str, Any] = {
        "TableName": settings.data_table(),
        "KeyConditionExpression": "PK = :list",
        "ExpressionAttributeValues": {":list": LIST},
        "ScanIndexForward": False,
    }
    if status is not None:
        query["FilterExpression"] = "#status = :status"
        query["ExpressionAttributeNames"] = {"#status": "status"}
        query["ExpressionAttributeValues"] = {":list": LIST, ":status": {"S": status.value}}
    if start is not None:
        query["ExclusiveStartKey"] = {"PK": LIST, "SK": {"S": start}}
    return query


def summary_of(item: Item) -> dict[str, object]:
    """Return what a list shows of the experiment."""
    shown: dict[str, object] = json.loads(item["summary"]["S"])
    return shown


def from_meta(item: Item) -> Experiment:
    """Return the experiment that a META item holds."""
    schema.require(item)
    # What an older version did not store yet has the default.
    held = json.loads(item["definition"]["S"])
    for name, part in _PARTS.items():
        stored = held.get(name)
        if stored is not None:
            held[name] = part(stored)
    numbers: dict[str, Any] = {name: int(item[name]["N"]) for name in _NUMBERS if name in item}
    return Experiment(id=item["id"]["S"], status=Status(item["status"]["S"]), **held, **numbers)


def _if_unchanged(experiment: Experiment) -> Any:
    """Return what a check and a removal of the stored version have in common."""
    return {
        "TableName": settings.data_table(),
        "Key": meta_key(experiment.id),
        "ConditionExpression": _UNCHANGED,
        "ExpressionAttributeNames": {"#version": "version", "#created_at": "created_at"},
        "ExpressionAttributeValues": _as_read(experiment),
    }


def _as_read(experiment: Experiment) -> Item:
    return {":was": {"N": str(experiment.version)}, ":born": {"N": str(experiment.created_at)}}


def _attributes(experiment: Experiment) -> dict[str, Any]:
    numbers = {name: getattr(experiment, name) for name in _NUMBERS}
    return {
        "id": {"S": experiment.id},
        "status": {"S": experiment.status.value},
        "definition": {"S": _definition(experiment)},
        **schema.MARK,
        **{name: {"N": str(number)} for name, number in numbers.items() if number is not None},
    }


def _definition(experiment: Experiment) -> str:
    held = {name: value for name, value in asdict(experiment).items() if name not in _OWN}
    held["variants"] = [astuple(variant) for variant in experiment.variants]
    held["metrics"] = [astuple(metric) for metric in experiment.metrics]
    held["segments"] = [astuple(segment) for segment in experiment.segments]
    return _json(held)


def _metric(key: str, event_type: str, kind: str, direction: str, role: str, *others: Any) -> Metric:
    return Metric(key, event_type, Kind(kind), Direction(direction), Role(role), *others)


def _schedule(start_at: int | None, end_at: int | None, ramp: list[dict[str, int]]) -> Schedule:
    return Schedule(start_at, end_at, tuple(RampStep(**step) for step in ramp))


_PARTS: Mapping[str, Callable[[Any], object]] = {
    "variants": lambda variants: tuple(starmap(Variant, variants)),
    "metrics": lambda metrics: tuple(starmap(_metric, metrics)),
    "segments": lambda segments: tuple(Segment(key, tuple(values)) for key, values in segments),
    "pauses": lambda pauses: tuple(starmap(Pause, pauses)),
    "analysis": Analysis,
    "count_from": CountFrom,
    "adjustment": Adjustment,
    "conclusion": Conclusion,
    "layer": lambda layer: Layer(**layer),
    "prerequisite": lambda base: Prerequisite(base["experiment_id"], tuple(base["variants"])),
    "schedule": lambda schedule: _schedule(**schedule),
    "guard": lambda guard: GuardRule(**{name: Reaction(reaction) for name, reaction in guard.items()}),
    "tags": tuple,
}
"""What makes each part of a definition of the JSON that is stored of it."""


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
