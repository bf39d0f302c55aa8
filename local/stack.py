"""Puts the parts together: emulator, resources, worker processes, gateway, pumps, schedules."""

import asyncio
import contextlib
import json
import signal
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import uvicorn

from local import schedule
from local.access import Permission
from local.code import Code
from local.data import Data
from local.emulator import Emulator, EmulatorError
from local.gateway import Gateway, Routes
from local.password import change
from local.paths import TEMPLATE
from local.pool import Pool, Setting
from local.pump import Mapping, Pump
from local.resources import client, create
from local.template import Function, Template, read_template

REQUEST_WORKERS = 3
QUEUE_WORKERS = 2


@dataclass(frozen=True, slots=True)
class Resolved:
    """The template's expressions with the emulator's names in their place."""

    environments: dict[str, dict[str, str]]
    permissions: dict[str, list[Permission]]
    mappings: list[Mapping]
    admin_secret: str


def resolve(template: Template, endpoint: str) -> Resolved:
    """Create the resources and resolve each function's environment and event source mapping."""
    wanted: dict[str, Any] = {"admin": {"Ref": "AdminSecret"}}
    for function in template.functions:
        wanted |= {f"{function.name}/{name}": value for name, value in function.environment.items()}
        wanted |= {f"{function.name}!{i}": grant.target for i, grant in enumerate(function.policies)}
        for i, mapping in enumerate(function.mappings):
            wanted |= {
                f"{function.name}#{i}/queue": mapping.queue,
                f"{function.name}#{i}/size": str(mapping.batch_size),
                f"{function.name}#{i}/window": _text(mapping.window_seconds),
                f"{function.name}#{i}/concurrency": _text(mapping.concurrency),
            }
    values = create(template, wanted, endpoint)
    return Resolved(
        environments={
            f.name: {name: values[f"{f.name}/{name}"] for name in f.environment} for f in template.functions
        },
        permissions={
            f.name: [
                Permission(grant.action, values[f"{f.name}!{i}"], grant.keys)
                for i, grant in enumerate(f.policies)
            ]
            for f in template.functions
        },
        mappings=[
            Mapping(
                function=f,
                queue_arn=values[f"{f.name}#{i}/queue"],
                batch_size=int(values[f"{f.name}#{i}/size"]),
                window_seconds=float(values[f"{f.name}#{i}/window"]),
                concurrency=min(QUEUE_WORKERS, int(values[f"{f.name}#{i}/concurrency"])),
            )
            for f in template.functions
            for i in range(len(f.mappings))
        ],
        admin_secret=values["admin"],
    )


def _text(value: Any) -> Any:
    return value if isinstance(value, dict) else str(value)


class _Server(uvicorn.Server):
    """uvicorn without its own handling of signals: the stack stops its parts in order."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Stack:
    """The running platform."""

    def __init__(self, data: Data, listener: socket.socket, log: Callable[[str], None], code: Code) -> None:
        self._data = data
        self._listener = listener
        self._log = log
        self._template = read_template(TEMPLATE)
        self._emulator = Emulator(data.folder)
        log_file, environment = data.functions_log, self._emulator.environment
        self._requests = Pool(REQUEST_WORKERS, log_file, environment, code)
        self._batches = Pool(QUEUE_WORKERS, log_file, environment, code)
        self._resolved: Resolved | None = None

    async def run(self, password: str, ready: Callable[[], None]) -> None:
        """Serve until SIGINT or SIGTERM, then stop everything in order and write the state."""
        stopping = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, stopping.set)
        try:
            self._emulator.start()
            await asyncio.gather(self._requests.start(), self._batches.start())
            await asyncio.to_thread(self._emulator.wait)
            resolved = await asyncio.to_thread(self._create, password)
            await self._set_password(password)
            await asyncio.to_thread(self._emulator.checkpoint)
            self._data.keep_password(password)  # a kill before this leaves the former one, which still opens
            if not stopping.is_set():
                await self._serve(resolved, stopping, ready)
        finally:
            await asyncio.gather(self._requests.stop(), self._batches.stop())
            self._log("stopping: the data is being written")
            await asyncio.to_thread(self._emulator.stop)

    def _create(self, password: str) -> Resolved:
        resolved = resolve(self._template, self._emulator.endpoint)
        secrets = client("secretsmanager", self._emulator.endpoint)
        credentials = json.dumps({"username": "admin", "password": password})
        secrets.put_secret_value(SecretId=resolved.admin_secret, SecretString=credentials)
        self._resolved = resolved
        self._data.keep_environment(
            self._emulator.environment
            | {name: value for each in resolved.environments.values() for name, value in each.items()}
        )
        return resolved

    async def _set_password(self, password: str) -> None:
        former = self._data.kept_password()
        if former and former != password:
            routes = Routes(self._template.functions)
            await change(routes, self._invoke_request, former, password)

    async def _serve(self, resolved: Resolved, stopping: asyncio.Event, ready: Callable[[], None]) -> None:
        gateway = Gateway(self._template.functions, self._invoke_request, self._log)
        config = uvicorn.Config(
            gateway, lifespan="off", log_level="error", access_log=False, server_header=False
        )
        server = _Server(config, ready)
        sqs = await asyncio.to_thread(client, "sqs", self._emulator.endpoint)
        pumps = [
            Pump(mapping, sqs, self._invoke_batch, self._log)
            for mapping in resolved.mappings
            for _ in range(mapping.concurrency)
        ]
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(server.serve(sockets=[self._listener]))
            for pump in pumps:
                tasks.create_task(pump.run(stopping))
            for function in self._template.functions:
                for rate in function.schedules:
                    tasks.create_task(schedule.run(function, rate, self._invoke_batch, stopping, self._log))
            tasks.create_task(self._say_unsaved(stopping))
            while not stopping.is_set() and self._emulator.alive():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stopping.wait(), 1)
            stopping.set()
            server.should_exit = True
        if not self._emulator.alive():
            raise EmulatorError(f"the emulator ended; see {self._data.folder / 'emulator.log'}")

    async def _say_unsaved(self, stopping: asyncio.Event) -> None:
        """Say once when checkpoints begin to fail, and once when they work again."""
        said = ""
        while not stopping.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), 10)
            with contextlib.suppress(OSError):  # the emulator has ended: the loop that serves says so
                failure = await asyncio.to_thread(self._emulator.failure)
                if failure != said:
                    self._log(
                        f"the data is not being saved: {failure}" if failure else "the data is saved again"
                    )
                said = failure

    async def _invoke_request(self, function: Function, event: dict[str, Any], request_id: str) -> Any:
        return await self._invoke(self._requests, function, event, request_id)

    async def _invoke_batch(self, function: Function, event: dict[str, Any], request_id: str) -> Any:
        return await self._invoke(self._batches, function, event, request_id)

    async def _invoke(self, pool: Pool, function: Function, event: dict[str, Any], request_id: str) -> Any:
        resolved = self._resolved
        assert resolved is not None  # noqa: S101 - nothing is invoked before the resources are there
        setting = Setting(resolved.environments[function.name], resolved.permissions[function.name])
        return await pool.invoke(function, setting, event, request_id)
