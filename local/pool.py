"""Up to a few worker processes, started when they are needed; each runs one invocation at a time."""

import asyncio
import json
import os
import struct
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.access import Permission
from local.code import Code
from local.paths import ROOT
from local.template import Function

KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TZ")


class InvocationError(Exception):
    """The function raised; the traceback is in its log."""


class InvocationTimeoutError(InvocationError):
    """The function ran longer than its timeout."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a function runs in: its environment's values and what it may call."""

    environment: dict[str, str]
    permissions: list[Permission]


@dataclass(slots=True)
class Worker:
    """A process and its two pipes."""

    process: asyncio.subprocess.Process

    async def ask(self, message: dict[str, Any]) -> dict[str, Any]:
        """Send one invocation and return its reply."""
        stdin, stdout = self.process.stdin, self.process.stdout
        assert stdin is not None  # noqa: S101 - both are pipes
        assert stdout is not None  # noqa: S101
        body = json.dumps(message).encode()
        stdin.write(struct.pack(">I", len(body)) + body)
        await stdin.drain()
        (length,) = struct.unpack(">I", await stdout.readexactly(4))
        reply: dict[str, Any] = json.loads(await stdout.readexactly(length))
        return reply


class Pool:
    """Worker processes behind a stack of those that are free: the one used last is the warmest."""

    def __init__(self, size: int, log: Path, environment: dict[str, str], code: Code) -> None:
        self._size = size
        self._log = log
        self._code = code
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        self._environment = kept | code.environment | environment
        self._free: asyncio.LifoQueue[Worker] = asyncio.LifoQueue()
        self._workers: set[asyncio.subprocess.Process] = set()
        self._spawning = 0

    async def start(self) -> None:
        """Start the first process; it gets ready while others do their part."""
        self._free.put_nowait(await self._spawn())

    async def _take(self) -> Worker:
        if self._free.empty() and len(self._workers) + self._spawning < self._size:
            self._spawning += 1
            try:
                return await self._spawn()
            finally:
                self._spawning -= 1
        return await self._free.get()

    async def _spawn(self) -> Worker:
        with self._log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *self._code.python,
                "-m",
                "local.worker",
                cwd=ROOT,
                env=self._environment,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                start_new_session=True,  # Ctrl-C must not cut an invocation short
            )
        self._workers.add(process)
        return Worker(process)

    async def invoke(self, function: Function, setting: Setting, event: Any, request_id: str = "") -> Any:
        """Run the function in a free worker and return its result."""
        worker = await self._take()
        message = {
            "function": function.name,
            "handler": function.handler,
            "path": [str(folder) for folder in self._code.path(function)],
            "timeout": function.timeout_seconds,
            "memory": function.memory_megabytes,
            "environment": setting.environment,
            "permissions": [[each.action, each.resource, each.keys] for each in setting.permissions],
            "event": event,
            "request_id": request_id or str(uuid.uuid4()),
        }
        try:
            reply = await asyncio.wait_for(worker.ask(message), function.timeout_seconds)
        except TimeoutError:
            worker = await self._replace(worker)
            raise InvocationTimeoutError(f"{function.name} ran for {function.timeout_seconds} s") from None
        except (OSError, asyncio.IncompleteReadError):
            worker = await self._replace(worker)
            raise InvocationError(f"{function.name}'s process ended") from None
        except asyncio.CancelledError:
            worker.process.kill()
            raise
        finally:
            self._free.put_nowait(worker)
        if "error" in reply:
            raise InvocationError(f"{function.name}: {reply['error']}")
        return reply["result"]

    async def _replace(self, worker: Worker) -> Worker:
        if worker.process.returncode is None:
            worker.process.kill()
        await worker.process.wait()
        self._workers.discard(worker.process)
        return await self._spawn()

    async def stop(self) -> None:
        """Close every worker's stdin and wait until it has ended."""
        for process in self._workers:
            if process.stdin is not None:
                process.stdin.close()
        for process in self._workers:
            try:
                await asyncio.wait_for(process.wait(), 10)
            except TimeoutError:
                process.kill()
                await process.wait()
