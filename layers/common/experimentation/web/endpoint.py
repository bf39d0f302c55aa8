"""One decorator turns a typed function into a Lambda handler: parse, authenticate, call, serialise."""

import base64
import inspect
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import UnionType
from typing import Any, Union, get_args, get_origin

from experimentation import telemetry
from experimentation.clock import wall_clock
from experimentation.domain.errors import ExperimentationError, ForbiddenError, UnavailableError
from experimentation.web import arguments, edge
from experimentation.web.compression import LEAST_BYTES, compressed, takes_gzip
from experimentation.web.principals import RULES, Principal, authenticate, authorize, require_recent_login
from experimentation.web.problems import MEDIA_TYPE, Problem, problem_of
from experimentation.web.reply import JSON, Reply, encoded
from experimentation.web.request import Request, request_from

BODY_BYTES = 1_000_000
MALFORMED = frozenset({400, 413, 415, 422})
PRIVATE = "no-store"
VARY = "Authorization, Cookie, X-API-Key, Accept-Encoding"
GIVEN = frozenset({"body", "query", "principal", "request", "now"})
SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}

type Handler = Callable[..., object]
type RenderProblem = Callable[[Problem, Request, Exception], Reply]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A Lambda handler that knows its own contract; OpenAPI and the contract tests read it."""

    function: Handler
    rule: str
    status: int
    cache: str
    max_body: int
    form: bool
    names: tuple[str, ...]
    body_model: Any
    body_required: bool
    query_model: Any
    path_parameters: Mapping[str, Any]
    meter: str
    render_problem: RenderProblem | None
    recent: bool

    def __call__(self, event: Mapping[str, Any], _context: object = None) -> dict[str, Any]:
        """Answer one event of API Gateway (payload 2.0)."""
        started = time.perf_counter()
        now = wall_clock()
        request = request_from(event)
        principal: Principal | None = None
        fault: Exception | None = None
        cause: BaseException | None = None
        try:
            # Before authentication: a request that bypassed the edge must not cost a read.
            edge.require(request.headers)
            if self.rule != "anyone":
                principal = authenticate(request, now)
            # Before the body is parsed: validation errors would tell an unauthorised caller its shape.
            authorize(principal, self.rule)
            if self.recent:
                require_recent_login(principal, now)
            returned = self.function(**self._arguments(request, principal, now))
            answer = self._answer(returned, request)
        except Exception as error:  # noqa: BLE001 - the edge: every error becomes a problem
            fault = None if isinstance(error, ExperimentationError) else error
            cause = error.__cause__ if isinstance(error, UnavailableError) else None
            if principal is not None and isinstance(error, ForbiddenError):
                _note_refusal(principal, request, now, error)
            answer = self._problem(error, request)
        self._measure(answer["statusCode"])
        seconds = time.perf_counter() - started
        answer["headers"] |= {"X-Process-Time": f"{seconds:.6f}", "X-Request-Id": request.request_id}
        telemetry.request_line(
            route=request.route,
            status=answer["statusCode"],
            milliseconds=seconds * 1000,
            request_id=request.request_id,
            actor=principal.kind if principal else "nobody",
            fault=fault,
            cause=cause,
        )
        return answer

    def _measure(self, status: int) -> None:
        if self.meter:
            telemetry.count(self.meter)
            telemetry.count(f"{self.meter}Rejected", status in MALFORMED)

    def _arguments(self, request: Request, principal: Principal | None, now: int) -> dict[str, object]:
        if self.query_model is None and self.rule != "anyone":
            arguments.refuse_query(request)
        known = {"principal": principal, "request": request, "now": now}
        return {name: known[name] if name in known else self._parsed(name, request) for name in self.names}

    def _parsed(self, name: str, request: Request) -> object:
        if name == "body":
            return self._body(request)
        if name == "query":
            return arguments.query_of(request, self.query_model)
        value = request.path_parameters.get(name, "")
        return arguments.path_parameter(name, value, self.path_parameters[name])

    def _body(self, request: Request) -> object:
        if not self.body_required and not arguments.has_body(request):
            return None
        return arguments.body_of(request, self.body_model, self.max_body, form=self.form)

    def _answer(self, returned: object, request: Request) -> dict[str, Any]:
        reply = returned if isinstance(returned, Reply) else Reply(returned)
        status = reply.status or self.status
        cacheable = self.cache != PRIVATE and request.method in {"GET", "HEAD"} and status < 400
        caching = {"Cache-Control": self.cache if cacheable else PRIVATE}
        if cacheable and self.rule != "anyone":
            caching["Vary"] = VARY
        return _rendered(reply, status, JSON, caching, gzip=self._gzip(request))

    def _gzip(self, request: Request) -> bool:
        # An answer that holds tokens beside the caller's input must not be compressed (BREACH).
        return self.rule != "anyone" and takes_gzip(request.headers)

    def _problem(self, error: Exception, request: Request) -> dict[str, Any]:
        instance = request.path.encode(errors="replace").decode()
        problem = problem_of(error, instance, request.request_id)
        reply = Reply(problem.document(), problem.status, problem.headers)
        if self.render_problem is not None:
            rendered = self.render_problem(problem, request, error)
            reply = replace(rendered, headers={**problem.headers, **rendered.headers})
        kind = MEDIA_TYPE if self.render_problem is None else JSON
        caching = {"Cache-Control": PRIVATE}
        return _rendered(reply, reply.status or problem.status, kind, caching, gzip=self._gzip(request))


def endpoint(
    *,
    scope: str,
    status: int = 200,
    cache: str = PRIVATE,
    max_body: int = BODY_BYTES,
    form: bool = False,
    meter: str = "",
    render_problem: RenderProblem | None = None,
    recent: bool = False,
) -> Callable[[Handler], Endpoint]:
    """Declare an endpoint; the function's parameters say what it takes from the request.

    `scope` says who may call (RULES); `status` and `cache` are those of a success; `max_body` is the largest
    body in bytes; `form=True` accepts an urlencoded form too; `meter` names the metric that counts the calls
    (and, with "Rejected" added, the malformed ones); `render_problem` gives errors another shape; `recent`
    requires a password that was given within the last ten minutes.
    Documentation that does not run is in reference/operations.py.
    """
    if scope not in RULES:
        raise ValueError(f"no such scope: {scope}")

    def declare(function: Handler) -> Endpoint:
        parameters = inspect.signature(function).parameters
        body, required = _body_annotation(parameters.get("body"))
        query = parameters.get("query")
        return Endpoint(
            function=function,
            rule=scope,
            status=status,
            cache=cache,
            max_body=max_body,
            form=form,
            names=tuple(parameters),
            body_model=body,
            body_required=required,
            query_model=query.annotation if query else None,
            path_parameters={
                name: parameter.annotation for name, parameter in parameters.items() if name not in GIVEN
            },
            meter=meter,
            render_problem=render_problem,
            recent=recent,
        )

    return declare


def _note_refusal(principal: Principal, request: Request, now: int, error: ForbiddenError) -> None:
    from experimentation.web import refusals  # noqa: PLC0415 - most requests are not refused

    refusals.note(principal, request, now, error.detail)


def _body_annotation(parameter: inspect.Parameter | None) -> tuple[Any, bool]:
    """Return the body's model and whether a body is required: not where it is `Model | None`."""
    if parameter is None:
        return None, False
    if get_origin(parameter.annotation) in {Union, UnionType}:
        return next(part for part in get_args(parameter.annotation) if part is not type(None)), False
    return parameter.annotation, True


def _rendered(
    reply: Reply, status: int, kind: str, caching: Mapping[str, str], *, gzip: bool
) -> dict[str, Any]:
    headers = {**SECURITY_HEADERS, **caching, **reply.headers}
    answer = {"statusCode": status, "headers": headers, "isBase64Encoded": False}
    if reply.cookies:
        answer["cookies"] = list(reply.cookies)
    if reply.body is None:
        return answer
    headers.setdefault("Content-Type", kind)
    body = reply.body if reply.raw else encoded(reply.body)
    if gzip and isinstance(body, str) and len(body) >= LEAST_BYTES:
        body, answer["headers"] = compressed(body.encode(), headers)
    if isinstance(body, bytes):
        return answer | {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
    return answer | {"body": body}
