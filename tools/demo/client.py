"""Replays a trial over HTTP, as a customer's own systems would: import, then events, then read results."""

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import batched
from typing import Any, Self

import httpx

from tools.demo.trial import UNIT, Happened, Trial

AT_ONCE = 500  # rows of one request
PARALLEL = 2
PATIENCE_SECONDS = 600
REFUSED = 401


class Api:
    """The API under one base address; it signs in again when its token has expired."""

    def __init__(self, base_url: str, username: str, password: str) -> None:
        self._http = httpx.Client(base_url=base_url, timeout=60)
        self._login = {"username": username, "password": password}
        self._http.headers["Authorization"] = self._bearer()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def get(self, path: str, **query: str) -> Any:
        """Return the answer's JSON."""
        return self._send("GET", path, params=query)

    def post(self, path: str, body: object) -> Any:
        """Return the answer's JSON."""
        return self._send("POST", path, json=body)

    def _send(self, method: str, path: str, **parts: Any) -> Any:
        answer = self._http.request(method, path, **parts)
        if answer.status_code == REFUSED:
            self._http.headers["Authorization"] = self._bearer()
            answer = self._http.request(method, path, **parts)
        if answer.is_error:
            raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text}")
        return answer.json()

    def _bearer(self) -> str:
        answer = self._http.post("/auth/token", json=self._login)
        return f"Bearer {answer.raise_for_status().json()['access_token']}"


def replay(api: Api, trial: Trial, say: Callable[[str], None]) -> dict[str, Any]:
    """Send the whole trial and return its full results once every event is counted."""
    name, began = str(trial.definition["id"]), time.monotonic()
    path = f"/experiments/{name}"
    api.post("/experiments", trial.definition)
    api.post(f"{path}/status", {"status": "running"})
    _send_all(trial.assignments, lambda rows: _import(api, path, rows))
    say(f"  {len(trial.assignments):,} assignments imported after {time.monotonic() - began:.0f} s")
    happened = [*trial.before, *trial.events]
    _send_all(happened, lambda rows: _record(api, rows))
    say(f"  {len(happened):,} events accepted after {time.monotonic() - began:.0f} s")
    _wait(api, path, trial)
    say(f"  all counted after {time.monotonic() - began:.0f} s")
    found: dict[str, Any] = api.get(f"{path}/results", format="full")
    return found


def is_there(api: Api, trial: Trial) -> bool:
    """Say whether the trial's experiment exists already."""
    listed = api.get("/experiments", limit="100")["experiments"]
    return any(each["id"] == trial.definition["id"] for each in listed)


def _send_all[Row](rows: Sequence[Row], send: Callable[[Iterable[Row]], None]) -> None:
    with ThreadPoolExecutor(PARALLEL) as pool:
        for _ in pool.map(send, batched(rows, AT_ONCE, strict=False)):
            pass


def _import(api: Api, path: str, rows: Iterable[Any]) -> None:
    body = [
        {"user_id": user_id, "variant": variant, "assigned_at": _time(at), "context": dict(context)}
        for user_id, variant, at, context in rows
    ]
    api.post(f"{path}/assignments/import", {"assignments": body})


def _record(api: Api, rows: Iterable[Happened]) -> None:
    body = [
        {
            "event_id": each.event_id,
            "user_id": each.user_id,
            "type": each.type,
            "timestamp": _time(each.at),
            "value": each.value / UNIT,
        }
        for each in rows
    ]
    api.post("/events/batch", {"events": body})


def _wait(api: Api, path: str, trial: Trial) -> None:
    """Wait until the counts of every event type are those that were sent."""
    sent = {kind: sum(each.type == kind for each in trial.events) for kind in {e.type for e in trial.events}}
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        metrics = api.get(f"{path}/results", format="metrics_only", event_types=",".join(sorted(sent)))[
            "metrics"
        ]
        counted = {
            each["event_type"]: sum(figures["count"] for figures in each["variants"].values())
            for each in metrics
        }
        if counted == sent:
            return
        time.sleep(1)
    raise RuntimeError(f"only {counted} of {sent} events were counted in {PATIENCE_SECONDS} s")


def _time(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds")
