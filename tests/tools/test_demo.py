"""The shop of the demonstration: the same on every machine, each experiment at the point that it shows."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from experimentation.domain.clock import DAY_MS
from experimentation.web.schemas.experiments import ExperimentCreate
from local.emulator import free_port
from local.paths import ROOT
from tools.demo.__main__ import PASSWORD
from tools.demo.world import DAYS, HISTORY_DAYS, Effect, acts, planned, visitors

NOW = 1_795_566_000_000


def test_the_shop_is_the_same_whenever_it_is_made() -> None:
    assert visitors(NOW) == visitors(NOW)
    assert [each.user_id for each in visitors(NOW)] == [each.user_id for each in visitors(NOW + DAY_MS)]


def test_everything_happens_within_the_days_that_are_played() -> None:
    for visitor in visitors(NOW):
        assert NOW - DAYS * DAY_MS < visitor.arrives < NOW
        assert all(NOW - (DAYS + HISTORY_DAYS) * DAY_MS < at < visitor.arrives for at, _ in visitor.history)
        assert all(visitor.arrives < act.at < NOW for act in acts(visitor, [], NOW))


def test_a_treatment_that_sells_more_sells_more() -> None:
    def purchases(effect: Effect) -> int:
        return sum(act.type == "purchase" for each in visitors(NOW) for act in acts(each, [effect], NOW))

    assert purchases(Effect(purchases=1.5)) > 1.3 * purchases(Effect())


def test_every_definition_is_one_that_the_api_takes() -> None:
    for plan in planned():
        draft = ExperimentCreate.model_validate(plan.definition, strict=False).experiment("admin", NOW, "")
        assert [metric.name for metric in draft.metrics if metric.role == "primary"] != [None]
        assert [step.days_ago for step in plan.steps] == sorted(
            (s.days_ago for s in plan.steps), reverse=True
        )


@pytest.mark.heavy
@pytest.mark.e2e
def test_the_demonstration_shows_what_it_promises(tmp_path: Path) -> None:
    environment = {**os.environ, "DATA": str(tmp_path), "PORT": str(free_port())}
    command = [sys.executable, "-m", "tools.demo"]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            (address,) = (line.split()[3] for line in _until_ready(process) if line.startswith("look at it"))
            shown, ranges, tail = _results(address)
        finally:
            process.terminate()  # a shell's background job, and what it starts, ignores SIGINT

    actions = {key: (each["recommendation"] or {}).get("action") for key, each in shown.items()}
    assert actions == {
        "delivery-date": "ship",
        "newsletter-popup": "stop_no_meaningful_effect",
        "holdout": "keep_running",
        "one-page-checkout": "keep_running",
        "guest-checkout": "keep_running",
        "larger-pictures": "do_not_ship",
        "new-home-page": "investigate_srm",
        "basket-reminder": None,
    }
    assert shown["delivery-date"]["status"] == "completed"
    assert shown["larger-pictures"]["status"] == "paused"
    assert len(tail) == 50
    assert {"purchase", "signup"} <= {each["type"] for each in tail}
    assert ranges == {"one-page-checkout": (0, 70), "guest-checkout": (70, 100)}


def _until_ready(process: "subprocess.Popen[str]") -> list[str]:
    lines: list[str] = []
    for line in process.stdout or ():
        lines.append(line)
        if line.startswith("Ctrl-C"):
            return lines
    raise AssertionError("".join(lines))


def _results(address: str) -> tuple[dict[str, Any], dict[str, tuple[float, float]], list[dict[str, Any]]]:
    """Return each experiment's results, the ranges of the one layer, and the live tail's events."""
    login = {"username": "admin", "password": PASSWORD}
    with httpx.Client(base_url=address, timeout=60) as api:
        token = api.post("/auth/token", json=login).raise_for_status().json()["access_token"]
        api.headers["Authorization"] = f"Bearer {token}"
        (layer,) = api.get("/layers").raise_for_status().json()["layers"]
        shown = {
            each["id"]: api.get(f"/experiments/{each['id']}/results").raise_for_status().json()
            for each in api.get("/experiments").raise_for_status().json()["experiments"]
        }
        tail = api.get("/events/recent", params={"limit": 50}).raise_for_status().json()["events"]
        ranges = {each["experiment_id"]: (each["from"], each["to"]) for each in layer["ranges"]}
        return shown, ranges, tail
