"""An experiment's audience: who is let in, who stays, and why somebody is not in it."""

from dataclasses import replace
from typing import Any

import pytest

from experimentation.domain.experiment import Status
from experimentation.storage import assignments, experiments, users
from functions.assignments import assign, read
from functions.ofrep import evaluate
from tests.conftest import Headers, now
from tests.experiments import definition, running
from tests.functions import experiment_calls
from tests.functions.callers import Answer, call

GERMAN_ADULTS = {"country": "DE", "$not": {"age": {"$lt": 18}}}


def assigned(headers: Headers, user_id: str, name: str = "checkout", **context: object) -> Answer:
    path = f"/experiments/{name}/assignments"
    body = {"user_id": user_id, "context": context}
    return call(assign.handler, "POST", path, body, headers=headers, path_parameters={"experiment_id": name})


def explained(headers: Headers, user_id: str, **query: object) -> Any:
    path = "/experiments/checkout/assignments"
    query |= {"user_id": user_id, "explain": "true"}
    parameters = {"experiment_id": "checkout"}
    return call(read.handler, "GET", path, query=query, headers=headers, path_parameters=parameters)


def test_user_outside_the_audience_is_answered_and_not_stored(as_user: Headers) -> None:
    running("checkout", now(), audience=GERMAN_ADULTS)

    inside = assigned(as_user, "u1", country="DE", age=30)
    outside = assigned(as_user, "u2", country="US", age=30)

    assert (inside.status, inside.json["reason"]) == (201, "assigned")
    assert (outside.status, outside.json["enrolled"], outside.json["reason"]) == (
        200,
        False,
        "not_in_audience",
    )
    assert assignments.read("checkout", "u2") is None
    assert users.read_head("u2", consistent=True).version == 0


def test_user_outside_may_come_in_later_and_one_inside_stays(as_user: Headers) -> None:
    running("checkout", now(), audience=GERMAN_ADULTS)
    assigned(as_user, "u1", country="DE")

    moved = assigned(as_user, "u1", country="US")
    refused = assigned(as_user, "u2", country="US")
    let_in = assigned(as_user, "u2", country="DE")

    assert [each.json["reason"] for each in (moved, refused, let_in)] == [
        "stored",
        "not_in_audience",
        "assigned",
    ]


def test_traffic_is_asked_before_the_audience(as_user: Headers) -> None:
    running("checkout", now(), traffic_allocation=0, audience=GERMAN_ADULTS)

    assert assigned(as_user, "u1").json["reason"] == "not_in_traffic"


def test_override_and_status_come_before_the_audience(as_user: Headers) -> None:
    running("checkout", now(), audience=GERMAN_ADULTS)
    experiments.change("checkout", lambda e: replace(e, status=Status.PAUSED), now=now(), actor="alice")

    assert assigned(as_user, "qa-1", country="US").json["reason"] == "override"
    assert assigned(as_user, "u1", country="US").json["reason"] == "not_running"


def test_pattern_decides_as_the_others_do(as_user: Headers) -> None:
    running("checkout", now(), audience={"mail": {"$regex": "@example[.]com$"}})

    assert assigned(as_user, "u1", mail="ada@example.com").json["enrolled"]
    assert not assigned(as_user, "u2", mail="ada@example.com.evil.org").json["enrolled"]
    assert not assigned(as_user, "u3", mail=5).json["enrolled"]


def test_flag_of_a_user_outside_the_audience_has_the_controls_value(as_user: Headers) -> None:
    running("checkout", now(), audience=GERMAN_ADULTS)
    body = {"context": {"targetingKey": "u1", "country": "US"}}

    answer = call(
        evaluate.handler,
        "POST",
        "/ofrep/v1/evaluate/flags/checkout",
        body,
        headers=as_user,
        path_parameters={"key": "checkout"},
    )

    assert (answer.json["variant"], answer.json["reason"]) == ("control", "STATIC")
    assert answer.json["metadata"] == {"enrolled": False}


def test_explanation_says_which_part_fails(as_user: Headers) -> None:
    running("checkout", now(), audience=GERMAN_ADULTS)

    audience = explained(as_user, "u1", context='{"country": "US", "age": 12}').json["explanation"][
        "audience"
    ]

    assert audience == {
        "condition": GERMAN_ADULTS,
        "context": {"country": "US", "age": 12},
        "matches": False,
        "failed": [
            {"pointer": "/country", "expected": "DE", "actual": "US"},
            {"pointer": "/$not", "expected": {"age": {"$lt": 18}}, "actual": None},
        ],
    }


def test_explanation_of_a_stored_user_uses_the_stored_context(as_user: Headers) -> None:
    running("checkout", now(), audience=GERMAN_ADULTS)
    assigned(as_user, "u1", country="DE", age=30)

    stored = explained(as_user, "u1").json
    given = explained(as_user, "u1", context='{"country": "US"}').json

    assert stored["explanation"]["audience"]["matches"] is True
    assert given["explanation"]["audience"]["matches"] is False
    assert (given["enrolled"], given["reason"]) == (True, "stored")


def test_explanation_without_an_audience_has_none(as_user: Headers) -> None:
    running("checkout", now())

    assert explained(as_user, "u1").json["explanation"]["audience"] is None


@pytest.mark.parametrize(
    "context", ['{"a": {"b": 1}}', "[]", '"DE"', "DE", '{"a": 1e999}', '{"a": 1, "a": 2}']
)
def test_explanation_with_a_context_that_is_none_is_422(as_user: Headers, context: str) -> None:
    running("checkout", now())

    answer = explained(as_user, "u1", context=context)

    assert (answer.status, answer.json["errors"][0]["pointer"]) == (422, "/context")


def test_audience_is_answered_as_it_was_sent_and_every_change_has_its_history(as_user: Headers) -> None:
    created = experiment_calls.created(as_user, "running", audience={"age": {"$gte": 18.0}})
    changed = experiment_calls.call("update", as_user, {"audience": {"age": {"$gte": 21}}})
    removed = experiment_calls.call("update", as_user, {"audience": None})
    history = experiment_calls.call("history", as_user)

    assert '"audience":{"age":{"$gte":18.0}}' in created["body"]
    assert '"audience":{"age":{"$gte":21}}' in changed["body"]
    assert '"audience":null' in removed["body"]
    assert '"field":"audience","from":{"age":{"$gte":21}},"to":null' in history["body"]


@pytest.mark.parametrize("operation", ["create", "update"])
def test_what_is_no_condition_is_422_with_the_place(as_user: Headers, operation: str) -> None:
    audience = {"$or": [{"country": "DE"}, {"country": {"$size": 2}}, {"mail": {"$regex": "(?i)x"}}]}
    if operation == "update":
        experiment_calls.created(as_user)
    body = definition(audience=audience) if operation == "create" else {"audience": audience}

    answer = experiment_calls.call(operation, as_user, body)

    assert answer["statusCode"] == 422
    assert '"pointer":"/audience/$or/1/country/$size"' in answer["body"]
    assert '"pointer":"/audience/$or/2/mail/$regex"' in answer["body"]
