"""Record what every endpoint answers, as the examples of the API's reference: answers.jsonl.

    make run RESET=1                                            (in one terminal, an empty platform)
    PASSWORD=... python3 -m reference.record_answers URL            (in another)

It plays the samples under events/ in an order in which each makes sense, with 400 users and their purchases
in between. Run it again whenever an answer has got another shape: tests/contract/test_openapi.py says when.
"""

import argparse
import getpass
import json
import os
import random
import sys
import time
import urllib.error
import urllib.request
from typing import Any

from local.paths import ROOT
from reference.document import ANSWERS

SECRETS = frozenset({"access_token", "refresh_token", "key", "url"})
USERS = 400
PATIENCE_SECONDS = 90
CHECKOUT = "checkout-button"
# A draft first, which is changed and deleted; then one that runs.
DRAFT = (
    "experiments/create",
    "experiments/list",
    "experiments/read",
    "experiments/update",
    "experiments/delete",
)
RUNNING = (
    "assignments/assign",
    "assignments/assign_all",
    "assignments/read",
    "assignments/list",
    "assignments/import_assignments",
    "events/record",
    "events/record_batch",
    "exposures/record",
    "results/start_export",
)
COUNTED = (
    "events/list",
    "events/types_list",
    "events/recent",
    "results/read",
    "results/list",
    "results/list_exports",
    "experiments/history",
    "layers/list",
    "notifications/list",
    "ofrep/evaluate",
    "ofrep/evaluate_all",
    "sample_size/read",
    "events/dead_letters",
    "events/replay",
    "accounts/create",
    "accounts/list",
    "accounts/update",
    "accounts/delete",
    "api_keys/create",
    "api_keys/list",
    "auth/me",
    "auth/methods",
    "auth/sessions_list",
    "users/read",
    "users/delete",
    "audit/list",
    "health",
)

type Json = dict[str, Any]


class Recorder:
    """Calls a running platform by the samples, and holds what it answers."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url.rstrip("/")
        self._token = ""
        self.answers: dict[str, Json] = {}

    def log_in(self, password: str) -> str:
        """Record POST /auth/token; return the refresh token."""
        self._token = ""  # a sign-in with an older token would be refused once that has expired
        answer = self.record("auth/token", {"username": "admin", "password": password})
        self._token = answer["access_token"]
        refresh_token: str = answer["refresh_token"]
        return refresh_token

    def record(self, name: str, body: object = None) -> Any:
        """Send a sample, with another body where one is given, and record the answer; return it."""
        sample: Json = json.loads((ROOT / "events" / f"{name}.json").read_text())
        method, _, path = sample["routeKey"].partition(" ")
        path = path.format(**(sample.get("pathParameters") or {}))
        query = sample.get("rawQueryString")
        sent = body or (json.loads(sample["body"]) if sample.get("body") else None)
        status, answer = self.call(method, f"{path}?{query}" if query else path, sent)
        if answer is not None:
            self.answers[name.replace("/", ".")] = {"status": status, "body": _without_secrets(answer)}
        return answer

    def call(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """Return the status and the document of a success; urllib.error.HTTPError else."""
        headers = {"Content-Type": "application/json", "Cache-Control": "no-cache"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._base_url + path, data, headers, method=method)  # noqa: S310
        with urllib.request.urlopen(request, timeout=35) as reply:  # noqa: S310 - a URL of the caller's own
            return reply.status, json.loads(reply.read() or b"null")


def _line(answer: Json) -> str:
    return json.dumps(answer, ensure_ascii=False, separators=(",", ":")) + "\n"


def _without_secrets(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _without_secrets(each, key) for key, each in value.items()}
    if isinstance(value, list):
        return [_without_secrets(each) for each in value]
    return f"<{name}>" if name in SECRETS and isinstance(value, str) and len(value) > 32 else value


def _fill(recorder: Recorder) -> None:
    """Assign users and send purchases, of treatment a few more, and wait until they are counted."""
    rng = random.Random(7)  # noqa: S311 - not a secret
    events = []
    for number in range(USERS):
        context = {"country": rng.choice(["DE", "FR", "US"])}
        path = f"/experiments/{CHECKOUT}/assignments"
        _, assigned = recorder.call("POST", path, {"user_id": f"user-{number}", "context": context})
        if rng.random() < {"control": 0.2, "treatment": 0.35}[assigned["variant"]]:
            value = round(rng.uniform(5, 50), 2)
            events.append({"user_id": f"user-{number}", "type": "purchase", "value": value})
    recorder.call("POST", "/events/batch", {"events": events})
    deadline = time.monotonic() + PATIENCE_SECONDS
    while _purchases(recorder) < len(events) or not _is_written(recorder):
        if time.monotonic() > deadline:
            raise TimeoutError("the purchases were not counted in time, or the file not written")
        time.sleep(1)


def _is_written(recorder: Recorder) -> bool:
    _, files = recorder.call("GET", f"/experiments/{CHECKOUT}/exports")
    return all(each["state"] == "ready" for each in files["exports"])


def _purchases(recorder: Recorder) -> int:
    _, results = recorder.call("GET", f"/experiments/{CHECKOUT}/results")
    return sum(each["count"] for each in results["metrics"][0]["variants"].values())


def main() -> int:
    """Play the story and write the answers."""
    parser = argparse.ArgumentParser(description="Record the examples of the API's reference.")
    parser.add_argument("base_url")
    recorder = Recorder(parser.parse_args().base_url)
    password = os.environ.get("PASSWORD") or getpass.getpass()
    recorder.log_in(password)
    for name in DRAFT:
        recorder.record(name)
    sample = json.loads((ROOT / "events" / "experiments" / "create.json").read_text())
    recorder.call("POST", "/experiments", json.loads(sample["body"]))
    recorder.record("experiments/change_status")
    for name in RUNNING:
        recorder.record(name)
    _fill(recorder)
    # People and keys are changed only within ten minutes of a sign-in, and filling may have taken longer.
    refresh_token = recorder.log_in(password)
    for name in COUNTED:
        recorder.record(name)
    refreshed = recorder.record("auth/refresh", {"refresh_token": refresh_token})
    recorder.record("auth/revoke", {"token": refreshed["refresh_token"]})
    lines = [_line({"operation": name, **recorder.answers[name]}) for name in sorted(recorder.answers)]
    ANSWERS.write_text("".join(lines))
    print(f"written: {len(lines)} answers in {ANSWERS.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
