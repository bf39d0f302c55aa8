"""The stack's data after kill -9 of everything: what was accepted more than ten seconds before is there."""

import os
import shlex
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psutil
import pytest

from local.paths import LAYER, ROOT
from tests.e2e.conftest import RunningStack, start_stack, stop_stack

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("stack")]

BEHIND_SECONDS = 10
LOAD_SECONDS = 14
CLIENTS = 2

type Accepted = list[tuple[float, str, str]]
"""When an event was accepted, its user and its id."""


@pytest.fixture
def loaded(tmp_path: Path) -> Iterator[tuple[Accepted, float]]:
    """Run a stack under load, kill all its processes at one moment; what it accepted until then."""
    stack = start_stack(tmp_path)
    with client_of(stack) as client:
        metric = {"key": "spent", "event_type": "purchase", "kind": "value", "role": "primary"}
        variants = [{"key": key, "weight": 50} for key in ("control", "treatment")]
        definition = {"id": "killed", "name": "Killed", "variants": variants, "metrics": [metric]}
        client.post("/experiments", json=definition).raise_for_status()
        client.post("/experiments/killed/status", json={"status": "running"}).raise_for_status()
    accepted: Accepted = []
    stopped = threading.Event()
    with ThreadPoolExecutor(CLIENTS) as threads:
        done = [threads.submit(load, stack, number, accepted, stopped) for number in range(CLIENTS)]
        time.sleep(LOAD_SECONDS)
        parent = psutil.Process(stack.process.pid)
        killed_at = time.monotonic()
        for process in [parent, *parent.children(recursive=True)]:
            process.kill()
        stopped.set()
        for each in done:
            each.result()
    stack.process.wait()
    return accepted, killed_at


def client_of(stack: RunningStack) -> httpx.Client:
    headers = {"Authorization": f"Bearer {stack.token()}"}
    return httpx.Client(base_url=stack.base_url, headers=headers, timeout=30)


def load(stack: RunningStack, number: int, accepted: Accepted, stopped: threading.Event) -> None:
    """Assign users and send events of each until the stack is gone."""
    with client_of(stack) as client:
        sent = 0
        while not stopped.is_set():
            sent += 1
            user = f"user-{number}-{sent}"
            events = [
                {"user_id": user, "type": "purchase", "value": 1e9, "event_id": f"{user}-{i}"}
                for i in range(5)
            ]
            try:
                client.post("/experiments/killed/assignments", json={"user_id": user}).raise_for_status()
                client.post("/events/batch", json={"events": events}).raise_for_status()
            except httpx.TransportError:
                return
            now = time.monotonic()
            accepted.extend((now, user, event["event_id"]) for event in events)


def verified(stack: RunningStack) -> str:
    """What `tools.verify` prints."""
    lines = (stack.data / "env").read_text().splitlines()
    exports = dict(line.removeprefix("export ").split("=", 1) for line in lines)
    environment = {name: "".join(shlex.split(value)) for name, value in exports.items()}
    done = subprocess.run(
        [sys.executable, "-m", "tools.verify", "--experiment", "killed"],
        cwd=ROOT,
        env={**os.environ, **environment, "PYTHONPATH": str(LAYER)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


@pytest.mark.heavy
def test_what_was_accepted_ten_seconds_before_a_kill_is_stored_and_counted(
    loaded: tuple[Accepted, float], tmp_path: Path
) -> None:
    accepted, killed_at = loaded
    owed = {(user, event) for at, user, event in accepted if at < killed_at - BEHIND_SECONDS}
    assert len(owed) >= 25, "the load was too small to show anything"

    again = start_stack(tmp_path)
    with client_of(again) as client:
        missing = owed
        deadline = time.monotonic() + 60  # events that were in the queue are counted now
        while missing and time.monotonic() < deadline:
            users = sorted({user for user, _ in missing})
            stored = {
                (user, event["event_id"])
                for user in users
                for event in client.get("/events", params={"user_id": user})
                .raise_for_status()
                .json()["events"]
            }
            missing = missing - stored
        counted, settled = -1, 0
        while counted != settled:
            counted, settled = settled, events_counted(client)
        verdict = verified(again)
    stop_stack(again)

    assert missing == set()
    assert counted >= len(owed)
    assert verdict == "0 differing cells\n"


def events_counted(client: httpx.Client) -> int:
    """How many events the results hold, after a second without the cache's."""
    time.sleep(1)
    answer = client.get("/experiments/killed/results").raise_for_status().json()
    return sum(arm["count"] for arm in answer["metrics"][0]["variants"].values())


def test_ten_events_of_a_billion_are_added_exactly(stack: RunningStack) -> None:
    with client_of(stack) as client:
        metric = {"key": "spent", "event_type": "billion", "kind": "value", "role": "primary"}
        variants = [{"key": key, "weight": 50} for key in ("control", "treatment")]
        definition = {"id": "billions", "name": "Billions", "variants": variants, "metrics": [metric]}
        client.post("/experiments", json=definition).raise_for_status()
        client.post("/experiments/billions/status", json={"status": "running"}).raise_for_status()
        arms = {"control": [], "treatment": []}
        for number in range(4):
            answer = client.post("/experiments/billions/assignments", json={"user_id": f"rich-{number}"})
            arms[answer.raise_for_status().json()["variant"]].append(number)
        for i in range(10):
            event = {"user_id": "rich-0", "type": "billion", "value": 1e9, "event_id": f"billion-{i}"}
            client.post("/events", json=event).raise_for_status()
        (arm,) = (key for key, numbers in arms.items() if 0 in numbers)
        deadline = time.monotonic() + 30
        while True:
            answer = client.get("/experiments/billions/results")
            figures = answer.json().get("metrics", [{}])[0].get("variants", {}).get(arm, {})
            if answer.status_code != 200 or figures.get("count") == 10 or time.monotonic() > deadline:
                break
            time.sleep(0.2)

    assert answer.status_code == 200, answer.text
    assert (figures["count"], figures["sum"]) == (10, 1e10)
    users = len(arms[arm])
    if users > 1:
        assert figures["variance"] == pytest.approx(1e20 / users)
