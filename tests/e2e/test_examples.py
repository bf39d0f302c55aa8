"""The programs under examples/ do against a running stack what docs/integrate.md says that they do."""

import asyncio
import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import httpx
import pytest

from experimentation.domain.bucketing import decide
from local.paths import ROOT
from tests.e2e.conftest import RunningStack

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("stack")]

EXPERIMENT = "checkout-button"
PYTHON = ROOT / "examples" / "python"
COLORS = {"control": "blue", "treatment": "green"}
HALVES = [("control", 500_000), ("treatment", 500_000)]
NOWHERE = "http://127.0.0.1:9"  # the port of discard: nobody listens


@pytest.fixture(scope="module")
def admin(stack: RunningStack) -> Iterator[httpx.Client]:
    """The administrator, after the experiment was started."""
    headers = {"Authorization": f"Bearer {stack.token()}"}
    with httpx.Client(base_url=stack.base_url, headers=headers, timeout=30) as api:
        variants = [{"key": key, "weight": 50, "config": {"color": color}} for key, color in COLORS.items()]
        metrics = [{"key": "bought", "event_type": "purchase", "role": "primary"}]
        body = {"id": EXPERIMENT, "name": "Checkout button", "variants": variants, "metrics": metrics}
        made = api.post("/experiments", json=body)
        assert made.status_code in {201, 409}, made.text
        if made.status_code == 201:
            api.post(f"/experiments/{EXPERIMENT}/status", json={"status": "running"}).raise_for_status()
        yield api


@pytest.fixture(scope="module")
def key(admin: httpx.Client) -> str:
    """What the guide tells to make: a key that may assign and send."""
    scopes = ["assignments:write", "events:write"]
    made = admin.post("/api-keys", json={"name": "examples", "scopes": scopes}).raise_for_status()
    return str(made.json()["key"])


@pytest.fixture(params=["there", "down"])
def url(request: pytest.FixtureRequest, stack: RunningStack) -> str:
    """The platform's address, and one where nothing answers."""
    return stack.base_url if request.param == "there" else NOWHERE


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch, key: str) -> Any:
    """Loads an example as its server would, against an address."""

    def load(name: str, url: str) -> ModuleType:
        monkeypatch.setenv("EXPERIMENTS_URL", url)
        monkeypatch.setenv("EXPERIMENTS_KEY", key)
        monkeypatch.syspath_prepend(str(PYTHON))
        spec = importlib.util.spec_from_file_location(name, PYTHON / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        # patient: this machine is busier than a server
        module.__dict__["experiments"]._timeout_seconds = 20
        return module

    return load


def color_of(user_id: str, url: str) -> str:
    """Return what the user must see: by the rules of bucketing, or the default."""
    return "blue" if url == NOWHERE else COLORS[str(decide(EXPERIMENT, user_id, 1_000_000, HALVES))]


def events_of(admin: httpx.Client, user_id: str, wanted: int) -> list[dict[str, Any]]:
    """Return the user's events, once there are as many as wanted."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found: list[dict[str, Any]] = admin.get("/events", params={"user_id": user_id}).json()["events"]
        if len(found) >= wanted:
            return found
        time.sleep(0.3)
    raise AssertionError(f"{user_id} has fewer than {wanted} events")


def test_flask_shows_the_variant_and_counts_an_order_once(loaded: Any, url: str, admin: httpx.Client) -> None:
    module = loaded("flask_app", url)
    client = module.app.test_client()

    page = client.get("/")
    user_id = client.get_cookie("visitor").value
    bought = [client.post("/buy", data={"order": f"flask-{user_id}"}).status_code for _ in range(2)]

    assert f"color: {color_of(user_id, url)}" in page.text
    assert bought == [201, 201]
    if url != NOWHERE:
        (event,) = events_of(admin, user_id, 1)
        assert (event["type"], event["value"], event["event_id"]) == (
            "purchase",
            12.5,
            f"order-flask-{user_id}",
        )


def test_fastapi_shows_the_variant_and_counts_an_order(loaded: Any, url: str, admin: httpx.Client) -> None:
    module = loaded("fastapi_app", url)

    async def visit() -> tuple[Any, str, int]:
        transport = httpx.ASGITransport(module.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
            shown = (await client.get("/button")).json()
            user_id = client.cookies["visitor"]
            return shown, user_id, (await client.post(f"/orders/fastapi-{user_id}")).status_code

    shown, user_id, bought = asyncio.run(visit())

    assert shown == {"color": color_of(user_id, url)}
    assert bought == 201
    if url != NOWHERE:
        assert events_of(admin, user_id, 1)[0]["event_id"] == f"order-fastapi-{user_id}"


def test_a_lambda_function_sends_its_events_before_it_returns(
    loaded: Any, url: str, admin: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = loaded("lambda_function", url)
    monkeypatch.setattr("time.sleep", lambda _: None) if url == NOWHERE else None
    user_id = f"lambda-{url[-5:]}"
    order = {"user_id": user_id, "id": user_id, "value": 3}

    shown = module.handler(_request("GET", query={"user_id": user_id}), None)
    bought = module.handler(_request("POST", body=json.dumps(order)), None)

    assert json.loads(shown["body"]) == {"color": color_of(user_id, url)}
    assert bought == {"statusCode": 201}
    if url != NOWHERE:
        assert len(events_of(admin, user_id, 1)) == 1


def test_openfeature_reads_the_same_variant(url: str, key: str) -> None:
    done = subprocess.run(
        [sys.executable, PYTHON / "openfeature_app.py", "openfeature-user"],
        env={**os.environ, "EXPERIMENTS_URL": url, "EXPERIMENTS_KEY": key},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.split() == [color_of("openfeature-user", url)]


def test_the_client_answers_from_its_cache_while_the_platform_is_down(
    loaded: Any, stack: RunningStack
) -> None:
    experiments = loaded("lambda_function", stack.base_url).experiments
    before = experiments.assignment(EXPERIMENT, "cached-user", default={"color": "blue"})

    experiments._base_url, experiments._cache_seconds = NOWHERE, 0
    experiments._known = {key: (0.0, each) for key, (_, each) in experiments._known.items()}

    assert experiments.assignment(EXPERIMENT, "cached-user", default={"color": "blue"}) == before
    assert experiments.assignment(EXPERIMENT, "new-user", default={"color": "blue"}).variant is None


def test_the_guide_names_every_example() -> None:
    guide = (ROOT / "docs" / "integrate.md").read_text()
    programs = [
        path for path in (ROOT / "examples").rglob("*") if path.suffix in {".py", ".mjs", ".tsx", ".ts"}
    ]

    assert [path.name for path in programs if str(path.relative_to(ROOT)) not in guide] == []


def _request(method: str, *, query: dict[str, str] | None = None, body: str = "") -> dict[str, Any]:
    return {
        "requestContext": {"http": {"method": method}},
        "queryStringParameters": query or {},
        "body": body,
    }
