"""Calls a function as API Gateway does, and people who log in."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from functions.auth import token
from tests.aws_limits.functions import invocation_violations
from tests.conftest import ADMIN_PASSWORD
from tests.factory import Context, document, event
from tests.functions.policies import recorded, refusals


class Answer(NamedTuple):
    """A function's answer; `json` is None without a body."""

    status: int
    json: Any
    headers: Mapping[str, str]
    cookies: list[str]


def call(handler: Any, method: str, path: str, body: object = None, **parts: Any) -> Answer:
    """Send a request to a function and return its answer; `parts` as in the event factory."""
    request = event(method, path, body, **parts)
    with recorded() as calls:
        answer = handler(request, Context())
    name = handler.function.__module__.removeprefix("functions.")
    assert refusals(f"{name}.handler", calls) == []
    assert invocation_violations(request, answer) == []
    shown = document(answer) if "body" in answer else None
    return Answer(answer["statusCode"], shown, answer["headers"], answer.get("cookies", []))


def log_in(username: str = "admin", password: str = ADMIN_PASSWORD, **parts: Any) -> Answer:
    """Log in with a JSON body."""
    return call(token.handler, "POST", "/auth/token", {"username": username, "password": password}, **parts)


def bearer_of(answer: Answer) -> dict[str, str]:
    """Return the headers of whoever logged in."""
    return {"Authorization": f"Bearer {answer.json['access_token']}"}
