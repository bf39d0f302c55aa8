"""Stands in for API Gateway's HTTP API: routes, events, answers, one line of log each."""

import json
import re
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from local.payload import (
    Answer,
    MalformedAnswerError,
    Received,
    answer,
    event,
    gateway_answer,
    request_id,
)
from local.pool import InvocationError, InvocationTimeoutError
from local.template import Function, Route

MAX_BODY_BYTES = 10 * 1024 * 1024  # API Gateway's limit
MAX_EVENT_BYTES = 6 * 1024 * 1024  # what Lambda takes at most
OWN_HOSTS = {"127.0.0.1", "localhost", "::1"}
INTEGRATION_SECONDS = 30  # how long API Gateway waits

Invoke = Callable[[Function, dict[str, Any], str], Awaitable[Any]]


class _TooLongError(Exception):
    """The request is longer than the gateway or a function takes."""


@dataclass(frozen=True, slots=True)
class _Entry:
    pattern: re.Pattern[str]
    parameters: tuple[bool, int]
    route: Route
    function: Function


class Routes:
    """The API's routes; as in API Gateway, the fewer parameters a match has, the sooner it is taken.

    A greedy one (`{proxy+}`) comes last.
    """

    def __init__(self, functions: Iterable[Function]) -> None:
        entries = [_entry(route, function) for function in functions for route in function.routes]
        self._entries = sorted((e for e in entries if e.route.path), key=lambda e: e.parameters)
        self._default = next((e for e in entries if not e.route.path), None)

    def match(self, method: str, path: str) -> tuple[Function, Route, dict[str, str]] | None:
        """The function, the route and the decoded path parameters of a request."""
        for entry in self._entries:
            if entry.route.method in {method, "ANY"} and (found := entry.pattern.fullmatch(path)):
                return entry.function, entry.route, found.groupdict()
        return (self._default.function, self._default.route, {}) if self._default else None


def _entry(route: Route, function: Function) -> _Entry:
    parts = re.split(r"\{(\w+\+?)\}", route.path)
    pattern = "".join(_parameter(part) if i % 2 else re.escape(part) for i, part in enumerate(parts))
    greedy = "+}" in route.path
    return _Entry(re.compile(pattern, re.DOTALL), (greedy, len(parts) // 2), route, function)


def _parameter(name: str) -> str:
    return f"(?P<{name[:-1]}>.+)" if name.endswith("+") else f"(?P<{name}>[^/]+)"


class Gateway:
    """The ASGI application in front of the functions."""

    def __init__(self, functions: Iterable[Function], invoke: Invoke, log: Callable[[str], None]) -> None:
        self._routes = Routes(functions)
        self._invoke = invoke
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        started = time.perf_counter()
        request = Request(scope, receive)
        identifier = request_id()
        try:
            reply, note = await self._answer(request, identifier)
        except ClientDisconnect:
            return
        response = Response(content=reply.body, status_code=reply.status)
        response.raw_headers = [
            *((name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in reply.headers),
            (b"apigw-requestid", identifier.encode()),
            *((n, v) for n, v in response.raw_headers if n == b"content-length"),
        ]
        await response(scope, receive, send)
        milliseconds = (time.perf_counter() - started) * 1000
        clock = time.strftime("%H:%M:%S")
        path = request.scope["path"].encode("unicode_escape").decode()
        self._log(f"{clock} {reply.status} {request.method:6} {path} {milliseconds:.0f} ms{note}")

    async def _answer(self, request: Request, identifier: str) -> tuple[Answer, str]:
        # Another name that leads here is a web page's, which reads with its reader's cookies (DNS rebinding).
        if "host" in request.headers and request.url.hostname not in OWN_HOSTS:
            return gateway_answer(421, "Misdirected Request"), ""
        match = self._routes.match(request.method, request.scope["path"])
        if match is None:
            return gateway_answer(404, "Not Found"), ""
        function, route, parameters = match
        try:
            received = replace(_received(request, await _body(request)), path_parameters=parameters)
            payload = _payload(received, route, identifier)
            return answer(await self._invoke(function, payload, identifier)), ""
        except _TooLongError:
            return gateway_answer(413, "Request Entity Too Large"), ""
        except InvocationTimeoutError as error:
            waited_in_vain = function.timeout_seconds >= INTEGRATION_SECONDS
            reply = (503, "Service Unavailable") if waited_in_vain else (500, "Internal Server Error")
            return gateway_answer(*reply), f" - {error}"
        except (InvocationError, MalformedAnswerError) as error:
            return gateway_answer(500, "Internal Server Error"), f" - {error}"


def _payload(received: Received, route: Route, identifier: str) -> dict[str, Any]:
    payload = event(received, route.key, identifier, time.time())
    if len(json.dumps(payload)) > MAX_EVENT_BYTES:
        raise _TooLongError
    return payload


async def _body(request: Request) -> bytes:
    chunks = bytearray()
    async for chunk in request.stream():
        if len(chunks) <= MAX_BODY_BYTES:
            chunks += chunk
    if len(chunks) > MAX_BODY_BYTES:
        raise _TooLongError
    return bytes(chunks)


def _received(request: Request, body: bytes) -> Received:
    return Received(
        method=request.method,
        path=request.scope["path"],
        query=request.scope["query_string"].decode("latin-1"),
        headers=[(n.decode("latin-1").lower(), v.decode("latin-1")) for n, v in request.headers.raw],
        body=body,
        source_ip=request.client.host if request.client else "127.0.0.1",
        protocol=f"HTTP/{request.scope['http_version']}",
        scheme=request.scope["scheme"],
        port=(request.scope.get("server") or ("", 80))[1] or 80,
    )
