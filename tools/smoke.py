"""Does a running stack work? Create, start, assign, send, read, clean up; exit 1 at the first no.

    PASSWORD=... python3 -m tools.smoke https://abc123.execute-api.eu-central-1.amazonaws.com

It needs nothing but Python. One experiment, `smoke`, serves every run and is paused in between: an experiment
that has run cannot be deleted, and one a deployment would pile up. Its users and events are new in each run,
and the draft that it creates is deleted.
"""

import argparse
import getpass
import http.client
import json
import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any, NamedTuple

EXPERIMENT = "smoke"
USERS = 20
PATIENCE_SECONDS = 120  # a cold worker, its batching window, and room
TIMEOUT_SECONDS = 35  # the gateway's own is 30


class SmokeError(Exception):
    """What did not work."""


class Answer(NamedTuple):
    """An answer of the stack; `document` None without a body."""

    status: int
    document: Any


class Stack:
    """The stack under test, as somebody who is logged in sees it."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url.rstrip("/")
        self._token = ""

    def log_in(self, username: str, password: str) -> None:
        """Keep the token that the user name and password are good for."""
        credentials = {"username": username, "password": password}
        self._token = self.call("POST", "/auth/token", credentials)["access_token"]

    def log_out(self) -> None:
        """Revoke the token."""
        self.call("POST", "/auth/revoke", {"token": self._token})

    def call(self, method: str, path: str, body: object = None, expected: tuple[int, ...] = ()) -> Any:
        """Return the document of an answer; SmokeError when its status is not expected (default: 2xx)."""
        answer = self._send(method, path, body)
        if answer.status in expected or (not expected and answer.status // 100 == 2):
            return answer.document
        raise SmokeError(f"{method} {path} answered {answer.status}: {answer.document}")

    def _send(self, method: str, path: str, body: object) -> Answer:
        headers = {"Content-Type": "application/json", "Cache-Control": "no-cache"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._base_url + path, data, headers, method=method)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as reply:  # noqa: S310
                return Answer(reply.status, json.loads(reply.read() or b"null"))
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.read().decode(errors="replace"))
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise SmokeError(f"{method} {path}: {error}") from error


def _check(fact: bool, complaint: str) -> None:
    if not fact:
        raise SmokeError(complaint)


class Counts(NamedTuple):
    """What the results say: users enrolled and events counted, and their values' sum, by variant."""

    enrolled: dict[str, int]
    events: dict[str, int]
    values: dict[str, float]


def _start(stack: Stack, name: str) -> None:
    definition = {
        "id": EXPERIMENT,
        "name": "Smoke test",
        "variants": [{"key": "control", "weight": 50}, {"key": "treatment", "weight": 50}],
        "metrics": [{"key": "bought", "event_type": EXPERIMENT, "kind": "value", "role": "primary"}],
    }
    stack.call("POST", "/experiments", definition | {"id": f"{name}-draft"}, (201,))
    stack.call("POST", "/experiments", definition, (201, 409))
    status = stack.call("GET", f"/experiments/{EXPERIMENT}")["status"]
    _check(status != "completed", f"{EXPERIMENT} is completed: only pause it, this test owns it")
    if status != "running":  # else an earlier run was cut short
        stack.call("POST", f"/experiments/{EXPERIMENT}/status", {"status": "running"})


def _counts(stack: Stack) -> Counts:
    result = stack.call("GET", f"/experiments/{EXPERIMENT}/results")
    arms = result["metrics"][0]["variants"]
    return Counts(
        result["enrolled"],
        {variant: arm["count"] for variant, arm in arms.items()},
        {variant: arm["sum"] for variant, arm in arms.items()},
    )


def _assign(stack: Stack, name: str) -> dict[str, int]:
    """Assign the users, twice; return how many each variant has."""
    found = {"control": 0, "treatment": 0}
    for number in range(USERS):
        path, body = f"/experiments/{EXPERIMENT}/assignments", {"user_id": f"{name}-{number}"}
        first = stack.call("POST", path, body, (201,))["variant"]
        again = stack.call("POST", path, body, (200,))["variant"]
        _check(first == again, f"user {number} was in {first} and then in {again}")
        found[first] += 1
    return found


def _send_events(stack: Stack, name: str) -> None:
    """Send one event a user, all of them twice: they must count once."""
    events = [
        {"user_id": f"{name}-{number}", "type": EXPERIMENT, "value": 2.5, "event_id": f"{name}-{number}"}
        for number in range(USERS)
    ]
    for _ in range(2):
        stack.call("POST", "/events/batch", {"events": events}, (202,))


def _read_results(stack: Stack, before: Counts, assigned: dict[str, int]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        now = _counts(stack)
        counted = sum(now.events.values()) - sum(before.events.values())
        if counted >= USERS or time.monotonic() > deadline:
            break
        time.sleep(1)
    _check(counted == USERS, f"{counted} of {USERS} events were counted within {PATIENCE_SECONDS} s")
    for variant, users in assigned.items():
        enrolled = now.enrolled[variant] - before.enrolled[variant]
        _check(enrolled == users, f"{enrolled} users of {variant} are enrolled, {users} were assigned")
        added = now.values[variant] - before.values[variant]
        _check(added == 2.5 * users, f"the sum of {variant} grew by {added}")


def _clean_up(stack: Stack, name: str) -> None:
    stack.call("DELETE", f"/experiments/{name}-draft")
    stack.call("POST", f"/experiments/{EXPERIMENT}/status", {"status": "paused"})
    stack.log_out()


def smoke(base_url: str, username: str, password: str, say: Callable[[str], None]) -> None:
    """Try everything in turn; SmokeError at the first thing that does not work."""
    stack = Stack(base_url)
    name = f"smoke-{time.time_ns() // 1_000_000}"
    assigned: dict[str, int] = {}

    def step(what: str, work: Callable[[], object]) -> None:
        started = time.monotonic()
        work()
        say(f"ok    {what} ({time.monotonic() - started:.1f} s)")

    step("is alive", lambda: stack.call("GET", "/health"))
    step("lets nobody in without a token", lambda: stack.call("GET", "/experiments", expected=(401,)))
    step("logs in", lambda: stack.log_in(username, password))
    step("starts an experiment", lambda: _start(stack, name))
    try:
        before = _counts(stack)
        step(f"assigns {USERS} users, twice", lambda: assigned.update(_assign(stack, name)))
        step(f"accepts {USERS} events, twice", lambda: _send_events(stack, name))
        step("counts each once", lambda: _read_results(stack, before, assigned))
    finally:
        step("cleans up", lambda: _clean_up(stack, name))


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description="Try a running stack from end to end.")
    parser.add_argument("base_url", metavar="BASE_URL")
    parser.add_argument("--username", default="admin")
    chosen = parser.parse_args()
    password = os.environ.get("PASSWORD") or getpass.getpass()
    try:
        smoke(chosen.base_url, chosen.username, password, print)
    except SmokeError as error:
        print(f"FAIL  {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
