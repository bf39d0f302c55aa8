"""Keeps the emulator's state in one file that a forked child writes: nobody waits and nothing is torn.

Every handler of the emulator that changes data runs on the event loop without giving way, and its reaper of
expired items holds the table's lock. So a fork on the event loop under that lock never sees half a change.
"""

import asyncio
import contextlib
import copy
import gc
import json
import logging
import os
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ministack import app as ministack
from ministack.core import persistence

INTERVAL_SECONDS = 4  # and a child that takes up to as long: what is on disk is less than 10 s old
DEADLINE_SECONDS = 120  # a child that takes longer is stuck, not slow

logger = logging.getLogger("checkpoints")


class CheckpointError(Exception):
    """A checkpoint cannot be read; says why."""


class Checkpoints:
    """Writes the state of every service to `path`, one child at a time; `lock_file` stays open in it."""

    def __init__(self, path: Path, lock_file: int) -> None:
        self._path, self._lock_file = path, lock_file
        self._one_child = asyncio.Lock()
        self._writing: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()
        self._changes = self._written = 0
        self.failure = ""

    def changed(self) -> None:
        """Note a change; call it after the change, or a fork in between would miss it."""
        self._changes += 1

    async def run(self) -> None:
        """Write when something has changed, until stopped; then write the rest."""
        while not self._stopping.is_set():
            started = time.monotonic()
            if not _deploying():
                await self.write()
            with contextlib.suppress(TimeoutError):
                pause = max(0.25, started + INTERVAL_SECONDS - time.monotonic())
                await asyncio.wait_for(self._stopping.wait(), pause)
        await self.write()

    def stop(self) -> None:
        """Let `run` end."""
        self._stopping.set()

    async def write(self) -> None:
        """Return when all changes so far are on disk, or `failure` says why not."""
        writing = asyncio.create_task(self._write_next())
        self._writing.add(writing)
        writing.add_done_callback(self._writing.discard)
        await asyncio.shield(writing)  # whoever gives up waiting must not let a second child in

    async def _write_next(self) -> None:
        async with self._one_child:
            changes = self._changes
            if self._written == changes:
                return
            _, status = await asyncio.to_thread(os.waitpid, self._forked(), 0)
        code = os.waitstatus_to_exitcode(status)
        if code == 0:
            self._written, self.failure = changes, ""
            return
        self.failure = f"{self._path}: {os.strerror(code) if code > 0 else f'ended by signal {-code}'}"
        logger.error("the state was not written: %s", self.failure)

    def _forked(self) -> int:
        with contextlib.ExitStack() as locks, warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # other threads: see _write_and_exit
            for name, lock in (("dynamodb", "_lock"), ("sqs", "_queues_lock")):
                if module := sys.modules.get(f"ministack.services.{name}"):
                    locks.enter_context(getattr(module, lock))
            child = os.fork()
        if child == 0:
            self._write_and_exit()
        return child

    def _write_and_exit(self) -> None:
        """The child's whole life: it takes no lock that another thread may have held, and imports nothing."""
        code = 255
        try:
            signal.set_wakeup_fd(-1)  # the parent's event loop must not hear the child's signals
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(DEADLINE_SECONDS)
            # Whoever waits for the parent's connections to close must not wait for the child. The lock stays:
            # the next emulator starts when the last checkpoint of this one is done, even after a kill.
            os.closerange(3, self._lock_file)
            os.closerange(self._lock_file + 1, os.sysconf("SC_OPEN_MAX"))
            gc.disable()
            vars(copy)["deepcopy"] = lambda value: value  # the child's memory is a copy already
            _write(self._path)
            code = 0
        except OSError as error:
            code = error.errno or code
        except BaseException:  # noqa: BLE001 - printed; the parent's code must never run on in the child
            os.write(2, traceback.format_exc().encode())
        finally:
            os._exit(code)


def _deploying() -> bool:
    """Say whether a stack is being made: half of one could not be gone on with after a start."""
    module = sys.modules.get("ministack.services.cloudformation")
    statuses = [stack.get("StackStatus", "") for stack in module._stacks.all_values()] if module else []
    return any(s.endswith("_IN_PROGRESS") and s != "REVIEW_IN_PROGRESS" for s in statuses)


def _write(path: Path) -> None:
    following = path.with_suffix(".next")
    try:
        with following.open("w") as file:
            for line in _lines():
                file.write(line + "\n")
            file.flush()
            os.fsync(file.fileno())
        following.replace(path)
    except BaseException:
        following.unlink(missing_ok=True)  # a full disk gets its room back
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    os.fsync(folder)


def _lines() -> Iterator[str]:
    for service, state in ministack._build_persistence_save_dict().items():
        if (found := state()) is not None:
            version = persistence._state_format_version(service)
            yield json.dumps([service, version, found], default=persistence._json_default)


def read(path: Path) -> dict[str, Any]:
    """Return the state of each service as the last checkpoint has it; CheckpointError if it is unreadable."""
    states: dict[str, Any] = {}
    if not path.exists():
        if any(path.parent.glob("*.json")):
            raise CheckpointError(f"{path.parent} holds data of an earlier version")
        return states
    try:
        with path.open() as file:
            for line in file:
                service, version, state = json.loads(line, object_hook=persistence._json_object_hook)
                if version > persistence._state_format_version(service):
                    raise CheckpointError(f"{path}: {service} was written by a newer emulator")
                states[service] = state
    except ValueError as error:
        raise CheckpointError(f"{path} cannot be read: {error}") from None
    return states


def restore(states: dict[str, Any]) -> None:
    """Give each service its state."""
    for service, state in states.items():
        ministack._get_module(ministack._state_map[service]).load_persisted_state(state)
