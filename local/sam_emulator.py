"""`python -m local.sam_emulator` - what the API's containers need beside them, for `sam local start-api`.

The emulator with the template's resources, the workers and schedules that `sam local` does not know, and the
file with which the containers are told the emulator's names and address (samconfig.toml: env_vars).
"""

import asyncio
import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from local import schedule
from local.code import Code, sources
from local.emulator import Emulator, EmulatorError
from local.paths import DATA, TEMPLATE
from local.pool import Pool, Setting
from local.pump import Pump
from local.resources import client
from local.stack import QUEUE_WORKERS, Resolved, resolve
from local.template import ENDPOINT, Function, Template, read_template

NAMES = DATA / "sam.json"
INSIDE = "host.docker.internal"  # what containers call this machine; samconfig.toml adds it to their hosts
GATEWAY = "{{(index .IPAM.Config 0).Gateway}}"

type Front = Callable[[str, asyncio.Event], Awaitable[int]]


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def names(resolved: Resolved, port: int) -> dict[str, dict[str, str]]:
    """Return each function's variables as SAM's --env-vars takes them."""
    address = {ENDPOINT: f"http://{INSIDE}:{port}"}
    return {function: environment | address for function, environment in resolved.environments.items()}


def run(front: Front, file: Path, code: Code) -> int:
    """Run `front` beside the emulator until it ends or a signal comes; 1 and a line where that fails.

    `front` is given the administrator's password, and an event that tells it to end; `file` is where the
    containers' variables are written, `code` what the workers run on.
    """
    with tempfile.TemporaryDirectory() as data:
        emulator = Emulator(Path(data))
        try:
            emulator.start()
            return asyncio.run(beside(emulator, Path(data), file, front, code))
        except EmulatorError as error:
            sys.stderr.write(f"error: {error}\n")
            return 1
        finally:
            emulator.stop()


async def beside(emulator: Emulator, data: Path, file: Path, front: Front, code: Code) -> int:
    """Run `front` beside the emulator, which has been started; EmulatorError when that ends first."""
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    await asyncio.to_thread(emulator.wait)
    template = read_template(TEMPLATE)
    resolved = await asyncio.to_thread(resolve, template, emulator.endpoint)
    password = await asyncio.to_thread(_administrator, resolved, emulator)
    port = urlsplit(emulator.endpoint).port or 0
    pool = Pool(QUEUE_WORKERS, data / "functions.log", emulator.environment, code)
    with _written(file, json.dumps(names(resolved, port), indent=1)):
        async with _forwarded(port):
            await pool.start()
            try:
                async with asyncio.TaskGroup() as tasks:
                    for work in _work(template, resolved, emulator, pool, stopping):
                        tasks.create_task(work)
                    tasks.create_task(_watch(emulator, stopping))
                    status = await front(password, stopping)
                    stopping.set()
            finally:
                await pool.stop()
    if not emulator.alive():
        raise EmulatorError("the emulator ended, and its data with it")
    return status


def _administrator(resolved: Resolved, emulator: Emulator) -> str:
    """Return the password of the administrator, whose secret now holds it."""
    password = os.environ.get("ADMIN_PASSWORD") or secrets.token_urlsafe(12)
    credentials = json.dumps({"username": "admin", "password": password})
    secret = client("secretsmanager", emulator.endpoint)
    secret.put_secret_value(SecretId=resolved.admin_secret, SecretString=credentials)
    return password


@contextlib.contextmanager
def _written(file: Path, text: str) -> Iterator[None]:
    """Keep the file while this runs: later, `sam local` says that it is missing instead of calling nobody."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text + "\n")
    try:
        yield
    finally:
        if file.exists() and file.read_text() == text + "\n":  # else another emulator's, started since
            file.unlink()


def _work(
    template: Template, resolved: Resolved, emulator: Emulator, pool: Pool, stopping: asyncio.Event
) -> Iterator[Any]:
    """Yield the coroutines that feed the queues' workers and the scheduled functions."""

    async def invoke(function: Function, event: dict[str, Any], request_id: str) -> Any:
        setting = Setting(resolved.environments[function.name], resolved.permissions[function.name])
        return await pool.invoke(function, setting, event, request_id)

    sqs = client("sqs", emulator.endpoint)
    for mapping in resolved.mappings:
        yield Pump(mapping, sqs, invoke, say).run(stopping)
    for function in template.functions:
        for rate in function.schedules:
            yield schedule.run(function, rate, invoke, stopping, say)


async def _watch(emulator: Emulator, stopping: asyncio.Event) -> None:
    while not stopping.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), 1)
        if not emulator.alive():
            stopping.set()


@contextlib.asynccontextmanager
async def _forwarded(port: int) -> Any:
    """Pass on what containers on Linux send to their bridge's address: the emulator is on 127.0.0.1 alone.

    That address is this machine's, and only its containers reach it. Docker Desktop has no such address here
    and needs none: its host.docker.internal leads to 127.0.0.1.
    """

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer), contextlib.suppress(OSError):
            there_reader, there_writer = await asyncio.open_connection("127.0.0.1", port)
            await asyncio.gather(_copy(reader, there_writer), _copy(there_reader, writer))

    address = await asyncio.to_thread(_bridge)
    server = None
    if address:
        with contextlib.suppress(OSError):
            server = await asyncio.start_server(serve, address, port)
    try:
        yield
    finally:
        if server is not None:
            server.close()


def _bridge() -> str:
    """Return the address of this machine on Docker's bridge; empty where there is no Docker."""
    command = ["docker", "network", "inspect", "bridge", "-f", GATEWAY]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except FileNotFoundError:
        return ""


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.closing(writer), contextlib.suppress(OSError):
        while chunk := await reader.read(65_536):
            writer.write(chunk)
            await writer.drain()


async def _wait(password: str, stopping: asyncio.Event) -> int:
    say(f"ready for `sam local start-api`: username=admin password={password}")
    await stopping.wait()
    return 0


if __name__ == "__main__":
    sys.exit(run(_wait, NAMES, sources()))
