"""The API as a caller meets it: JSON in, a status and JSON out, times as RFC 3339."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import urlencode

from experimentation.web.endpoint import Endpoint
from experimentation.web.principals import Principal

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
OPERATOR = Principal("person", "operator", "admin", frozenset())
TRY_AGAIN = 503


class Answer(NamedTuple):
    """What came back; `body` is the parsed JSON, or the lines of one that is newline-delimited."""

    status: int
    headers: dict[str, str]
    body: Any

    @property
    def is_success(self) -> bool:
        """Tell whether the API did what it was asked to."""
        return 200 <= self.status < 300


def call(
    function: Endpoint,
    path: dict[str, str] | None = None,
    query: dict[str, object] | None = None,
    body: object = None,
) -> Answer:
    """Send one request through the gateway, signed in as the operator."""
    event = {
        "requestContext": {"http": {"method": "GET" if body is None else "POST"}, "requestId": "simulated"},
        "headers": {"content-type": "application/json"},
        "pathParameters": path or {},
        "rawQueryString": urlencode(query or {}),
        "body": None if body is None else json.dumps(body),
    }
    answer = function(event)
    text: str = answer.get("body") or ""
    headers: dict[str, str] = answer["headers"]
    if headers.get("Content-Type", "").startswith("application/x-ndjson"):
        return Answer(answer["statusCode"], headers, [json.loads(line) for line in text.split("\n") if line])
    return Answer(answer["statusCode"], headers, json.loads(text) if text else None)


def text_of(ms: int) -> str:
    """Return a time as RFC 3339."""
    return (EPOCH + timedelta(milliseconds=ms)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def ms_of(text: str) -> int:
    """Return the milliseconds since 1970 of a time that the API answered."""
    return (datetime.fromisoformat(text) - EPOCH) // timedelta(milliseconds=1)


def date_of(day: int) -> str:
    """Return a UTC day, counted from 1970, as it stands in a query."""
    return text_of(day * 86_400_000)[:10]
