"""The gateway in front of functions that the test makes up."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from local.gateway import MAX_BODY_BYTES, Gateway
from local.pool import InvocationError, InvocationTimeoutError
from local.template import Function, Route


def function(name: str, *routes: Route, timeout_seconds: int = 29) -> Function:
    return Function(
        name=name,
        handler="x.handler",
        timeout_seconds=timeout_seconds,
        memory_megabytes=128,
        environment={},
        policies=(),
        routes=routes,
        mappings=(),
        schedules=(),
    )


FUNCTIONS = (
    function("Read", Route("GET", "/experiments/{experiment_id}")),
    function("Types", Route("GET", "/experiments/types")),
    function("Update", Route("PATCH", "/experiments/{experiment_id}")),
    function("Slow", Route("GET", "/slow"), timeout_seconds=30),
    function("Default", Route("", ""), Route("OPTIONS", "/{proxy+}")),
)


def send(
    method: str, path: str, invoke: Callable[[Function, dict[str, Any]], Any] | None = None, **kwargs: Any
) -> tuple[httpx.Response, list[str]]:
    """Send one request through a gateway whose functions are `invoke`; return the answer and the log."""
    lines: list[str] = []

    async def invoked(called: Function, event: dict[str, Any], _request_id: str) -> Any:
        return invoke(called, event) if invoke else {"name": called.name, "event": event}

    async def run() -> httpx.Response:
        transport = httpx.ASGITransport(Gateway(FUNCTIONS, invoked, lines.append), client=("192.0.2.7", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost:3000") as client:
            return await client.request(method, path, **kwargs)

    return asyncio.run(run()), lines


def test_a_route_finds_its_function_with_decoded_path_parameters() -> None:
    reply, _ = send("GET", "/experiments/a%20b%C3%BC")

    assert reply.json()["name"] == "Read"
    event = reply.json()["event"]
    assert event["pathParameters"] == {"experiment_id": "a bü"}
    assert event["rawPath"] == "/experiments/a bü"
    assert event["routeKey"] == "GET /experiments/{experiment_id}"
    assert event["requestContext"]["http"]["sourceIp"] == "192.0.2.7"


def test_a_literal_route_wins_over_one_with_a_parameter() -> None:
    assert send("GET", "/experiments/types")[0].json()["name"] == "Types"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/experiments"),
        ("GET", "/experiments/"),
        ("GET", "/experiments/a/b"),
        ("GET", "/experiments/a%2Fb"),
        ("DELETE", "/experiments/a"),
        ("HEAD", "/experiments/a"),
        ("OPTIONS", "/"),
    ],
)
def test_everything_else_goes_to_the_default_route(method: str, path: str) -> None:
    called: list[str] = []

    def note(function: Function, event: dict[str, Any]) -> dict[str, Any]:
        called.extend([function.name, event["routeKey"]])
        return {"statusCode": 404}

    reply, _ = send(method, path, note)

    assert (reply.status_code, called) == (404, ["Default", "$default"])


def test_a_greedy_route_takes_the_whole_rest_of_the_path() -> None:
    event = send("OPTIONS", "/experiments/a/b")[0].json()["event"]

    assert (event["routeKey"], event["pathParameters"]) == ("OPTIONS /{proxy+}", {"proxy": "experiments/a/b"})


def test_ten_megabytes_are_the_gateways_limit_and_its_answer_has_the_gateways_shape() -> None:
    reply, _ = send("PATCH", "/experiments/a", content=b"x" * (MAX_BODY_BYTES + 1))

    assert reply.status_code == 413
    assert reply.json() == {"message": "Request Entity Too Large"}


def test_a_body_that_lambda_would_not_take_is_refused_too() -> None:
    reply, _ = send("PATCH", "/experiments/a", content=b"x" * 7_000_000)

    assert reply.status_code == 413


def test_a_function_that_fails_answers_500_in_the_gateways_shape() -> None:
    def fail(_function: Function, _event: dict[str, Any]) -> Any:
        raise InvocationError("KeyError: 'x'")

    reply, lines = send("GET", "/experiments/a", fail)

    assert (reply.status_code, reply.json()) == (500, {"message": "Internal Server Error"})
    assert "KeyError" in lines[0]


@pytest.mark.parametrize(("path", "status"), [("/slow", 503), ("/experiments/a", 500)])
def test_a_function_that_hangs_answers_as_the_gateway_does(path: str, status: int) -> None:
    def hang(_function: Function, _event: dict[str, Any]) -> Any:
        raise InvocationTimeoutError("too long")

    assert send("GET", path, hang)[0].status_code == status


def test_an_answer_nobody_can_send_is_500() -> None:
    reply, _ = send("GET", "/experiments/a", lambda *_: {"statusCode": "no"})

    assert reply.status_code == 500


def test_cookies_and_status_come_back() -> None:
    reply, _ = send("GET", "/experiments/a", lambda *_: {"statusCode": 201, "cookies": ["a=1", "b=2"]})

    assert reply.status_code == 201
    assert reply.headers.get_list("set-cookie") == ["a=1", "b=2"]


def test_one_readable_line_per_request_without_its_query() -> None:
    _, lines = send("GET", "/experiments/a%0Ab?user_id=secret")

    assert len(lines) == 1
    assert " 200 GET    /experiments/a\\nb " in lines[0]
    assert "secret" not in lines[0]


def test_a_client_that_goes_away_while_sending_is_no_fault() -> None:
    lines: list[str] = []

    async def never(*_: Any) -> Any:
        raise AssertionError

    async def gone() -> Any:
        return {"type": "http.disconnect"}

    scope = {"type": "http", "method": "GET", "path": "/experiments/a", "query_string": b"", "headers": []}

    asyncio.run(Gateway(FUNCTIONS, never, lines.append)(scope, gone, never))

    assert lines == []


@pytest.mark.parametrize("host", ["evil.example", "evil.example:3000", "127.0.0.1.evil.example", "192.0.2.1"])
def test_a_name_that_leads_here_and_is_not_ours_is_refused(host: str) -> None:
    reply, _ = send("GET", "/experiments/a", headers={"host": host})

    assert reply.status_code == 421


@pytest.mark.parametrize("host", ["127.0.0.1:3000", "localhost", "LOCALHOST:1", "[::1]:3000"])
def test_this_machines_own_names_are_answered(host: str) -> None:
    reply, _ = send("GET", "/experiments/a", headers={"host": host})

    assert reply.status_code == 200
