"""Starting, stopping and killing the local stack."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import psutil
import pytest

from local.paths import ROOT
from tests.e2e.conftest import PASSWORD, RunningStack, start_stack, stop_stack

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("stack")]


def run(data: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the stack where it should refuse to."""
    return subprocess.run(
        [sys.executable, "-m", "local"],
        cwd=ROOT,
        env={**os.environ, "DATA": str(data), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def family(stack: RunningStack) -> list[psutil.Process]:
    """The stack's process and all that it started."""
    parent = psutil.Process(stack.process.pid)
    return [*parent.children(recursive=True), parent]


def create_kept(stack: RunningStack) -> None:
    """Create the draft experiment `kept`."""
    variants = [{"key": "control", "weight": 50}, {"key": "treatment", "weight": 50}]
    httpx.post(
        f"{stack.base_url}/experiments",
        json={"id": "kept", "name": "kept", "variants": variants},
        headers={"Authorization": f"Bearer {stack.token()}"},
        timeout=30,
    ).raise_for_status()


def status_of_kept(stack: RunningStack) -> int:
    """Return the status code of reading the experiment `kept`."""
    headers = {"Authorization": f"Bearer {stack.token()}"}
    return httpx.get(f"{stack.base_url}/experiments/kept", headers=headers, timeout=30).status_code


def test_the_ready_line_comes_once_and_says_all(stack: RunningStack) -> None:
    lines = (stack.data / "stdout.log").read_text().splitlines()

    assert [line for line in lines if line.startswith("ready ")] == [
        f"ready {stack.base_url} username=admin password={PASSWORD}"
    ]


def test_health_answers_with_the_headers_of_every_answer(stack: RunningStack) -> None:
    answer = httpx.get(f"{stack.base_url}/health", timeout=30)

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert float(answer.headers["x-process-time"]) >= 0
    assert answer.headers["x-request-id"] == answer.headers["apigw-requestid"]


def test_an_unknown_route_is_a_problem(stack: RunningStack) -> None:
    answer = httpx.get(f"{stack.base_url}/nowhere", timeout=30)

    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


def test_a_busy_port_is_one_clear_line(stack: RunningStack, tmp_path: Path) -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        refused = run(tmp_path, PORT=str(busy.getsockname()[1]))

    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    assert "in use" in refused.stderr


def test_a_second_stack_on_the_same_data_is_refused(stack: RunningStack) -> None:
    refused = run(stack.data, PORT="0")

    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    assert "another local stack" in refused.stderr


def test_a_restart_keeps_the_data_until_a_reset_and_a_stop_leaves_no_process(tmp_path: Path) -> None:
    first = start_stack(tmp_path)
    create_kept(first)
    started = family(first)
    stop_stack(first)

    left = [process for process in started if process.is_running()]
    second = start_stack(tmp_path)

    assert len(started) >= 3
    assert left == []
    assert status_of_kept(second) == 200
    stop_stack(second)
    third = start_stack(tmp_path, RESET="1")
    assert status_of_kept(third) == 404
    stop_stack(third)


@pytest.mark.heavy
def test_another_admin_password_is_set_in_existing_data(tmp_path: Path) -> None:
    first = start_stack(tmp_path, password="{a-password-that-could-be-JSON}")
    create_kept(first)
    stop_stack(first)

    second = start_stack(tmp_path, password="another-password")

    assert status_of_kept(second) == 200
    stop_stack(second)


@pytest.mark.heavy
def test_killing_the_gateway_alone_loses_nothing(tmp_path: Path) -> None:
    first = start_stack(tmp_path)
    create_kept(first)

    first.process.kill()
    first.process.wait()
    second = start_stack(tmp_path)

    assert status_of_kept(second) == 200
    stop_stack(second)


def test_the_emulator_listens_on_this_machine_only(stack: RunningStack) -> None:
    sockets = [socket for process in family(stack) for socket in process.net_connections("inet")]
    listening = [socket.laddr for socket in sockets if socket.status == psutil.CONN_LISTEN]

    assert len(listening) == 2
    assert {address.ip for address in listening} == {"127.0.0.1"}
