"""The template as read, and its resources by type."""

from typing import Any

import yaml

from local.paths import TEMPLATE
from local.template import Function, Loader, read_template

DOCUMENT: dict[str, Any] = yaml.load(TEMPLATE.read_text(), Loader=Loader)
RESOURCES: dict[str, Any] = DOCUMENT["Resources"]
FUNCTIONS = read_template(TEMPLATE).functions


def of_type(kind: str) -> dict[str, dict[str, Any]]:
    """Return the properties of every resource of a type."""
    return {
        name: each.get("Properties", {}) for name, each in RESOURCES.items() if each["Type"] == f"AWS::{kind}"
    }


QUEUES = of_type("SQS::Queue")
SOURCES = {name: queue for name, queue in QUEUES.items() if "RedrivePolicy" in queue}
DEAD_LETTERS = {name: queue for name, queue in QUEUES.items() if "RedrivePolicy" not in queue}


def queue_event(source: str) -> tuple[Function, dict[str, Any]]:
    """Return the function that a queue feeds, and the event source mapping."""
    for mapping in of_type("Lambda::EventSourceMapping").values():
        if mapping["EventSourceArn"] == {"Fn::GetAtt": [source, "Arn"]}:
            return next(each for each in FUNCTIONS if {"Ref": each.name} == mapping["FunctionName"]), mapping
    raise AssertionError(f"nothing reads {source}")
