"""The whole story over HTTP with a plain client, checked against a computation from what was sent."""

import os
import random
import shlex
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from experimentation.domain.bucketing import decide
from local.paths import LAYER, ROOT
from tests.e2e.conftest import RunningStack

pytestmark = pytest.mark.e2e

DAY = timedelta(days=1)
USERS = 60
COUNTRIES = ("DE", "US", "FR")


@pytest.fixture(scope="module")
def client(stack: RunningStack) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {stack.token()}"}
    with httpx.Client(base_url=stack.base_url, headers=headers, timeout=30) as made:
        yield made


@pytest.fixture(scope="module")
def experiment(client: httpx.Client) -> str:
    definition = {
        "id": "story",
        "name": "The story",
        "variants": [
            {"key": "control", "weight": 50},
            {"key": "treatment", "weight": 50, "config": {"n": 10.0}},
        ],
        "segments": [{"key": "country", "values": ["DE", "US"]}],
        "metrics": [
            {"key": "bought", "event_type": "purchase", "kind": "conversion", "role": "primary"},
            {"key": "spent", "event_type": "purchase", "kind": "value"},
        ],
    }
    assert client.post("/experiments", json=definition).status_code == 201
    assert client.post("/experiments/story/status", json={"status": "running"}).status_code == 200
    return "story"


def rfc3339(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def results(client: httpx.Client, experiment: str, expected_events: int, **query: str) -> dict:
    """Read results until as many events are counted as are expected; what comes then is checked."""
    deadline = time.monotonic() + 30
    while True:
        answer = client.get(f"/experiments/{experiment}/results", params=query).json()
        counted = sum(arm["count"] for arm in answer["metrics"][0]["variants"].values())
        if counted >= expected_events or time.monotonic() > deadline:
            return answer
        time.sleep(0.2)


def test_results_equal_what_was_sent(client, experiment, stack):
    chance = random.Random(7)
    now = datetime.now(UTC)
    users = [f"user-{n}" for n in range(USERS)]
    countries = {user: chance.choice(COUNTRIES) for user in users}
    moved = users[: USERS // 2]
    early = [{"user_id": user, "type": "purchase", "value": 99} for user in users[-10:]]
    long_ago = [
        {"user_id": user, "type": "purchase", "value": 5, "timestamp": rfc3339(now - 9 * DAY)}
        for user in moved[:5]
    ]

    # Events from before the assignment: they never count.
    assert client.post("/events/batch", json={"events": early + long_ago}).status_code == 202
    wait_for_stored(client, users[-1], 1)
    wait_for_stored(client, moved[4], 1)
    rows = [
        {
            "user_id": user,
            "variant": "control" if index % 2 else "treatment",
            "assigned_at": rfc3339(now - 5 * DAY),
            "context": {"country": countries[user]},
        }
        for index, user in enumerate(moved)
    ]
    imported = client.post(f"/experiments/{experiment}/assignments/import", json={"assignments": rows})
    assert imported.json()["stored"] == len(moved)
    variants = {row["user_id"]: row["variant"] for row in rows}
    for user in users[USERS // 2 :]:
        body = {"user_id": user, "context": {"country": countries[user]}}
        first = client.post(f"/experiments/{experiment}/assignments", json=body)
        again = client.post(f"/experiments/{experiment}/assignments", json=body)
        assert (first.status_code, again.status_code) == (201, 200)
        assert first.json()["variant"] == again.json()["variant"]
        variants[user] = first.json()["variant"]
        assert variants[user] == decide(
            experiment, user, 1_000_000, [("control", 500_000), ("treatment", 500_000)]
        )

    # Late events in any order over five days, some sent twice, some in the same second.
    events = []
    for index in range(300):
        user = chance.choice(users)
        event = {"user_id": user, "type": "purchase", "value": chance.randint(-500, 10_000) / 100}
        event["event_id"] = f"story-{index}"
        if user in moved:
            event["timestamp"] = rfc3339(now - chance.random() * 4.9 * DAY)
        events.append(event)
    sent = [*events, *chance.sample(events, 60)]
    chance.shuffle(sent)
    batches = [sent[start : start + 40] for start in range(0, len(sent), 40)]
    batches = [list({event["event_id"]: event for event in batch}.values()) for batch in batches]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda batch: client.post("/events/batch", json={"events": batch}), batches))
    assert {answer.status_code for answer in answers} == {202}

    answer = results(client, experiment, len(events))

    spent: dict[str, list[float]] = defaultdict(list)
    for event in events:
        spent[event["user_id"]].append(event["value"])
    by_variant = {key: [user for user in users if variants[user] == key] for key in ("control", "treatment")}
    assert answer["enrolled"] == {key: len(members) for key, members in by_variant.items()}
    for metric in answer["metrics"]:
        for key, members in by_variant.items():
            arm = metric["variants"][key]
            values = [sum(spent[user]) for user in members]
            assert arm["users"] == len(members)
            assert arm["count"] == sum(len(spent[user]) for user in members)
            assert arm["sum"] == pytest.approx(sum(values), abs=1e-6)
            assert arm["converters"] == sum(user in spent for user in members)
            if metric["kind"] == "value":
                mean = sum(values) / len(values)
                variance = sum((value - mean) ** 2 for value in values) / (len(values) - 1)
                assert arm["mean"] == pytest.approx(mean)
                assert arm["variance"] == pytest.approx(variance)

    split = client.get(f"/experiments/{experiment}/results", params={"segment": "country"}).json()
    seen = {each["segment"]: each["enrolled"] for each in split["segments"]}
    expected = Counter(
        (countries[user] if countries[user] != "FR" else "other", variants[user]) for user in users
    )
    for (country, variant), number in expected.items():
        assert seen[f"country={country}"][variant] == number

    days = client.get(f"/experiments/{experiment}/results", params={"include_time_series": "true"}).json()[
        "time_series"
    ]
    assert sum(row["count"] for row in days if row["metric"] == "bought") == len(events)

    environment = dict(
        line.removeprefix("export ").split("=", 1) for line in (stack.data / "env").read_text().splitlines()
    )
    verified = subprocess.run(
        [sys.executable, "-m", "tools.verify", "--experiment", experiment],
        cwd=ROOT,
        env={
            **os.environ,
            **{name: shlex.split(value)[0] if value != "''" else "" for name, value in environment.items()},
            "PYTHONPATH": str(LAYER),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert verified.stdout == "0 differing cells\n", verified.stdout + verified.stderr


def test_results_have_a_tag_that_follows_the_data(client, experiment):
    path = f"/experiments/{experiment}/results"
    first = client.get(path)
    unchanged = client.get(path, headers={"If-None-Match": first.headers["etag"]})
    client.post(f"/experiments/{experiment}/assignments", json={"user_id": "tag-user"})
    changed = client.get(path, headers={"If-None-Match": first.headers["etag"]})

    assert first.headers["cache-control"] == "max-age=30"
    assert unchanged.status_code == 304
    assert changed.status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/experiments", b"{", 400),
        ("POST", "/experiments", b'{"name": "x", "unknown": 1}', 422),
        ("POST", "/experiments/story/status", b'{"status": "draft"}', 409),
        ("POST", "/experiments/nowhere/assignments", b'{"user_id": "u"}', 404),
        ("POST", "/events", b'{"user_id": "u", "type": "t", "value": NaN}', 422),
        ("POST", "/events", b'{"user_id": "u", "type": "t", "value": ' + b"9" * 5000 + b"}", 422),
        ("POST", "/events", b"[" * 100_000, 400),
        ("POST", "/events/batch", b'{"events": "' + b"x" * 1_000_001 + b'"}', 413),
        ("GET", "/no/such/route", None, 404),
    ],
)
def test_bad_input_gets_a_clear_problem(client, experiment, method, path, body, status):
    answer = client.request(method, path, content=body, headers={"Content-Type": "application/json"})

    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status


def test_without_a_token_nothing_is_shown(stack):
    answer = httpx.get(f"{stack.base_url}/experiments")

    assert answer.status_code == 401
    assert "www-authenticate" in answer.headers


def test_completion_stops_the_count(client):
    definition = {
        "id": "short",
        "name": "Short",
        "variants": [{"key": "a", "weight": 50}, {"key": "b", "weight": 50}],
    }
    client.post("/experiments", json=definition)
    client.post("/experiments/short/status", json={"status": "running"})
    client.post("/experiments/short/assignments", json={"user_id": "u"})
    client.post("/events", json={"user_id": "u", "type": "t"})
    done = client.post("/experiments/short/status", json={"status": "completed"}).json()
    ends = datetime.fromisoformat(done["ended_at"])
    time.sleep(max(0.0, (ends - datetime.now(UTC)).total_seconds() + 0.1))
    client.post("/events", json={"user_id": "u", "type": "t"})
    wait_for_stored(client, "u", 2)

    answer = client.get("/experiments/short/results", params={"event_types": "t"}).json()
    late = client.post("/experiments/short/assignments", json={"user_id": "late"}).json()

    assert sum(arm["count"] for arm in answer["metrics"][0]["variants"].values()) == 1
    assert (late["enrolled"], late["reason"]) == (False, "not_running")


def wait_for_stored(client: httpx.Client, user: str, number: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if len(client.get("/events", params={"user_id": user}).json()["events"]) >= number:
            return
        time.sleep(0.1)
    raise AssertionError(f"{user} has fewer than {number} stored events")
