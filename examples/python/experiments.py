"""A small client for servers, to copy: which variant does a user get, and what did the user do.

Standard library only. When the platform does not answer in time, users get the default and are not enrolled:
a page never waits for an experiment, and results are not diluted by users who were never assigned.
"""

import json
import queue
import threading
import time
import urllib.request
import uuid
from collections.abc import Mapping
from typing import Any, NamedTuple

BATCH = 500  # events of one request, at most
ATTEMPTS = 5


class Assignment(NamedTuple):
    """What a user gets; `config` is the variant's, `variant` is None for a user who takes no part."""

    variant: str | None
    config: Any


class Experiments:
    """Asks for assignments, remembers them for a while, and sends events in the background."""

    def __init__(
        self, base_url: str, api_key: str, *, timeout_seconds: float = 0.5, cache_seconds: float = 300
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._headers = {"X-API-Key": api_key, "Content-Type": "application/json"}
        self._timeout_seconds = timeout_seconds
        self._cache_seconds = cache_seconds
        self._known: dict[tuple[str, str], tuple[float, Assignment]] = {}
        self._events: queue.Queue[dict[str, Any]] = queue.Queue(maxsize=10_000)
        self._sending = threading.Lock()

    def assignment(
        self, experiment: str, user_id: str, context: Mapping[str, Any] | None = None, *, default: Any = None
    ) -> Assignment:
        """Return the user's variant and its config; the default config when there is no answer in time."""
        until, known = self._known.get((experiment, user_id), (0.0, None))
        if known is not None and until > time.monotonic():
            return known
        body = {"user_id": user_id, "context": dict(context or {})}
        try:
            answer = self._post(f"/experiments/{experiment}/assignments", body, self._timeout_seconds)
        except OSError:  # no connection, no answer in time, or a status of 400 and more
            return known or Assignment(None, default)
        config = answer["config"] if answer["variant"] else default
        found = Assignment(answer["variant"], config)
        if len(self._known) >= 100_000:
            self._known.clear()
        self._known[experiment, user_id] = time.monotonic() + self._cache_seconds, found
        return found

    def track(self, user_id: str, event_type: str, value: float = 1, event_id: str | None = None) -> None:
        """Note an event to be sent; with an id of your own, such as the order's, it never counts twice."""
        event = {
            "user_id": user_id,
            "type": event_type,
            "value": value,
            "event_id": event_id or str(uuid.uuid4()),
            "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        }
        try:
            self._events.put_nowait(event)
        except queue.Full:
            return  # rather an event lost than a page that waits
        threading.Thread(target=self.flush, daemon=True).start()

    def flush(self) -> None:
        """Send what is waiting, and return when it is sent; in a Lambda function, before it returns."""
        with self._sending:
            while batch := self._waiting():
                self._send(batch)

    def _waiting(self) -> list[dict[str, Any]]:
        batch = []
        while len(batch) < BATCH:
            try:
                batch.append(self._events.get_nowait())
            except queue.Empty:
                break
        return batch

    def _send(self, batch: list[dict[str, Any]]) -> None:
        for attempt in range(ATTEMPTS):
            try:
                self._post("/events/batch", {"events": batch}, 10)
            except OSError as error:
                status = getattr(error, "code", 503)
                if 400 <= status < 500 and status != 429:
                    return  # not one that another attempt cures: look at the answer's `errors`
                time.sleep(0.2 * 2**attempt)  # each event has its id: sent twice, it counts once
            else:
                return

    def _post(self, path: str, body: Any, timeout_seconds: float) -> Any:
        request = urllib.request.Request(self._base_url + path, json.dumps(body).encode(), self._headers)
        with urllib.request.urlopen(request, timeout=timeout_seconds) as answer:
            return json.load(answer)
