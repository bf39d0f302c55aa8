"""Runs inside the emulator's process, in front of it: refuses what AWS refuses, and notes it.

What the emulator itself refuses as invalid is noted too, and so is an item that an update has made too large.
"""

import json
import sys
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from typing import Any
from urllib.parse import parse_qsl

from tests.aws_limits.record import note
from tests.aws_limits.requests import item_violations, violations

type Message = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[Message]]
type Send = Callable[[Message], Awaitable[None]]
type Application = Callable[[Message, Receive, Send], Awaitable[None]]

UPDATES = {"UpdateItem", "TransactWriteItems"}


def enforced(application: Application) -> Application:
    """Return the emulator with AWS's limits around it."""

    async def limited(scope: Message, receive: Receive, send: Send) -> None:
        service = _service(scope)
        if not service:
            await application(scope, receive, send)
            return
        body = await _body(receive)
        operation, request = _request(scope, body)
        past = violations(operation, request)
        if past:
            for each in past:
                note(each)
            await _refuse(past[0], service, send)
            return
        answered: list[Message] = []

        async def answer(message: Message) -> None:
            answered.append(message)

        await application(scope, _again(body, receive), answer)
        for each in _afterwards(operation, request, answered) if service == "dynamodb" else ():
            note(f"{operation}: {each}")  # before the caller hears, and its test ends
        for message in answered:
            await send(message)

    return limited


def _service(scope: Message) -> str:
    """Which of the limited services a request is for."""
    if scope["type"] != "http" or scope["method"] != "POST":
        return ""
    headers = dict(scope["headers"])
    target = headers.get(b"x-amz-target", b"")
    if target.startswith(b"DynamoDB_"):
        return "dynamodb"
    if target.startswith(b"AmazonSQS."):
        return "sqs"
    return "sns" if b"/sns/aws4_request" in headers.get(b"authorization", b"") else ""


async def _body(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return body


def _again(body: bytes, receive: Receive) -> Receive:
    given = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def once() -> Message:
        return next(given, None) or await receive()

    return once


def _request(scope: Message, body: bytes) -> tuple[str, dict[str, Any]]:
    target = dict(scope["headers"]).get(b"x-amz-target", b"").decode()
    if target:
        return target.rpartition(".")[2], json.loads(body or b"{}")
    form = dict(parse_qsl(body.decode(), keep_blank_values=True))
    entries: dict[str, dict[str, Any]] = {}
    for name, value in form.items():
        match name.split("."):
            case ["PublishBatchRequestEntries", "member", number, field]:
                entries.setdefault(number, {})[field] = value
    return form.get("Action", ""), {**form, "PublishBatchRequestEntries": list(entries.values())}


async def _refuse(reason: str, service: str, send: Send) -> None:
    code = "ValidationException" if service == "dynamodb" else "InvalidParameterValue"
    if service == "sns":
        kind, body = "text/xml", f"<ErrorResponse><Error><Code>{code}</Code></Error></ErrorResponse>"
    else:
        kind, body = "application/x-amz-json-1.0", json.dumps({"__type": code, "message": reason})
    headers = [(b"content-type", kind.encode())]
    await send({"type": "http.response.start", "status": 400, "headers": headers})
    await send({"type": "http.response.body", "body": body.encode()})


def _afterwards(operation: str, request: dict[str, Any], answered: list[Message]) -> Iterator[str]:
    """Say what the answer, or what is stored now, shows to be past a limit."""
    if answered[0]["status"] != 200:
        body = b"".join(message.get("body", b"") for message in answered)
        if b"ValidationException" in body or b'"Code": "ValidationError"' in body:
            yield body.decode()
    elif operation in UPDATES:
        actions = request.get("TransactItems", [{"Update": request}])
        for update in (action["Update"] for action in actions if "Update" in action):
            yield from item_violations(_stored(update["TableName"], update["Key"]))


def _stored(table_name: str, key: dict[str, Any]) -> dict[str, Any]:
    dynamodb = sys.modules["ministack.services.dynamodb"]
    for (_, _, name), table in dynamodb._tables.all_items():
        if name == table_name:
            return dynamodb._get_item_by_key(table, key) or {}
    return {}
