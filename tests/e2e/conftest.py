"""The whole platform, started as a user starts it, in a data folder of the test run's own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from local.emulator import free_port
from local.paths import ROOT
from tests.aws_limits.functions import log_violations
from tests.deployed import DEPLOYED, build

collect_ignore = ["generated"]  # programs for a generated client, which a test runs

PASSWORD = "correct-horse-battery-staple"


@dataclass(frozen=True, slots=True)
class RunningStack:
    """A stack that said it is ready."""

    base_url: str
    password: str
    data: Path
    process: subprocess.Popen[str]

    def functions_log(self) -> str:
        """What the functions printed so far."""
        return (self.data / "functions.log").read_text()

    def token(self) -> str:
        """An access token of the administrator."""
        answer = httpx.post(
            f"{self.base_url}/auth/token", json={"username": "admin", "password": self.password}, timeout=30
        )
        return str(answer.raise_for_status().json()["access_token"])


def start_stack(data: Path, password: str = PASSWORD, **environment: str) -> RunningStack:
    """Start `python -m local` on a free port, with what is deployed, and wait for its ready line."""
    build()
    output = data / "stdout.log"
    with output.open("w") as stdout:
        process = subprocess.Popen(
            [sys.executable, "-m", "local"],
            cwd=ROOT,
            env={
                **os.environ,
                "PORT": str(free_port()),
                "DATA": str(data),
                "BUILT": str(DEPLOYED),
                "ADMIN_PASSWORD": password,
                **environment,
            },
            stdout=stdout,
            stderr=subprocess.STDOUT,
            text=True,
        )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        for line in output.read_text().splitlines():
            if line.startswith("ready "):
                return RunningStack(line.split()[1], password, data, process)
        time.sleep(0.05)
    process.kill()
    raise AssertionError("the stack did not get ready:\n" + output.read_text())


def stop_stack(stack: RunningStack) -> None:
    """Press Ctrl-C; the stack must end with 0, and no invocation was past a limit of Lambda."""
    stack.process.send_signal(signal.SIGINT)

    assert stack.process.wait(60) == 0, (stack.data / "stdout.log").read_text()
    assert log_violations((stack.data / "stdout.log").read_text().splitlines()) == []


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """A running stack with nothing in it but the administrator."""
    running = start_stack(tmp_path_factory.mktemp("stack"))
    yield running
    stop_stack(running)
