"""The program of the quick start leads to the decision that the quick start shows."""

import os
import re
import subprocess
import sys
import time
from typing import Any

import httpx
import pytest

from local.paths import ROOT
from tests.e2e.conftest import RunningStack

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("stack")]

DEFINITION = {
    "id": "quick-start",
    "name": "Checkout button",
    "variants": [{"key": "control", "weight": 50}, {"key": "treatment", "weight": 50}],
    "metrics": [{"key": "purchase_rate", "event_type": "purchase", "kind": "conversion", "role": "primary"}],
    "min_days": 0,
}


def test_the_crowd_of_the_quick_start_ships_the_treatment(stack: RunningStack) -> None:
    text = (ROOT / "docs" / "quickstart.md").read_text()
    found = re.search(r"```python\n(.*?)```", text, re.DOTALL)
    assert found is not None
    program = found.group(1).replace("checkout-button", "quick-start").replace("visitor-", "quick-visitor-")
    with httpx.Client(base_url=stack.base_url, headers=_bearer(stack), timeout=30) as api:
        api.post("/experiments", json=DEFINITION).raise_for_status()
        api.post("/experiments/quick-start/status", json={"status": "running"}).raise_for_status()
        scopes = ["assignments:write", "events:write"]
        key = api.post("/api-keys", json={"name": "quick start", "scopes": scopes}).json()["key"]

        done = subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ | {"API_KEY": key, "BASE_URL": stack.base_url},
            capture_output=True,
            text=True,
            check=False,
        )

        assert done.returncode == 0, done.stderr
        purchases = int(done.stdout.split()[0])
        recommendation = _counted(api, purchases)["recommendation"]
    assert (recommendation["action"], recommendation["variant"]) == ("ship", "treatment")


def _bearer(stack: RunningStack) -> dict[str, str]:
    return {"Authorization": f"Bearer {stack.token()}"}


def _counted(api: httpx.Client, purchases: int) -> dict[str, Any]:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        results: dict[str, Any] = api.get("/experiments/quick-start/results").json()
        (metric,) = results["metrics"]
        if sum(each["converters"] for each in metric["variants"].values()) == purchases:
            return results
        time.sleep(0.3)
    raise AssertionError("the purchases were not counted in time")
