"""Gives the administrator of existing data a newly chosen password, through the platform's own endpoints."""

import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

from local.data import DataError
from local.gateway import Routes
from local.payload import Received, event, request_id
from local.template import Function

Invoke = Callable[[Function, dict[str, Any], str], Awaitable[Any]]


async def change(routes: Routes, invoke: Invoke, former: str, chosen: str) -> None:
    """Change the password from `former` to `chosen`; DataError when neither opens the door."""

    async def call(method: str, path: str, body: dict[str, str], token: str = "") -> tuple[int, Any]:
        match = routes.match(method, path)
        assert match is not None  # noqa: S101 - there is a default route
        function, route, parameters = match
        headers = [("content-type", "application/json"), ("authorization", f"Bearer {token}")]
        received = Received(
            method=method,
            path=path,
            query="",
            headers=headers if token else headers[:1],
            body=json.dumps(body).encode(),
            source_ip="127.0.0.1",
            path_parameters=parameters,
        )
        identifier = request_id()
        reply = await invoke(function, event(received, route.key, identifier, time.time()), identifier)
        return reply["statusCode"], json.loads(reply.get("body") or "null")

    async def token(password: str) -> str:
        status, answer = await call("POST", "/auth/token", {"username": "admin", "password": password})
        return str(answer["access_token"]) if status == 200 else ""

    if await token(chosen):
        return
    status, answer = 401, {"detail": "the password was changed meanwhile"}
    if opened := await token(former):
        status, answer = await call("PATCH", "/accounts/admin", {"password": chosen}, opened)
    if status != 200:
        raise DataError(
            f"ADMIN_PASSWORD cannot be set: {answer.get('detail')}; RESET=1 starts with empty data"
        )
