"""One worker process: runs functions one at a time, as Lambda's environments do; ends when its stdin does.

Speaks length-prefixed JSON: {function, handler, path, timeout, memory, environment, permissions, event,
request_id} in, {result} or {error} out. What functions print goes to stderr, which is the functions' log.
"""

import contextlib
import importlib
import io
import json
import os
import signal
import struct
import sys
import time
import traceback
from collections.abc import Buffer, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import botocore
from botocore.exceptions import ClientError

from local.access import Permission, needed, refused
from local.paths import ROOT


@dataclass(frozen=True, slots=True)
class Context:
    """What a handler gets as its second argument."""

    aws_request_id: str
    function_name: str
    memory_limit_in_mb: int
    deadline: float
    function_version: str = "$LATEST"

    @property
    def invoked_function_arn(self) -> str:
        """The function's name in AWS's form."""
        return f"arn:aws:lambda:us-east-1:000000000000:function:{self.function_name}"

    @property
    def log_group_name(self) -> str:
        """The log group's name in AWS's form."""
        return f"/aws/lambda/{self.function_name}"

    @property
    def log_stream_name(self) -> str:
        """One stream per process."""
        return str(os.getpid())

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function is stopped."""
        return max(0, int((self.deadline - time.monotonic()) * 1000))


def _handler(name: str, code: str) -> Callable[[Any, Context], Any]:
    module_name, function_name = name.rsplit(".", 1)
    module = importlib.import_module(module_name)
    if not Path(module.__file__ or "").is_relative_to(Path(code).resolve()):
        raise ImportError(f"{module_name} is a module of Python itself, and Lambda would import that one too")
    handler: Callable[[Any, Context], Any] = getattr(module, function_name)
    return handler


class _Log(io.RawIOBase):
    """The functions' log; what a full disk has no room for is lost, and the function goes on."""

    def writable(self) -> bool:
        return True

    def write(self, line: Buffer) -> int:
        with contextlib.suppress(OSError):
            os.write(2, line)
        return memoryview(line).nbytes


def _printing() -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BufferedWriter(_Log()), "utf-8", "backslashreplace", line_buffering=True)


class _Guard:
    """Refuses the calls that the running function's policies do not allow."""

    def __init__(self) -> None:
        self.function = ""
        self.granted: list[Permission] = []

    def check(self, **call: Any) -> None:
        """Raise AccessDeniedException as AWS would; a hook of botocore's."""
        model = call["model"]
        denied = refused(needed(model.service_model.signing_name, model.name, call["params"]), self.granted)
        if denied:
            actions = ", ".join(sorted(permission.action for permission in denied))
            message = f"{self.function} is not authorized to perform: {actions}"
            traceback.print_stack()
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": message}}, model.name)


def _run(message: dict[str, Any], inherited: dict[str, str], base: list[str]) -> str:
    sys.path[:] = message["path"] + base
    os.environ.clear()
    os.environ.update(inherited | message["environment"])
    context = Context(
        aws_request_id=message["request_id"],
        function_name=message["function"],
        memory_limit_in_mb=message["memory"],
        deadline=time.monotonic() + message["timeout"],
    )
    try:
        reply = json.dumps(
            {"result": _handler(message["handler"], message["path"][0])(message["event"], context)}
        )
    except Exception as error:  # noqa: BLE001 - a function's fault is an answer, as it is in Lambda
        traceback.print_exc()
        reply = json.dumps({"error": f"{type(error).__name__}: {error}"})
    return reply


def _serve(requests: BinaryIO, replies: BinaryIO) -> None:
    inherited = dict(os.environ)
    base = [entry for entry in sys.path if entry not in {"", str(ROOT)}]
    guard = _Guard()
    botocore.register_initializer(
        lambda session: session.register(
            "before-parameter-build", guard.check
        )  # every client of every session
    )
    while len(prefix := requests.read(4)) == 4:
        message = json.loads(requests.read(*struct.unpack(">I", prefix)))
        guard.function = message["function"]
        guard.granted = [
            Permission(action, resource, tuple(keys)) for action, resource, keys in message["permissions"]
        ]
        reply = _run(message, inherited, base).encode()
        sys.stdout.flush()
        sys.stderr.flush()
        replies.write(struct.pack(">I", len(reply)) + reply)
        replies.flush()


def main() -> None:
    """Serve until stdin is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    sys.stdout, sys.stderr = _printing(), _printing()
    importlib.import_module("botocore.session")  # the slowest imports, before the first request asks for them
    importlib.import_module("pydantic")
    _serve(requests, replies)


if __name__ == "__main__":
    main()
