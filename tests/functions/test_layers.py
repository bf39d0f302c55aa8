"""Layers: experiments that exclude each other, and who has which range."""

import json
from dataclasses import replace
from typing import Any

import pytest

from experimentation.domain.assignment import Reason
from experimentation.domain.errors import ConflictError
from experimentation.domain.experiment import Layer, RampStep, Schedule, Status
from experimentation.domain.layers import MOST_CLAIMS, Claim, claimed, live
from experimentation.domain.lifecycle import COMPLETION_DELAY_MS, transition
from experimentation.domain.schedule import carried_out
from experimentation.storage import experiments, layers
from experimentation.usecases.assigning import assign_all
from experimentation.usecases.runtime import Runtime
from functions.assignments import read
from functions.layers import list as listing
from tests.conftest import Headers, now
from tests.experiments import CREATED_AT, definition, experiment, running
from tests.functions import experiment_calls
from tests.functions.callers import call

LOWER, UPPER = Layer("checkout", 0, 500_000), Layer("checkout", 500_000, 1_000_000)


def created(headers: Headers, name: str, start: float, end: float, key: str = "checkout", **more: Any) -> Any:
    layer = {"key": key, "from": start, "to": end}
    body = definition(id=name, layer=layer, **more)
    if "traffic_allocation" not in more:
        del body["traffic_allocation"]
    return experiment_calls.call("create", headers, body)


def occupancy(headers: Headers, **query: object) -> Any:
    return call(listing.handler, "GET", "/layers", query=query, headers=headers).json


def test_experiments_of_one_layer_have_no_user_in_common_and_those_of_others_do(aws: None) -> None:
    for name, layer in {"a": LOWER, "b": UPPER, "c": Layer("other", 0, 500_000)}.items():
        running(name, now(), layer=layer, traffic_allocation=500_000)
    runtime = Runtime()
    wanted = [runtime.experiments.read(name, now()) for name in "abc"]

    found = [
        tuple(each.reason is Reason.ASSIGNED for each in assign_all(wanted, f"u{n}", {}, runtime))
        for n in range(60)
    ]

    assert all(in_a is not in_b for in_a, in_b, _ in found)
    assert len(set(found)) == 4


def test_range_that_overlaps_another_is_409_and_names_it(as_user: Headers) -> None:
    created(as_user, "a", 0, 50)

    beside = created(as_user, "b", 50, 75.5)
    over = created(as_user, "c", 75, 100)
    elsewhere = created(as_user, "c", 75, 100, key="other")

    assert (beside["statusCode"], over["statusCode"], elsewhere["statusCode"]) == (201, 409, 201)
    assert json.loads(over["body"])["errors"] == [{"pointer": "/layer", "detail": "b has 50 to 75.5"}]


def test_traffic_is_the_width_of_the_range(as_user: Headers) -> None:
    alone = json.loads(created(as_user, "a", 10, 30)["body"])
    equal = json.loads(created(as_user, "b", 30, 50, traffic_allocation=20)["body"])
    other = created(as_user, "c", 50, 60, traffic_allocation=20)

    assert (alone["traffic_allocation"], alone["layer"]) == (20, {"key": "checkout", "from": 10, "to": 30})
    assert equal["traffic_allocation"] == 20
    assert other["statusCode"] == 422
    assert json.loads(other["body"])["errors"][0]["pointer"] == "/traffic_allocation"


@pytest.mark.parametrize(
    ("layer", "pointer"),
    [
        ({"key": "checkout", "from": 50, "to": 50}, "/layer/to"),
        ({"key": "checkout", "from": 0, "to": 101}, "/layer/to"),
        ({"key": "checkout", "from": -1, "to": 10}, "/layer/from"),
        ({"key": "Check out", "from": 0, "to": 10}, "/layer/key"),
        ({"key": "checkout", "to": 10}, "/layer/from"),
    ],
)
def test_range_that_is_none_is_422_and_named(as_user: Headers, layer: Any, pointer: str) -> None:
    answer = experiment_calls.call("create", as_user, definition(layer=layer))

    assert answer["statusCode"] == 422
    assert pointer in [error["pointer"] for error in json.loads(answer["body"])["errors"]]


def test_draft_may_move_and_leave_and_a_deleted_one_gives_its_range_back(as_user: Headers) -> None:
    created(as_user, "a", 0, 50)

    moved = experiment_calls.call("update", as_user, {"layer": {"key": "two", "from": 5, "to": 10}}, "a")
    after_move = created(as_user, "b", 0, 50)
    left = experiment_calls.call("update", as_user, {"layer": None}, "a")
    experiment_calls.call("delete", as_user, None, "b")

    assert (moved["statusCode"], after_move["statusCode"], left["statusCode"]) == (200, 201, 200)
    assert json.loads(left["body"])["layer"] is None
    assert [layer["ranges"] for layer in occupancy(as_user)["layers"]] == [[], []]
    history = experiment_calls.call("history", as_user, None, "a")
    assert '"field":"layer","from":{"key":"two","from":5,"to":10},"to":null' in history["body"]


def test_once_started_only_the_upper_end_may_grow_and_only_where_it_is_free(as_user: Headers) -> None:
    created(as_user, "a", 0, 30)
    created(as_user, "b", 60, 80)
    experiment_calls.call("change_status", as_user, {"status": "running"}, "a")

    def changed(**edit: Any) -> int:
        return int(experiment_calls.call("update", as_user, edit, "a")["statusCode"])

    assert changed(layer={"key": "checkout", "from": 0, "to": 40}) == 200
    assert changed(traffic_allocation=50) == 200
    assert changed(layer={"key": "checkout", "from": 0, "to": 45}) == 409
    assert changed(layer={"key": "checkout", "from": 1, "to": 50}) == 409
    assert changed(layer={"key": "other", "from": 0, "to": 50}) == 409
    assert changed(layer=None) == 409
    assert changed(layer={"key": "checkout", "from": 0, "to": 61}) == 409
    (layer,) = occupancy(as_user)["layers"]
    assert [(each["from"], each["to"]) for each in layer["ranges"]] == [(0, 50), (60, 80)]
    assert layer["free"] == [{"from": 50, "to": 60}, {"from": 80, "to": 100}]


def test_range_is_given_back_at_the_end_and_not_before(aws: None) -> None:
    experiments.create(experiment(id="a", layer=LOWER, traffic_allocation=500_000), "alice")
    ended = CREATED_AT + 60_000
    for status in (Status.RUNNING, Status.COMPLETED):
        experiments.change("a", lambda e, to=status: transition(e, to, ended), now=ended, actor="alice")  # type: ignore[misc]
    rival = experiment(id="b", layer=LOWER, traffic_allocation=500_000)

    with pytest.raises(ConflictError, match="overlaps that of a"):
        experiments.create(replace(rival, created_at=ended + COMPLETION_DELAY_MS - 1), "alice")
    experiments.create(replace(rival, created_at=ended + COMPLETION_DELAY_MS), "alice")

    assert [claim.experiment_id for claim in layers.read("checkout").claims] == ["b"]
    # What ended keeps its definition, and its range is not claimed again by what may still change in it.
    experiments.change("a", lambda e: replace(e, note="won"), now=ended + 90_000, actor="alice")
    assert [claim.experiment_id for claim in layers.read("checkout").claims] == ["b"]


def test_claim_that_loses_a_race_is_read_again(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    rival = experiment(id="a", layer=LOWER, traffic_allocation=500_000)
    committing = experiments.commit

    def late(actions: Any) -> None:
        monkeypatch.setattr(experiments, "commit", committing)
        experiments.create(rival, "alice")
        committing(actions)

    monkeypatch.setattr(experiments, "commit", late)
    experiments.create(experiment(id="b", layer=UPPER, traffic_allocation=500_000), "bob")
    monkeypatch.setattr(experiments, "commit", late)
    rival = experiment(id="c", layer=Layer("new", 0, 10), traffic_allocation=10)

    with pytest.raises(ConflictError, match="overlaps that of c"):
        experiments.create(experiment(id="d", layer=Layer("new", 9, 20), traffic_allocation=11), "bob")
    assert [each.experiment_id for each in layers.read("checkout").claims] == ["a", "b"]


def test_scheduled_ramp_moves_the_upper_end() -> None:
    at = CREATED_AT + 1_000
    schedule = Schedule(None, None, (RampStep(at, 400_000),))
    started = experiment(
        layer=Layer("checkout", 100_000, 200_000),
        traffic_allocation=100_000,
        status=Status.RUNNING,
        started_at=CREATED_AT,
        schedule=schedule,
    )

    assert carried_out(started, at).layer == Layer("checkout", 100_000, 500_000)


def test_layer_has_room_for_a_thousand() -> None:
    full = [Claim(f"e{n}", n, n + 1) for n in range(MOST_CLAIMS)]
    wanted = experiment(layer=UPPER, traffic_allocation=500_000)

    with pytest.raises(ConflictError, match="takes no more"):
        claimed(full, wanted, CREATED_AT)


def test_claims_hold_until_their_end() -> None:
    claims = [Claim("b", 10, 20, until=5), Claim("a", 0, 10)]

    assert [claim.experiment_id for claim in live(claims, 4)] == ["a", "b"]
    assert [claim.experiment_id for claim in live(claims, 5)] == ["a"]


def test_layers_page_in_the_order_of_their_keys(as_user: Headers) -> None:
    for key in ("b", "a"):
        created(as_user, f"x-{key}", 25, 75, key=key)

    first = occupancy(as_user, limit=1)
    second = occupancy(as_user, limit=1, cursor=first["next_cursor"])

    assert [layer["key"] for layer in first["layers"] + second["layers"]] == ["a", "b"]
    assert first["layers"][0]["ranges"] == [{"experiment_id": "x-a", "from": 25, "to": 75, "free_at": None}]


def test_explanation_shows_the_layers_draw(as_user: Headers) -> None:
    running("checkout-2", now(), layer=UPPER, traffic_allocation=500_000)
    path, parameters = "/experiments/checkout-2/assignments", {"experiment_id": "checkout-2"}
    query = {"user_id": "u1", "explain": "true"}

    answer = call(read.handler, "GET", path, query=query, headers=as_user, path_parameters=parameters)

    explanation = answer.json["explanation"]
    traffic = explanation["traffic"]
    assert (explanation["salt"], traffic["salt"]) == ("checkout-2", "checkout")
    assert (traffic["enrolled_from"], traffic["enrolled_below"]) == (500_000, 1_000_000)
    assert traffic["in_traffic"] is (traffic["bucket"] >= 500_000)
    assert bytes.fromhex(traffic["hash_input_hex"]) == b"v1\x1fcheckout\x1ftraffic\x1fu1"
