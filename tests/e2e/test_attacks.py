"""Attacks on the running stack, for minutes: the attacker slows down himself, and nobody else."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

import httpx
import pytest

from tests.e2e.conftest import RunningStack

pytestmark = [pytest.mark.e2e, pytest.mark.heavy]
SECONDS = 150


def _log_in(stack: RunningStack, password: str, address: str) -> httpx.Response:
    with httpx.Client(transport=httpx.HTTPTransport(local_address=address), timeout=30) as client:
        body = {"username": "admin", "password": password}
        return client.post(f"{stack.base_url}/auth/token", json=body)


@contextmanager
def _locking_out(stack: RunningStack) -> Iterator[Counter[int]]:
    """Fail for the administrator from changing addresses, again whenever one may."""
    statuses: Counter[int] = Counter()
    over = threading.Event()

    def attack() -> None:
        number = 0
        while not over.is_set():
            number += 1
            answer = _log_in(stack, "wrong", f"127.0.8.{number % 250 + 1}")
            statuses[answer.status_code] += 1
            over.wait(0.2)

    thread = threading.Thread(target=attack)
    thread.start()
    yield statuses
    over.set()
    thread.join()


def test_nobody_is_locked_out_by_minutes_of_failures_from_everywhere(stack: RunningStack) -> None:
    with _locking_out(stack) as attacker:
        deadline, victims = time.monotonic() + SECONDS, []
        while time.monotonic() < deadline:
            victims.append(_log_in(stack, stack.password, "127.0.0.1").status_code)
            time.sleep(3)

    assert attacker[401] > 50, "above the name's ceiling"
    assert len(victims) > 20
    assert set(victims) == {200}


def test_person_who_signs_out_without_end_slows_nobody_down(stack: RunningStack) -> None:
    headers = {"Authorization": f"Bearer {stack.token()}"}
    with httpx.Client(base_url=stack.base_url, headers=headers, timeout=30) as victim:
        account = {"username": "mallory", "password": "battery staple horse"}
        victim.post("/accounts", json=account).raise_for_status()
        before = _seconds(victim)

        ended = _signing_out(victim, account)
        time.sleep(10)  # every process reads the list again

        assert ended > 20  # far more than are denied one by one
        assert _seconds(victim) < 2 * before + 0.05


def test_collector_that_invents_event_types_without_end_holds_up_no_count(stack: RunningStack) -> None:
    headers = {"Authorization": f"Bearer {stack.token()}"}
    with httpx.Client(base_url=stack.base_url, headers=headers, timeout=60) as victim:
        key = {"name": "leaked", "scopes": ["events:write"]}
        leaked = victim.post("/api-keys", json=key).raise_for_status().json()["key"]
        with _inventing(stack, leaked) as attacker:
            deadline, statuses = time.monotonic() + SECONDS, []
            while time.monotonic() < deadline:
                event = {"user_id": "victim", "type": "buy", "event_id": f"order-{len(statuses)}"}
                statuses.append(victim.post("/events", json=event).status_code)
                time.sleep(2)

        assert attacker[202] >= 40
        assert len(statuses) > 20
        assert set(statuses) == {202}
        assert _stored(victim, len(statuses)) == len(statuses)
        waiting = victim.get("/events/dead-letters").json()["queues"]
        assert [each["waiting"] for each in waiting] == [0] * len(waiting)
    assert " ran for " not in (stack.data / "stdout.log").read_text()


@contextmanager
def _inventing(stack: RunningStack, key: str) -> Iterator[Counter[int]]:
    """Send 500 events of 500 new types: twenty times at once, then again every few seconds."""
    statuses: Counter[int] = Counter()
    over = threading.Event()

    def attack() -> None:
        number = 0
        with httpx.Client(base_url=stack.base_url, headers={"X-API-Key": key}, timeout=60) as client:
            while not over.is_set():
                number += 1
                events = [{"user_id": f"m{number}", "type": f"t{number}-{each}"} for each in range(500)]
                answer = client.post("/events/batch", json={"events": events})
                statuses[answer.status_code] += 1
                over.wait(0 if number < 20 else 5)

    thread = threading.Thread(target=attack)
    thread.start()
    yield statuses
    over.set()
    thread.join()


def _stored(client: httpx.Client, wanted: int) -> int:
    """Return how many events of the victim are counted, a minute from now at the latest."""
    deadline = time.monotonic() + 60
    while True:
        found = client.get("/events", params={"user_id": "victim", "limit": 100}).json()["events"]
        if len(found) >= wanted or time.monotonic() > deadline:
            return len(found)
        time.sleep(1)


def _seconds(client: httpx.Client) -> float:
    """Return how long a person's request takes."""
    taken = []
    for _ in range(15):
        started = time.perf_counter()
        assert client.get("/experiments").status_code == 200
        taken.append(time.perf_counter() - started)
    return median(taken)


def _signing_out(client: httpx.Client, account: dict[str, str]) -> int:
    """Sign in and out again for minutes, with some tokens each time; return how often."""
    ended = 0
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        login = client.post("/auth/token", json=account).json()
        for _ in range(5):
            body = {"refresh_token": login["refresh_token"]}
            login = client.post("/auth/refresh", json=body).json()
        token = {"token": login["access_token"]}
        assert client.post("/auth/revoke", json=token).status_code == 200
        ended += 1
    return ended
