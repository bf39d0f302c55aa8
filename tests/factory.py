"""Makes the events that API Gateway (HTTP API, payload 2.0) sends, and the context that Lambda adds."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

REQUEST_ID = "JKJaXmPLvHcESHA="
HOST = "abc123.execute-api.us-east-1.amazonaws.com"


@dataclass(frozen=True, slots=True)
class Context:
    """What Lambda tells a function about its invocation."""

    function_name: str = "function"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:123456789012:function:function"
    aws_request_id: str = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"
    remaining_ms: int = 29_000

    def get_remaining_time_in_millis(self) -> int:
        """Return how much time is left."""
        return self.remaining_ms


def event(
    method: str,
    path: str,
    body: object = None,
    query: Mapping[str, object] | None = None,
    headers: Mapping[str, str] | None = None,
    path_parameters: Mapping[str, str] | None = None,
    *,
    route: str | None = None,
    cookies: Sequence[str] = (),
    form: Mapping[str, str] | None = None,
    raw_body: str | bytes | None = None,
    raw_query: str | None = None,
    source_ip: str = "203.0.113.7",
    request_id: str = REQUEST_ID,
) -> dict[str, Any]:
    """Return the event of a request.

    `body` is sent as JSON, `form` urlencoded, `raw_body` as it is (bytes: base64). `route` is the template's
    path when it has parameters; without it, the parameters' values are replaced by their names.
    """
    sent = {"host": HOST, "user-agent": "tests", "x-forwarded-proto": "https"}
    content: str | None = None
    encoded = False
    if form is not None:
        content, sent["content-type"] = urlencode(form), "application/x-www-form-urlencoded"
    elif raw_body is not None:
        encoded = isinstance(raw_body, bytes)
        content = base64.b64encode(raw_body).decode() if isinstance(raw_body, bytes) else raw_body
        sent["content-type"] = "application/json"
    elif body is not None:
        content, sent["content-type"] = json.dumps(body), "application/json"
    sent |= {name.lower(): value for name, value in (headers or {}).items()}
    query_string = raw_query if raw_query is not None else urlencode(query or {})
    made: dict[str, Any] = {
        "version": "2.0",
        "routeKey": f"{method} {route or _template(path, path_parameters or {})}",
        "rawPath": path,
        "rawQueryString": query_string,
        "headers": sent,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "abc123",
            "domainName": HOST,
            "domainPrefix": "abc123",
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": source_ip,
                "userAgent": "tests",
            },
            "requestId": request_id,
            "routeKey": f"{method} {route or _template(path, path_parameters or {})}",
            "stage": "$default",
            "time": "22/Nov/2026:07:00:00 +0000",
            "timeEpoch": 1795330800000,
        },
        "isBase64Encoded": encoded,
    }
    if cookies:
        made["cookies"] = list(cookies)
    if query:
        made["queryStringParameters"] = {name: str(value) for name, value in query.items()}
    if path_parameters:
        made["pathParameters"] = dict(path_parameters)
    if content is not None:
        made["body"] = content
    return made


def document(answer: Mapping[str, Any]) -> Any:
    """Return the JSON of a function's answer."""
    return json.loads(answer["body"])


def _template(path: str, parameters: Mapping[str, str]) -> str:
    named = {value: f"{{{name}}}" for name, value in parameters.items()}
    return "/".join(named.get(part, part) for part in path.split("/"))
