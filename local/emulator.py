"""Starts and stops the emulator of AWS, on 127.0.0.1 only, with its state kept in a folder."""

import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

from local.paths import EMULATOR_PYTHON, ROOT

REGION = "us-east-1"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_REGION": REGION,
    "AWS_EC2_METADATA_DISABLED": "true",
}


class EmulatorError(Exception):
    """The emulator could not be started; says why."""


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Emulator:
    """One ministack process; `endpoint` is where it answers."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        """The address of every AWS service."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def environment(self) -> dict[str, str]:
        """The variables with which boto3 reaches the emulator."""
        return {**CREDENTIALS, "AWS_ENDPOINT_URL": self.endpoint}

    @property
    def process_id(self) -> int:
        """The process's id, for tests that kill it."""
        if self._process is None:
            raise EmulatorError("the emulator is not running")
        return self._process.pid

    def start(self) -> None:
        """Start the process; it is not ready yet."""
        if not EMULATOR_PYTHON.exists():
            raise EmulatorError(
                "the emulator is not installed: run `make run` once, or `make .venv-emulator`"
            )
        self._data.mkdir(parents=True, exist_ok=True)
        with (self._data / "emulator.log").open("wb") as log:
            self._process = subprocess.Popen(
                [EMULATOR_PYTHON, "-m", "local.emulator_process"],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._settings(),
                start_new_session=True,  # Ctrl-C must not reach it: it writes its state when its stdin closes
            )

    def _settings(self) -> dict[str, str]:
        # the last two: what tests put around it, and where that writes to
        names = ("PATH", "HOME", "LANG", "EMULATOR_WRAPPER", "EMULATOR_VIOLATIONS")
        kept = {name: os.environ[name] for name in names if name in os.environ}
        return {
            **kept,
            **CREDENTIALS,  # it checks the signatures of addresses by them
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self._port),
            "IOT_MTLS_ENABLED": "0",  # it would listen on every address
            "LOG_LEVEL": "WARNING",
            "MINISTACK_REGION": REGION,
            "PERSIST_STATE": "1",
            "S3_DATA_DIR": str(self._data / "s3"),
            "S3_PERSIST": "1",
            "STATE_DIR": str(self._data / "state"),
            "TMPDIR": str(self._data),
        }

    def wait(self, seconds: float = 60) -> None:
        """Return when the emulator answers; raise EmulatorError when it does not in time."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not self.alive():
                self.stop()
                raise EmulatorError(f"the emulator ended at once: {self._last_line()}")
            try:
                with urllib.request.urlopen(f"{self.endpoint}/_ministack/health", timeout=2):  # noqa: S310
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        raise EmulatorError(
            f"the emulator did not answer in {seconds:g} s; see {self._data / 'emulator.log'}"
        )

    def alive(self) -> bool:
        """Say whether the process runs."""
        return self._process is not None and self._process.poll() is None

    def _last_line(self) -> str:
        log = self._data / "emulator.log"
        lines = log.read_text(errors="replace").splitlines()
        return lines[-1] if lines else f"see {log}"

    def checkpoint(self) -> None:
        """Return when everything that was answered so far would survive a kill."""
        if failure := self._asked("POST"):
            raise EmulatorError(f"the data is not on disk: {failure}")

    def failure(self) -> str:
        """Say why the last checkpoint failed; empty when it did not."""
        return self._asked("GET")

    def _asked(self, method: str) -> str:
        request = urllib.request.Request(f"{self.endpoint}/_local/checkpoint", method=method)  # noqa: S310
        with urllib.request.urlopen(request, timeout=120) as answer:  # noqa: S310
            return str(json.load(answer)["failure"])

    def stop(self, seconds: float = 120) -> None:
        """End the process and wait until its state is written."""
        if self._process is None or self._process.stdin is None:
            return
        was_alive = self.alive()
        self._process.stdin.close()
        try:
            code = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise EmulatorError("the emulator did not stop; the last checkpoint is kept") from None
        if was_alive and code != 0:
            raise EmulatorError(f"the emulator ended with {code}: {self._last_line()}")
