"""`python -m local.sam_local` - the API in Lambda's own containers, and the emulator beside them."""

import asyncio
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from asyncio.subprocess import Process
from pathlib import Path

from local.code import built
from local.emulator import CREDENTIALS
from local.paths import ROOT
from local.sam_emulator import Front, run, say
from local.template import ENDPOINT

BUILT = ROOT / ".aws-sam" / "build"
SAM = ROOT / ".venv-sam" / "bin" / "sam"
SETTLED_SECONDS = 1  # a sam that could not have the port has ended by then
CLEAN_UP_SECONDS = 120  # some dozens of containers take a few seconds


def has_docker() -> bool:
    """Say whether a Docker daemon answers."""
    docker = shutil.which("docker")
    return (
        docker is not None
        and not subprocess.run([docker, "info"], capture_output=True, check=False).returncode
    )


def is_free(port: int) -> bool:
    """Say whether nobody listens on the port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def serving(command: list[str], port: int) -> Front:
    """Return what runs the command, which serves on the port, until it ends or is told to."""

    async def serve(password: str, stopping: asyncio.Event) -> int:
        environment = os.environ | CREDENTIALS | {"SAM_CLI_TELEMETRY": "0"}
        environment.pop(ENDPOINT, None)
        # In a session of its own: the terminal's Ctrl-C would reach sam too, and our SIGTERM would then
        # interrupt it while it takes its containers away.
        process = await asyncio.create_subprocess_exec(
            *command, cwd=ROOT, env=environment, start_new_session=True
        )
        ended = asyncio.create_task(process.wait())
        stopped = asyncio.create_task(stopping.wait())
        announced = asyncio.create_task(_announce(port, password))
        await asyncio.wait({ended, stopped}, return_when=asyncio.FIRST_COMPLETED)
        announced.cancel()
        stopped.cancel()
        if process.returncode is not None:
            return process.returncode or 1  # nobody told it to end
        await _end(process)
        return 0

    return serve


async def _announce(port: int, password: str) -> None:
    """Say that it serves once the port answers, which is after sam's list of routes."""
    while True:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            break
        await asyncio.sleep(0.1)
    await asyncio.sleep(SETTLED_SECONDS)
    say(f"ready http://127.0.0.1:{port} username=admin password={password}")


async def _end(process: Process) -> None:
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), CLEAN_UP_SECONDS)
    except TimeoutError:
        process.kill()
        sys.stderr.write("error: sam did not end; `docker ps` shows containers that it left\n")


def main() -> int:
    """Serve until Ctrl-C; 1 with one line where that is not possible."""
    if not has_docker():
        sys.stderr.write("error: sam local needs Docker, and none answers here; `make run` needs none\n")
        return 1
    port = int(os.environ.get("PORT") or 3000)
    if not is_free(port):
        sys.stderr.write(f"error: 127.0.0.1:{port} is in use; PORT=... takes another\n")
        return 1
    with tempfile.TemporaryDirectory() as folder:  # beside the emulator of `make emulator`, not in its place
        file = Path(folder) / "sam.json"
        command = [str(SAM), "local", "start-api", "--port", str(port), "--env-vars", str(file)]
        return run(serving(command, port), file, built(BUILT))


if __name__ == "__main__":
    sys.exit(main())
