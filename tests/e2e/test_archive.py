"""An accepted event becomes an object of the archive, written by the function as it is deployed."""

import gzip
import json
import time

import httpx

from tests.e2e.conftest import RunningStack

PATIENCE_SECONDS = 60


def archived(stack: RunningStack) -> list[str]:
    """Return the ids of the events in all objects of the archive; the emulator keeps each as a file."""
    objects = (stack.data / "s3").rglob("*.ndjson.gz")
    lines = [line for each in objects for line in gzip.decompress(each.read_bytes()).splitlines()]
    return [json.loads(line)["event_id"] for line in lines]


def test_an_event_reaches_the_archive(stack: RunningStack) -> None:
    headers = {"Authorization": f"Bearer {stack.token()}"}
    event = {"user_id": "archived", "type": "purchase", "event_id": "to-the-archive"}

    answer = httpx.post(f"{stack.base_url}/events", json=event, headers=headers, timeout=30)

    assert answer.status_code == 202
    deadline = time.monotonic() + PATIENCE_SECONDS
    while "to-the-archive" not in archived(stack):
        assert time.monotonic() < deadline, stack.functions_log()[-2000:]
        time.sleep(0.5)
