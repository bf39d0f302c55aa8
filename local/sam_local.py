"""`python -m local.sam_local` - the API in Lambda's own containers (`sam local`), over the embedded emulator.

For people with Docker. `sam local` serves routes alone; the queues' workers run beside it, as in `make run`.
"""

import asyncio
import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from local.code import built
from local.emulator import Emulator, EmulatorError
from local.paths import ROOT, TEMPLATE
from local.pool import Pool, Setting
from local.pump import Pump
from local.resources import client
from local.stack import QUEUE_WORKERS, Resolved, resolve
from local.template import Function, Loader, read_template

SAM = ROOT / ".venv-sam" / "bin" / "sam"
BUILT = ROOT / ".aws-sam" / "build" / "template.yaml"
INSIDE = "host.docker.internal"  # what containers call this machine
KEPT = ("Handler", "CodeUri", "Runtime", "Timeout", "MemorySize", "Architectures", "Layers")
SERVED = ("AWS::Serverless::Function", "AWS::Serverless::LayerVersion")


def served(
    document: dict[str, Any], environments: dict[str, dict[str, str]], endpoint: str
) -> dict[str, Any]:
    """Return the built template with what `sam local` serves alone, and the emulator's names in place."""
    resources: dict[str, Any] = {"HttpApi": {"Type": "AWS::Serverless::HttpApi"}}
    for name, each in document["Resources"].items():
        if each["Type"] not in SERVED:
            continue
        properties = {key: value for key, value in each["Properties"].items() if key != "LayerName"}
        if name in environments:
            routes = {key: event for key, event in properties["Events"].items() if event["Type"] == "HttpApi"}
            variables = environments[name] | {"AWS_ENDPOINT_URL": endpoint}
            properties = {key: properties[key] for key in KEPT if key in properties}
            properties |= {"Events": routes, "Environment": {"Variables": variables}}
        resources[name] = {"Type": each["Type"], "Properties": properties}
    common = {key: value for key, value in document["Globals"]["Function"].items() if key in KEPT}
    return {
        "Transform": document["Transform"],
        "Globals": {"Function": common},
        "Resources": resources,
    }


def has_docker() -> bool:
    """Say whether a Docker daemon answers."""
    docker = shutil.which("docker")
    return (
        docker is not None
        and not subprocess.run([docker, "info"], capture_output=True, check=False).returncode
    )


async def _forward(port: int) -> asyncio.Server | None:
    """Pass on what containers on Linux send to the bridge's address: the emulator is on 127.0.0.1 alone."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(_copy(reader, there_writer), _copy(there_reader, writer))

    command = ["docker", "network", "inspect", "bridge", "-f", "{{(index .IPAM.Config 0).Gateway}}"]
    found = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
    with contextlib.suppress(OSError):  # Docker Desktop needs none: its name leads to 127.0.0.1
        return await asyncio.start_server(serve, found.stdout.strip() or "127.0.0.1", port)
    return None


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while chunk := await reader.read(65_536):
            writer.write(chunk)
            await writer.drain()
    writer.close()


def _command(resolved: Resolved, port: int, emulator_port: int) -> list[str]:
    document = yaml.load(BUILT.read_text(), Loader=Loader)  # noqa: S506 - a SafeLoader
    path = BUILT.with_name("served.json")
    path.write_text(json.dumps(served(document, resolved.environments, f"http://{INSIDE}:{emulator_port}")))
    return [
        *(str(SAM), "local", "start-api", "--template", str(path), "--port", str(port)),
        *("--config-file", str(ROOT / "samconfig.toml"), "--config-env", "local"),
        *("--add-host", f"{INSIDE}:host-gateway"),
    ]


def _administrator(resolved: Resolved, emulator: Emulator) -> str:
    """Return the password of the administrator, whose secret now holds it."""
    password = os.environ.get("ADMIN_PASSWORD") or secrets.token_urlsafe(12)
    secret = client("secretsmanager", emulator.endpoint)
    credentials = json.dumps({"username": "admin", "password": password})
    secret.put_secret_value(SecretId=resolved.admin_secret, SecretString=credentials)
    return password


async def _serve(emulator: Emulator, data: Path, port: int) -> int:
    resolved = resolve(read_template(TEMPLATE), emulator.endpoint)
    password = _administrator(resolved, emulator)
    emulator_port = urlsplit(emulator.endpoint).port or 0
    forwarder = await _forward(emulator_port)
    pool = Pool(QUEUE_WORKERS, data / "functions.log", emulator.environment, built(BUILT.parent))
    await pool.start()
    environment = os.environ | emulator.environment | {"SAM_CLI_TELEMETRY": "0"}
    del environment["AWS_ENDPOINT_URL"]  # the template has it, for the containers
    command = _command(resolved, port, emulator_port)
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=environment)
    print(f"ready http://127.0.0.1:{port} username=admin password={password}", flush=True)
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    pumps = [asyncio.create_task(pump.run(stopping)) for pump in _pumps(resolved, emulator, pool)]
    ended = asyncio.create_task(process.wait())
    await asyncio.wait({ended, asyncio.create_task(stopping.wait())}, return_when=asyncio.FIRST_COMPLETED)
    stopping.set()
    await asyncio.gather(*pumps, pool.stop())
    if forwarder is not None:
        forwarder.close()
    if process.returncode is None:
        process.terminate()
    return await ended


def _pumps(resolved: Resolved, emulator: Emulator, pool: Pool) -> list[Pump]:
    async def invoke(function: Function, event: dict[str, Any], request_id: str) -> Any:
        setting = Setting(resolved.environments[function.name], resolved.permissions[function.name])
        return await pool.invoke(function, setting, event, request_id)

    sqs = client("sqs", emulator.endpoint)
    return [Pump(mapping, sqs, invoke, print) for mapping in resolved.mappings]


def main() -> int:
    """Serve until Ctrl-C; 1 with one line where that is not possible."""
    if not has_docker():
        sys.stderr.write("error: sam local needs Docker, and none answers here; `make run` needs none\n")
        return 1
    with tempfile.TemporaryDirectory() as data:
        emulator = Emulator(Path(data))
        try:
            emulator.start()
            emulator.wait()
            return asyncio.run(_serve(emulator, Path(data), int(os.environ.get("PORT") or 3000)))
        except EmulatorError as error:
            sys.stderr.write(f"error: {error}\n")
            return 1
        finally:
            emulator.stop()


if __name__ == "__main__":
    sys.exit(main())
