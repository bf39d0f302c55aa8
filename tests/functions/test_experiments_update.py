"""PATCH /experiments/{experiment_id}."""

from datetime import datetime
from typing import Any

import pytest

from experimentation.domain.assignment import Assignment
from experimentation.domain.clock import milliseconds
from experimentation.storage import assignments
from experimentation.storage.aws.transactions import commit
from tests.conftest import Headers
from tests.experiments import definition
from tests.factory import document
from tests.functions.experiment_calls import call, created, tag

OTHER_WEIGHTS = [{"key": "control", "weight": 10}, {"key": "treatment", "weight": 90}]


def pointers(answer: dict[str, Any]) -> list[str]:
    return [error["pointer"] for error in document(answer).get("errors", [])]


def test_a_draft_changes_and_gets_the_next_version(as_user: Headers) -> None:
    made = created(as_user)

    answer = call(
        "update", as_user, {"variants": OTHER_WEIGHTS, "planned_users": None, "minimum_effect": 0.1}
    )

    changed = document(answer)
    assert answer["statusCode"] == 200
    assert answer["headers"]["ETag"] == tag(made, 2)
    assert [variant["weight"] for variant in changed["variants"]] == [10, 90]
    assert (changed["planned_users"], changed["minimum_effect"], changed["version"]) == (None, 0.1, 2)
    assert document(call("read", as_user)) == changed


def test_what_is_not_sent_stays(as_user: Headers) -> None:
    before = document(created(as_user))

    after = document(call("update", as_user, {"description": "Longer"}))

    assert after["updated_at"] >= before["updated_at"]
    unchanged = before.keys() - {"description", "version", "updated_at"}
    assert {name: after[name] for name in unchanged} == {name: before[name] for name in unchanged}


@pytest.mark.parametrize("body", [{}, {"name": "Checkout button"}, {"variants": definition()["variants"]}])
def test_a_patch_of_nothing_keeps_the_version(body: dict[str, object], as_user: Headers) -> None:
    created(as_user, status="running")

    answer = call("update", as_user, body)

    assert answer["statusCode"] == 200
    assert document(answer)["version"] == 2


@pytest.mark.parametrize("status", ["running", "paused"])
@pytest.mark.parametrize(
    "body",
    [
        {"variants": OTHER_WEIGHTS},
        {"control": "treatment"},
        {"salt": "other"},
        {"traffic_allocation": 10},
        {"segments": []},
        {"analysis": "fixed"},
        {"planned_users": 10},
        {"min_users": 10},
        {"min_days": 1},
        {"minimum_effect": 0.5},
        {"metrics": []},
    ],
    ids=lambda body: next(iter(body)),
)
def test_what_is_not_safe_is_a_conflict_that_names_the_field(
    body: dict[str, object], status: str, as_user: Headers
) -> None:
    before = document(created(as_user, status=status))

    answer = call("update", as_user, body)

    (name,) = body
    assert answer["statusCode"] == 409
    assert pointers(answer) == [f"/{name}"]
    assert name in document(answer)["detail"]
    assert document(call("read", as_user)) == before


@pytest.mark.parametrize("status", ["running", "paused"])
def test_what_is_safe_changes_while_it_runs(status: str, as_user: Headers) -> None:
    before = document(created(as_user, status=status, traffic_allocation=10))
    metrics = [*before["metrics"], {"key": "sign_ups", "event_type": "sign_up", "kind": "count"}]
    body = {
        "name": "New",
        "description": "Longer",
        "hypothesis": "Green sells",
        "traffic_allocation": 33.3333,
        "metrics": metrics,
        "overrides": {},
    }

    after = document(call("update", as_user, body))

    assert {name: after[name] for name in body.keys() - {"metrics"}} == {
        name: body[name] for name in body.keys() - {"metrics"}
    }
    assert [metric["key"] for metric in after["metrics"]] == ["purchase_rate", "sign_ups"]
    assert after["metrics"][0] == before["metrics"][0]
    assert after["metrics"][1]["declared_at"] == after["updated_at"]


@pytest.mark.parametrize("body", [{"traffic_allocation": 99}, {"overrides": {}}, {"metrics": []}])
def test_a_completed_experiment_keeps_all_but_its_words(body: dict[str, object], as_user: Headers) -> None:
    created(as_user, status="completed")

    refused = call("update", as_user, body)
    renamed = call("update", as_user, {"name": "New"})

    assert refused["statusCode"] == 409
    assert renamed["statusCode"] == 200


@pytest.mark.parametrize("known", ['"1"', 'W/"1"', '"7", "1"', "*"])
def test_the_version_that_was_read_may_be_changed(known: str, as_user: Headers) -> None:
    made = created(as_user)
    known = known.replace('"1"', tag(made, 1))

    assert call("update", as_user, {"name": "New"}, if_match=known)["statusCode"] == 200


@pytest.mark.parametrize("known", ['"1"', 'W/"1"', '"3"', "nonsense", ""])
def test_a_stale_if_match_loses(known: str, as_user: Headers) -> None:
    made = created(as_user)
    call("update", as_user, {"name": "Won"})

    answer = call("update", as_user, {"name": "Lost"}, if_match=known.replace('"1"', tag(made, 1)))

    assert answer["statusCode"] == 412
    assert document(call("read", as_user))["name"] == "Won"


def test_of_two_that_read_the_same_version_one_wins(as_user: Headers) -> None:
    tag = created(as_user)["headers"]["ETag"]

    answers = [call("update", as_user, {"name": name}, if_match=tag)["statusCode"] for name in ("a", "b")]

    assert answers == [200, 412]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"name": None}, "/name"),
        ({"variants": None}, "/variants"),
        ({"variants": [{"key": "a", "weight": 50}, {"key": "b", "weight": 50}]}, "/control"),
        ({"variants": [{"key": "control", "weight": 100}]}, "/variants"),
        ({"metrics": [{"key": "m", "event_type": "a"}] * 2}, "/metrics/1/key"),
        ({"id": "other"}, "/id"),
        ({"status": "running"}, "/status"),
        ({"version": 3}, "/version"),
        ({"traffic_allocation": -1}, "/traffic_allocation"),
    ],
)
def test_a_patch_that_makes_no_sense_is_refused(
    body: dict[str, object], pointer: str, as_user: Headers
) -> None:
    created(as_user)

    answer = call("update", as_user, body)

    assert answer["statusCode"] == 422
    assert pointer in pointers(answer)


def test_an_unknown_experiment_is_not_found(as_user: Headers) -> None:
    assert call("update", as_user, {"name": "New"}, experiment_id="nothing")["statusCode"] == 404


def test_reading_rights_are_not_enough(as_user: Headers, as_key: Any) -> None:
    created(as_user)

    assert call("update", as_key("experiments:read"), {"name": "New"})["statusCode"] == 403


def test_a_user_who_counts_already_cannot_be_overridden(as_user: Headers) -> None:
    made = document(created(as_user, status="running"))
    kept = Assignment("checkout-button", "u1", "control", milliseconds_of(made["started_at"]), {})
    commit([assignments.put(kept)])

    refused = call("update", as_user, {"overrides": {"u1": "treatment", "qa-2": "control"}})
    others = call("update", as_user, {"overrides": {"qa-2": "control"}})

    assert refused["statusCode"] == 409
    assert [error["detail"] for error in document(refused)["errors"]] == ["u1 is enrolled already"]
    assert others["statusCode"] == 200


def milliseconds_of(text: str) -> int:
    return milliseconds(datetime.fromisoformat(text))
