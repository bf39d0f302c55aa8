"""API Gateway's payload format 2.0: a request becomes an event, a function's answer becomes a response.

Source: AWS, "Create AWS Lambda proxy integrations for HTTP APIs", and the event recorded in
awsdocs/aws-lambda-developer-guide, sample-apps/nodejs-apig/event-v2.json.
"""

import base64
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

STAGE = "$default"
ACCOUNT = "000000000000"
API = "local"
TEXT_TYPES = ("application/json", "application/javascript", "application/xml")
MAX_ANSWER_BYTES = 6 * 1024 * 1024  # what Lambda returns at most


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it came over the wire; `path` is decoded, `query` is not, header names are lower case."""

    method: str
    path: str
    query: str
    headers: list[tuple[str, str]]
    body: bytes
    source_ip: str
    protocol: str = "HTTP/1.1"
    scheme: str = "http"
    port: int = 80
    path_parameters: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the gateway sends back."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class MalformedAnswerError(ValueError):
    """A function returned what the gateway cannot send."""


def event(request: Received, route_key: str, request_id: str, now: float) -> dict[str, Any]:
    """Build the event that API Gateway sends to a function for this request, received at `now` (seconds)."""
    headers = _headers(request, now)
    host = headers.get("host", "localhost")
    result: dict[str, Any] = {
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": request.path,
        "rawQueryString": request.query,
        "headers": headers,
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": API,
            "domainName": host,
            "domainPrefix": host.split(".", maxsplit=1)[0],
            "http": {
                "method": request.method,
                "path": request.path,
                "protocol": request.protocol,
                "sourceIp": request.source_ip,
                "userAgent": headers.get("user-agent", ""),
            },
            "requestId": request_id,
            "routeKey": route_key,
            "stage": STAGE,
            "time": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now)),
            "timeEpoch": int(now * 1000),
        },
        "isBase64Encoded": _is_binary(request, headers),
    }
    optional = {
        "cookies": _cookies(request),
        "queryStringParameters": _joined(parse_qsl(request.query, keep_blank_values=True)),
        "pathParameters": request.path_parameters,
        "body": _body(request.body, encoded=result["isBase64Encoded"]),
    }
    return result | {name: value for name, value in optional.items() if value}


def request_id() -> str:
    """An id in the gateway's own form: 16 characters of base64."""
    return base64.urlsafe_b64encode(os.urandom(11)).decode()


def _headers(request: Received, now: float) -> dict[str, str]:
    headers = _joined([(name, value) for name, value in request.headers if name != "cookie"])
    forwarded = headers.get("x-forwarded-for")
    headers["x-forwarded-for"] = f"{forwarded}, {request.source_ip}" if forwarded else request.source_ip
    headers["x-forwarded-port"] = str(request.port)
    headers["x-forwarded-proto"] = request.scheme
    headers.setdefault("x-amzn-trace-id", f"Root=1-{int(now):08x}-{os.urandom(12).hex()}")
    return dict(sorted(headers.items()))


def _joined(pairs: list[tuple[str, str]]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in pairs:
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


def _cookies(request: Received) -> list[str]:
    lines = [value for name, value in request.headers if name == "cookie"]
    return [cookie for line in lines for part in line.split(";") if (cookie := part.strip())]


def _is_binary(request: Received, headers: dict[str, str]) -> bool:
    """Text types travel as they are, all else as base64, no type at all too (see the recorded event)."""
    if not request.body and "content-length" not in headers:
        return False
    if "content-encoding" in headers:
        return True
    media_type = headers.get("content-type", "").split(";")[0].strip().lower()
    is_text = (
        media_type.startswith("text/") or media_type in TEXT_TYPES or media_type.endswith(("+json", "+xml"))
    )
    return not (is_text and _is_utf8(request.body))


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _body(body: bytes, *, encoded: bool) -> str:
    return base64.b64encode(body).decode() if encoded else body.decode()


def answer(result: Any) -> Answer:
    """Turn what a function returned into a response; MalformedAnswerError: the gateway answers 500."""
    if len(json.dumps(result).encode()) > MAX_ANSWER_BYTES:
        raise MalformedAnswerError("the answer is longer than 6 MB")
    if not isinstance(result, dict) or "statusCode" not in result:
        return _implied(result)
    headers = {str(k).lower(): _header_value(v) for k, v in (result.get("headers") or {}).items()}
    headers.setdefault("content-type", "text/plain;charset=UTF-8")
    cookies = [("set-cookie", str(cookie)) for cookie in result.get("cookies") or []]
    try:
        status, body = int(result["statusCode"]), _content(result)
    except (TypeError, ValueError, AttributeError) as error:
        raise MalformedAnswerError(str(error)) from error
    if not 200 <= status <= 599:
        raise MalformedAnswerError(f"status {status}")
    return Answer(status, [*headers.items(), *cookies], body)


def _implied(result: Any) -> Answer:
    """Return the response that the gateway makes of a result without a status: 200, as JSON."""
    text = result if isinstance(result, str) else json.dumps(result)
    return Answer(200, [("content-type", "application/json")], text.encode())


def _content(result: Mapping[str, Any]) -> bytes:
    body = result.get("body") or ""
    content: bytes = base64.b64decode(body, validate=True) if result.get("isBase64Encoded") else body.encode()
    return content


def _header_value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise MalformedAnswerError("a header's value is not text")


def gateway_answer(status: int, message: str) -> Answer:
    """What the gateway itself says when no function answers."""
    return Answer(status, [("content-type", "application/json")], json.dumps({"message": message}).encode())
