"""One file for an experiment that exceeds a page, on the whole platform: begun, written, downloaded."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import RunningStack

pytestmark = [pytest.mark.e2e, pytest.mark.heavy, pytest.mark.xdist_group("stack")]

USERS, AT_ONCE = 4_400, 440  # 2 KB of context each: more than a part of 8 MB
PATIENCE_SECONDS = 150
FROM_THE_CONSOLE = {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


def fill(api: httpx.Client, path: str) -> None:
    variants = [{"key": "control", "weight": 50}, {"key": "treatment", "weight": 50}]
    api.post("/experiments", json={"id": "large", "name": "Large", "variants": variants}).raise_for_status()
    api.post(f"{path}/status", json={"status": "running"}).raise_for_status()
    at = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    for first in range(0, USERS, AT_ONCE):
        rows = [
            {
                "user_id": f"user-{i}",
                "variant": "control" if i % 2 else "treatment",
                "assigned_at": at,
                "context": {"text": "ä" * 950},
            }
            for i in range(first, first + AT_ONCE)
        ]
        api.post(f"{path}/assignments/import", json={"assignments": rows}).raise_for_status()


def finished(api: httpx.Client, path: str) -> dict[str, Any]:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        (file,) = api.get(f"{path}/exports").raise_for_status().json()["exports"]
        if file["state"] == "ready":
            return dict(file)
        time.sleep(1)
    raise AssertionError(f"the file is not ready: {file}")


def paged(api: httpx.Client, path: str) -> str:
    text, link = "", f"{path}/results/export?rows=users&format=ndjson&limit=10000"
    while link:
        answer = api.get(link).raise_for_status()
        text += answer.text
        link = answer.links["next"]["url"] if "next" in answer.links else ""
    return text


def test_the_file_is_what_the_pages_are_and_a_browser_gets_it(stack: RunningStack) -> None:
    headers = {"Authorization": f"Bearer {stack.token()}"}
    path = "/experiments/large"
    with httpx.Client(base_url=stack.base_url, headers=headers, timeout=60) as api:
        fill(api, path)
        begun = api.post(f"{path}/exports", json={"rows": "users", "format": "ndjson"})

        file = finished(api, path)
        downloaded = httpx.get(file["url"], headers=FROM_THE_CONSOLE, timeout=60)
        pages = paged(api, path)

    assert begun.status_code == 202
    assert (file["rows_written"], file["bytes_written"]) == (USERS, len(downloaded.content))
    assert len(downloaded.content) > 8 * 1024 * 1024
    assert downloaded.text == pages
    assert downloaded.headers["content-disposition"] == 'attachment; filename="large-users.ndjson"'
