"""From a test to a rollout over HTTP: held out, aimed, kept apart from others, shipped, told."""

import time
from collections.abc import Iterator

import httpx
import pytest

from tests.e2e.conftest import RunningStack

pytestmark = [pytest.mark.e2e, pytest.mark.heavy]

HALVES = [{"key": "control", "weight": 50}, {"key": "treatment", "weight": 50}]
BOUGHT = [{"key": "bought", "event_type": "purchase", "kind": "conversion", "role": "primary"}]
SECONDS_TO_SHIP = 60  # an end lies some seconds ahead, and an answer may be a few seconds old


@pytest.fixture
def client(stack: RunningStack) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {stack.token()}"}
    with httpx.Client(base_url=stack.base_url, headers=headers, timeout=30) as made:
        yield made


def create(client: httpx.Client, name: str, **definition: object) -> httpx.Response:
    body = {"id": name, "name": name, "variants": HALVES, "metrics": BOUGHT} | definition
    return client.post("/experiments", json=body)


def assign(client: httpx.Client, name: str, user_id: str, country: str = "DE") -> dict:
    body = {"user_id": user_id, "context": {"country": country}}
    return client.post(f"/experiments/{name}/assignments", json=body).json()


def test_an_experiment_is_held_out_aimed_kept_apart_and_shipped(client: httpx.Client) -> None:
    held_out = [{"key": "held_out", "weight": 50}, {"key": "open", "weight": 50}]
    assert create(client, "holdout", variants=held_out).status_code == 201
    assert client.post("/experiments/holdout/status", json={"status": "running"}).status_code == 200
    aimed = create(
        client,
        "aimed",
        audience={"country": {"$in": ["DE", "AT"]}},
        layer={"key": "checkout", "from": 0, "to": 60},
        prerequisite={"experiment_id": "holdout", "variants": ["open"]},
    )
    assert aimed.status_code == 201
    overlapping = create(client, "overlapping", layer={"key": "checkout", "from": 50, "to": 100})
    assert (overlapping.status_code, "aimed" in overlapping.json()["detail"]) == (409, True)
    assert client.post("/experiments/aimed/status", json={"status": "running"}).status_code == 200

    answers = {f"u{n}": assign(client, "aimed", f"u{n}") for n in range(60)}
    assert {each["reason"] for each in answers.values()} > {"assigned", "not_in_traffic"}
    for user_id, answer in answers.items():
        stored = client.get("/experiments/holdout/assignments", params={"user_id": user_id})
        if answer["enrolled"]:
            assert stored.json()["variant"] == "open"
        elif answer["reason"] != "not_in_traffic":
            assert stored.json()["variant"] == "held_out"
        else:
            assert stored.status_code == 404
    abroad = {assign(client, "aimed", f"abroad{n}", "US")["reason"] for n in range(20)}
    assert abroad == {"not_in_traffic", "not_in_audience"}

    ending = {"status": "completed", "ship": "treatment", "conclusion": "won", "note": "It sells."}
    assert client.post("/experiments/aimed/status", json=ending).status_code == 200
    deadline = time.monotonic() + SECONDS_TO_SHIP
    while (found := assign(client, "aimed", "abroad0", "US"))["reason"] != "shipped":
        assert time.monotonic() < deadline, found
        time.sleep(1)
    assert (found["variant"], found["enrolled"]) == ("treatment", False)
    flag = client.post("/ofrep/v1/evaluate/flags/aimed", json={"context": {"targetingKey": "u1"}}).json()
    assert (flag["value"], flag["reason"]) == ("treatment", "STATIC")
    told = {each["kind"] for each in client.get("/notifications").json()["notifications"]}
    assert told >= {"started", "completed", "shipped"}
