"""The smoke test says yes to a stack that works, and no to one that does not."""

import os
import subprocess
import sys

import httpx
import pytest

from local.emulator import free_port
from local.paths import ROOT
from tests.e2e.conftest import RunningStack

pytestmark = pytest.mark.e2e


def smoke(base_url: str, password: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tools.smoke", base_url],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PASSWORD": password},
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )


def test_working_stack_passes_and_is_left_tidy(stack: RunningStack) -> None:
    for _ in range(2):
        done = smoke(stack.base_url, stack.password)

        assert done.returncode == 0, done.stdout + done.stderr
        assert "counts each once" in done.stdout
        assert "cleans up" in done.stdout
    headers = {"Authorization": f"Bearer {stack.token()}"}
    listed = httpx.get(f"{stack.base_url}/experiments", headers=headers, timeout=60).json()["experiments"]
    left = [(each["id"], each["status"]) for each in listed if each["id"].startswith("smoke")]
    assert left == [("smoke", "paused")]


def test_wrong_password_is_a_no(stack: RunningStack) -> None:
    done = smoke(stack.base_url, "not the password")

    assert done.returncode == 1
    assert "POST /auth/token answered 401" in done.stderr
    assert "not the password" not in done.stdout + done.stderr


def test_nobody_there_is_a_no() -> None:
    done = smoke(f"http://127.0.0.1:{free_port()}", "x")

    assert done.returncode == 1
    assert done.stderr.startswith("FAIL  GET /health")
