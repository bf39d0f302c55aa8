"""Calls the endpoints of experiments as the gateway does."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from tests.experiments import definition
from tests.factory import event

type Answer = dict[str, Any]

ROUTES = {
    "create": ("POST", "/experiments"),
    "list": ("GET", "/experiments"),
    "read": ("GET", "/experiments/{experiment_id}"),
    "update": ("PATCH", "/experiments/{experiment_id}"),
    "delete": ("DELETE", "/experiments/{experiment_id}"),
    "change_status": ("POST", "/experiments/{experiment_id}/status"),
    "history": ("GET", "/experiments/{experiment_id}/history"),
}


def call(
    operation: str,
    headers: Mapping[str, str],
    body: object = None,
    experiment_id: str = "checkout-button",
    query: Mapping[str, object] | None = None,
    **more: str,
) -> Answer:
    """Call `functions/experiments/<operation>.py`; `more` are headers, with _ for -."""
    method, route = ROUTES[operation]
    parameters = {"experiment_id": experiment_id} if "{" in route else None
    sent = event(
        method,
        route.format(experiment_id=experiment_id),
        body,
        query,
        {**headers, **{name.replace("_", "-"): value for name, value in more.items()}},
        parameters,
        route=route,
    )
    answer: Answer = import_module(f"functions.experiments.{operation}").handler(sent)
    return answer


def tag(answer: Answer, version: int) -> str:
    """Return the entity tag of another version of the experiment that was answered."""
    return f'"{version}-{answer["headers"]["ETag"].partition("-")[2]}'


def created(headers: Mapping[str, str], status: str = "draft", **changes: Any) -> Answer:
    """Create the checkout button with these changes and take it to the status."""
    answer = call("create", headers, definition(**changes))
    steps = {"running": ["running"], "paused": ["running", "paused"], "completed": ["running", "completed"]}
    for step in steps.get(status, []):
        answer = call("change_status", headers, {"status": step}, changes.get("id", "checkout-button"))
    return answer
