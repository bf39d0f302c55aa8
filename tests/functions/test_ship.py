"""Shipping: one variant for everybody, on every surface, until it is withdrawn."""

from typing import Any

import pytest

from experimentation.storage import assignments, users
from functions.assignments import assign, assign_all, read
from functions.ofrep import evaluate, evaluate_all
from functions.results import read as results
from tests.conftest import Headers, forget
from tests.factory import document
from tests.functions import callers
from tests.functions.experiment_calls import call, created

ROUTE = "/experiments/checkout-button/assignments"
HERE = {"experiment_id": "checkout-button"}
SHIPPED = {"status": "completed", "ship": "treatment", "conclusion": "won", "note": "Green sells."}


def shipped(headers: Headers) -> dict[str, Any]:
    created(headers, status="running")
    answer = call("change_status", headers, SHIPPED)
    assert answer["statusCode"] == 200, answer
    forget()
    return document(answer)


def assigned(headers: Headers, user_id: str) -> callers.Answer:
    return callers.call(
        assign.handler, "POST", ROUTE, {"user_id": user_id}, headers=headers, path_parameters=HERE
    )


def found(headers: Headers, user_id: str, **query: object) -> Any:
    asked = {"user_id": user_id, **query}
    return callers.call(read.handler, "GET", ROUTE, query=asked, headers=headers, path_parameters=HERE).json


def pointers(answer: dict[str, Any]) -> list[str]:
    return [error["pointer"] for error in document(answer)["errors"]]


def test_everybody_gets_the_shipped_variant_and_nobody_is_enrolled(as_user: Headers) -> None:
    shipped(as_user)

    answers = [assigned(as_user, f"user-{number}") for number in range(20)]

    assert {answer.status for answer in answers} == {200}
    assert answers[0].json == {
        "experiment_id": "checkout-button",
        "user_id": "user-0",
        "enrolled": False,
        "variant": "treatment",
        "config": {"color": "green"},
        "assigned_at": None,
        "reason": "shipped",
    }
    assert {answer.json["variant"] for answer in answers} == {"treatment"}
    assert assignments.read("checkout-button", "user-0") is None
    assert users.read_head("user-0", consistent=True).version == 0


def test_neither_an_earlier_assignment_nor_an_override_stays_behind(as_user: Headers) -> None:
    created(as_user, status="running", overrides={"qa-1": "control"})
    before = {assigned(as_user, f"user-{number}").json["variant"] for number in range(20)}
    call("change_status", as_user, SHIPPED)
    forget()

    after = [assigned(as_user, user_id).json for user_id in ("qa-1", *(f"user-{n}" for n in range(20)))]

    assert before == {"control", "treatment"}
    assert {(each["variant"], each["reason"]) for each in after} == {("treatment", "shipped")}


def test_assigning_in_all_experiments_answers_the_shipped_one_beside_the_running(as_user: Headers) -> None:
    shipped(as_user)
    created(as_user, status="running", id="other")
    created(as_user, status="completed", id="over")
    forget()

    for names in (None, ["checkout-button", "other"]):
        body = {"user_id": "u1", "experiments": names}
        answer = callers.call(assign_all.handler, "POST", "/assignments", body, headers=as_user)
        reasons = {each["experiment_id"]: each["reason"] for each in answer.json["assignments"]}
        assert reasons.pop("checkout-button") == "shipped"
        assert reasons.keys() == {"other"}


def test_a_flag_is_the_shipped_variant_and_static(as_user: Headers) -> None:
    shipped(as_user)
    body = {"context": {"targetingKey": "u1"}}

    path = "/ofrep/v1/evaluate/flags"
    one = callers.call(
        evaluate.handler, "POST", f"{path}/checkout-button", body, headers=as_user,
        path_parameters={"key": "checkout-button"},
    )  # fmt: skip
    every = callers.call(evaluate_all.handler, "POST", path, body, headers=as_user)

    assert one.json == {
        "key": "checkout-button",
        "value": {"color": "green"},
        "variant": "treatment",
        "reason": "STATIC",
        "metadata": {"enrolled": False},
    }
    assert every.json["flags"] == [one.json]


def test_an_explanation_says_what_is_shipped_and_what_was_assigned(as_user: Headers) -> None:
    created(as_user, status="running")
    before = assigned(as_user, "u1").json
    call("change_status", as_user, SHIPPED)

    explained = found(as_user, "u1", explain="true")

    assert (explained["reason"], explained["variant"]) == ("shipped", "treatment")
    assert explained["explanation"]["shipped"] == "treatment"
    assert explained["stored"] == {"variant": before["variant"], "assigned_at": before["assigned_at"]}
    assert found(as_user, "stranger")["reason"] == "shipped"


def test_every_reading_says_what_is_shipped(as_user: Headers) -> None:
    made = shipped(as_user)
    path = "/experiments/checkout-button/results"

    listed = document(call("list", as_user))["experiments"][0]
    readings = [made, document(call("read", as_user))]
    readings += [
        callers.call(
            results.handler, "GET", path, query={"format": kind}, headers=as_user, path_parameters=HERE
        ).json
        for kind in ("full", "summary")
    ]

    ending = {name: SHIPPED[name] for name in ("ship", "conclusion", "note")}
    assert [{name: each[name] for name in ending} for each in readings] == [ending] * 4
    assert (listed["ship"], listed["conclusion"]) == ("treatment", "won")


@pytest.mark.parametrize("how", ["update", "change_status"])
def test_what_is_shipped_is_changed_and_withdrawn_with_its_history(how: str, as_user: Headers) -> None:
    shipped(as_user)
    status = {"status": "completed"} if how == "change_status" else {}

    changed = call(how, as_user, status | {"ship": "control"})
    withdrawn = call(how, as_user, status | {"ship": None, "conclusion": None})
    forget()

    assert (changed["statusCode"], document(changed)["ship"]) == (200, "control")
    assert document(withdrawn)["ship"] is None
    assert assigned(as_user, "u1").json["reason"] == "not_running"
    changes = [entry["changes"] for entry in document(call("history", as_user))["history"]]
    assert {"field": "ship", "from": "treatment", "to": "control"} in changes[1]
    assert {"field": "ship", "from": "control", "to": None} in changes[0]
    assert {"field": "ship", "from": None, "to": "treatment"} in changes[2]


def test_a_retry_of_shipping_is_the_same_answer_and_no_second_change(as_user: Headers) -> None:
    first = shipped(as_user)

    again = document(call("change_status", as_user, SHIPPED))

    assert again == first
    assert call("change_status", as_user, {"status": "completed"})["statusCode"] == 409


@pytest.mark.parametrize("how", ["update", "change_status"])
def test_an_unknown_variant_is_not_shipped(how: str, as_user: Headers) -> None:
    created(as_user, status="completed" if how == "update" else "running")
    status = {"status": "completed"} if how == "change_status" else {}

    answer = call(how, as_user, status | {"ship": "other"})

    assert (answer["statusCode"], pointers(answer)) == (422, ["/ship"])
    assert document(call("read", as_user))["ship"] is None


@pytest.mark.parametrize("body", [{"ship": "treatment"}, {"conclusion": "won"}, {"note": "so"}])
@pytest.mark.parametrize("status", ["draft", "running", "paused"])
def test_what_has_not_ended_is_not_shipped(status: str, body: dict[str, str], as_user: Headers) -> None:
    created(as_user, status=status)

    answer = call("update", as_user, body)

    assert (answer["statusCode"], pointers(answer)) == (409, [f"/{name}" for name in body])


def test_a_start_ships_nothing(as_user: Headers) -> None:
    created(as_user)

    answer = call("change_status", as_user, {"status": "running", "ship": "treatment"})

    assert (answer["statusCode"], pointers(answer)) == (409, ["/ship"])
    assert document(call("read", as_user))["status"] == "draft"
