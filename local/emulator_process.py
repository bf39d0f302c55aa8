"""Runs the emulator in its own environment, and ends it in order when its parent is gone."""

import asyncio
import decimal
import fcntl
import importlib
import json
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

from ministack import app as ministack

from local.checkpoints import CheckpointError, Checkpoints, read, restore

CHECKPOINT_PATH = "/_local/checkpoint"
READS = ("Get", "BatchGet", "TransactGet", "Query", "Scan", "Describe", "List", "Receive")

type Message = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[Message]]
type Send = Callable[[Message], Awaitable[None]]
type Application = Callable[[Message, Receive, Send], Awaitable[None]]


class Kept:
    """The emulator as an ASGI application whose changes are kept in checkpoints."""

    def __init__(self, application: Application, checkpoints: Checkpoints) -> None:
        self._application, self._checkpoints = application, checkpoints
        self._task: asyncio.Task[None] | None = None

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._application(scope, lambda: self._lifespan(receive), send)
        elif _from_a_page(scope):
            await _refuse(send)
        elif scope.get("path") == CHECKPOINT_PATH:
            await self._answer(scope, send)
        else:
            try:
                await self._application(scope, receive, send)
            finally:
                if not _only_reads(scope):
                    self._checkpoints.changed()

    async def _lifespan(self, receive: Receive) -> Message:
        message = await receive()
        if message["type"] == "lifespan.startup":
            self._task = asyncio.create_task(self._checkpoints.run())
        elif self._task is not None:
            self._checkpoints.stop()
            await self._task
        return message

    async def _answer(self, scope: Message, send: Send) -> None:
        """POST writes a checkpoint first; the answer is why the last one failed, if it did."""
        if scope["method"] == "POST":
            await self._checkpoints.write()
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        body = json.dumps({"failure": self._checkpoints.failure}).encode()
        await send({"type": "http.response.body", "body": body})


def _from_a_page(scope: Message) -> bool:
    """Tell whether a page sends this: ministack lets any page read what it answers, secrets included.

    Somebody who follows the console's link to a file is none: what a browser saves no page can read.
    """
    headers = dict(scope.get("headers", ()))
    is_download = (
        scope.get("method") == "GET"
        and headers.get(b"sec-fetch-mode") == b"navigate"
        and headers.get(b"sec-fetch-dest") == b"document"
        and b"Signature=" in scope.get("query_string", b"")
    )
    return b"origin" in headers or (b"sec-fetch-site" in headers and not is_download)


async def _refuse(send: Send) -> None:
    await send({"type": "http.response.start", "status": 403, "headers": []})
    await send({"type": "http.response.body", "body": b"not for web pages"})


def _only_reads(scope: Message) -> bool:
    if scope.get("method") in {"GET", "HEAD"}:
        return True
    target: bytes = dict(scope.get("headers", ())).get(b"x-amz-target", b"")
    return target.decode("latin-1").rpartition(".")[2].startswith(READS)


def _end_with_the_parent() -> None:
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def _calculate_exactly() -> None:
    """DynamoDB adds numbers of 38 digits between 1e-130 and 1e126; Python's default rounds to 28."""
    decimal.DefaultContext.prec = 300  # of the threads to come
    decimal.setcontext(decimal.Context(prec=300))


def main() -> int:
    """Wait until no other emulator has this data, then run ministack until stdin is closed."""
    folder = Path(os.environ["STATE_DIR"])
    folder.mkdir(parents=True, exist_ok=True)
    lock = folder.with_suffix(".lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    _calculate_exactly()
    checkpoints = Checkpoints(folder / "checkpoint", lock.fileno())
    try:
        states = read(folder / "checkpoint")
    except CheckpointError as error:
        sys.stderr.write(f"{error}; RESET=1 starts with empty data\n")
        return 1
    ministack._load_persisted_state = lambda: restore(states)
    ministack.save_all = lambda _: None
    ministack.app = Kept(ministack.app, checkpoints)
    if wrapper := os.environ.get("EMULATOR_WRAPPER"):
        module, _, name = wrapper.partition(":")
        ministack.app = getattr(importlib.import_module(module), name)(ministack.app)
    sys.argv = ["ministack"]
    ministack.main()
    return 1 if checkpoints.failure else 0


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    os._exit(code)  # all is on disk, and freeing 20,000 users one by one takes seconds
