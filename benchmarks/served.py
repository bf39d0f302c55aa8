"""The baseline as it is served: CPU of a uvicorn process, HTTP included (API Gateway does ours)."""

import http.client
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from benchmarks.baseline.service import Service
from local.emulator import free_port
from local.paths import ROOT

REQUESTS = 100

type Ask = Callable[[str], None]


@contextmanager
def served() -> Iterator[Callable[[], float]]:
    """Yield what measures the milliseconds of CPU that one repeat assignment takes of the server."""
    with TemporaryDirectory(prefix="bench-") as folder:
        file = Path(folder) / "baseline.db"
        service = Service(file, "bench")
        token = service.token
        service.close()
        port = free_port()
        command = [sys.executable, "-m", "benchmarks.baseline.server", str(file), str(port)]
        process = subprocess.Popen(command, cwd=ROOT)
        try:
            ask = _asking(port, token)
            server = psutil.Process(process.pid)
            yield lambda: _cost(server, ask)
        finally:
            process.terminate()
            process.wait(30)


def _cost(server: psutil.Process, ask: Ask) -> float:
    before = server.cpu_times()
    for _ in range(REQUESTS):
        ask("known")
    after = server.cpu_times()
    return (after.user + after.system - before.user - before.system) / REQUESTS * 1000


def _asking(port: int, token: str) -> Ask:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def ask(user_id: str) -> None:
        body = json.dumps({"user_id": user_id, "context": {"country": "DE"}})
        connection.request("POST", "/experiments/bench/assignments", body, headers)
        answer = connection.getresponse()
        content = answer.read()
        assert answer.status in {200, 201}, content

    deadline = time.monotonic() + 30
    while True:
        try:
            ask("known")
        except OSError:
            if time.monotonic() > deadline:
                raise
            connection.close()
            time.sleep(0.1)
        else:
            return ask
