"""OFREP 0.3.0: POST /ofrep/v1/evaluate/flags and .../flags/{key}."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from experimentation.domain.bucketing import decide
from experimentation.storage import assignments, users
from experimentation.web.schemas.ofrep import EvaluationAnswer, EvaluationsAnswer
from functions.ofrep import evaluate, evaluate_all
from tests.conftest import Headers, forget
from tests.factory import document, event
from tests.functions.experiment_calls import call, created

ROUTE = "/ofrep/v1/evaluate/flags"
SAMPLES = Path(__file__).parents[2] / "events" / "ofrep"
HALVES = [("control", 500_000), ("treatment", 500_000)]


def one(
    headers: Mapping[str, str], context: object, key: str = "checkout-button", **more: Any
) -> dict[str, Any]:
    body = None if context is None else {"context": context}
    parameters = {"key": key}
    sent = event("POST", f"{ROUTE}/{key}", body, None, headers, parameters, route=f"{ROUTE}/{{key}}", **more)
    return evaluate.handler(sent)


def every(headers: Mapping[str, str], context: object, tag: str | None = None) -> dict[str, Any]:
    sent = {**headers, **({"If-None-Match": tag} if tag else {})}
    return evaluate_all.handler(event("POST", ROUTE, {"context": context}, headers=sent))


def flags(answer: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {flag["key"]: flag for flag in document(answer)["flags"]}


def in_traffic(variant: str | None, traffic: int = 1_000_000) -> str:
    users = (f"user-{number}" for number in range(1_000))
    return next(user for user in users if decide("checkout-button", user, traffic, HALVES) == variant)


def with_configs(control: object, treatment: object) -> list[dict[str, object]]:
    return [
        {"key": "control", "weight": 50, "config": control},
        {"key": "treatment", "weight": 50, "config": treatment},
    ]


@pytest.mark.parametrize("variant", ["control", "treatment"])
def test_an_assigned_user_gets_the_variants_value(variant: str, as_user: Headers) -> None:
    created(as_user, status="running")
    user = in_traffic(variant)

    answers = [one(as_user, {"targetingKey": user, "country": "DE"}) for _ in range(2)]

    color = {"control": "blue", "treatment": "green"}[variant]
    assert [answer["statusCode"] for answer in answers] == [200, 200]
    assert document(answers[0]) == document(answers[1])
    assert document(answers[0]) == {
        "key": "checkout-button",
        "value": {"color": color},
        "variant": variant,
        "reason": "SPLIT",
        "metadata": {"enrolled": True},
    }
    EvaluationAnswer.model_validate_json(answers[0]["body"])
    assert answers[0]["headers"]["Cache-Control"] == "no-store"


def test_an_evaluation_is_an_assignment_with_its_context(as_user: Headers) -> None:
    created(as_user, status="running")

    one(as_user, {"targetingKey": "u1", "country": "DE", "age": 7, "plan": None})

    kept = assignments.read("checkout-button", "u1")
    assert kept is not None
    assert (kept.variant, dict(kept.context)) == ("control", {"country": "DE", "age": 7})


@pytest.mark.parametrize(
    ("config", "value"),
    [
        (True, "true"),
        (10, "10"),
        (10.0, "10.0"),
        ("text", '"text"'),
        ({"value": 10.0}, "10.0"),
        ({"value": {"a": 1}}, '{"a":1}'),
        ({"value": None}, '{"value":null}'),
        ({"value": 1, "more": 2}, '{"value":1,"more":2}'),
        ({"color": "green"}, '{"color":"green"}'),
        ([1, 2], "[1,2]"),
        (None, '"control"'),
    ],
)
def test_a_flags_value_is_its_config(config: object, value: str, as_user: Headers) -> None:
    created(as_user, status="running", variants=with_configs(config, config))

    answer = one(as_user, {"targetingKey": in_traffic("control")})

    assert f'"value":{value},"variant":"control"' in answer["body"]


def test_an_override_is_a_targeting_match_and_not_stored(as_user: Headers) -> None:
    created(as_user, status="running")

    found = document(one(as_user, {"targetingKey": "qa-1"}))

    assert (found["variant"], found["reason"]) == ("treatment", "TARGETING_MATCH")
    assert assignments.read("checkout-button", "qa-1") is None


def test_a_user_outside_the_traffic_gets_the_controls_value(as_user: Headers) -> None:
    created(as_user, status="running", traffic_allocation=10)

    found = document(one(as_user, {"targetingKey": in_traffic(None, 100_000)}))

    assert (found["variant"], found["value"]) == ("control", {"color": "blue"})
    assert (found["reason"], found["metadata"]) == ("STATIC", {"enrolled": False})


@pytest.mark.parametrize("status", ["draft", "paused", "completed"])
def test_a_flag_that_does_not_run_gives_newcomers_the_controls_value(status: str, as_user: Headers) -> None:
    created(as_user, status=status)

    found = document(one(as_user, {"targetingKey": in_traffic("treatment")}))

    assert (found["variant"], found["value"]) == ("control", {"color": "blue"})
    assert (found["reason"], found["metadata"]) == ("DISABLED", {"enrolled": False})


@pytest.mark.parametrize("status", ["paused", "completed"])
def test_a_user_keeps_the_variant_when_the_experiment_no_longer_runs(status: str, as_user: Headers) -> None:
    created(as_user, status="running")
    user = in_traffic("treatment")
    one(as_user, {"targetingKey": user})
    call("change_status", as_user, {"status": status})
    forget()

    found = document(one(as_user, {"targetingKey": user}))
    listed = flags(every(as_user, {"targetingKey": user}))

    assert (found["variant"], found["reason"]) == ("treatment", "SPLIT")
    assert listed == {"checkout-button": found}


@pytest.mark.parametrize("key", ["nothing", "With Space", "a/b", "x" * 65, "ü"])
def test_an_unknown_flag_is_not_found(key: str, as_user: Headers) -> None:
    answer = one(as_user, {"targetingKey": "u1"}, key)

    failure = document(answer)
    assert answer["statusCode"] == 404
    assert (failure["key"], failure["errorCode"]) == (key, "FLAG_NOT_FOUND")
    assert failure["errorDetails"]


@pytest.mark.parametrize(
    "raw_body",
    [
        "",
        "{}",
        '{"context": null}',
        '{"context": {}}',
        '{"context": {"country": "DE"}}',
        '{"context": {"targetingKey": ""}}',
        '{"context": {"targetingKey": null}}',
    ],
)
def test_a_context_without_a_user_is_a_missing_targeting_key(raw_body: str, as_user: Headers) -> None:
    created(as_user, status="running")
    single = event("POST", f"{ROUTE}/checkout-button", raw_body=raw_body, headers=as_user)
    single["pathParameters"] = {"key": "checkout-button"}

    answers = [
        evaluate.handler(single),
        evaluate_all.handler(event("POST", ROUTE, raw_body=raw_body, headers=as_user)),
    ]

    assert [answer["statusCode"] for answer in answers] == [400, 400]
    assert [document(answer)["key"] for answer in answers] == ["checkout-button", ""]
    assert {document(answer)["errorCode"] for answer in answers} == {"TARGETING_KEY_MISSING"}
    assert all(document(answer)["errorDetails"] for answer in answers)


@pytest.mark.parametrize(
    ("context", "named"),
    [
        ({"targetingKey": 7}, "targetingKey"),
        ({"targetingKey": "x" * 257}, "targetingKey"),
        ({"targetingKey": "a\nb"}, "targetingKey"),
        (
            {"targetingKey": "u1", "nested": {"a": 1}},
            "/context/nested: must be text, true or false or a number",
        ),
        ({"targetingKey": "u1", "list": [1]}, "/context/list"),
        ({"targetingKey": "u1", **{f"k{n}": n for n in range(21)}}, "20 keys"),
        ({"targetingKey": "u1", "long": "x" * 2_048}, "2048 bytes"),
        ("u1", "context"),
        ([], "context"),
    ],
)
def test_a_context_that_is_not_valid_says_where(context: object, named: str, as_user: Headers) -> None:
    created(as_user, status="running")

    answers = [one(as_user, context), every(as_user, context)]

    assert [answer["statusCode"] for answer in answers] == [400, 400]
    for answer in answers:
        assert document(answer)["errorCode"] == "INVALID_CONTEXT"
        assert named in document(answer)["errorDetails"]
    assert users.read_head("u1", consistent=True).boundaries == ()


@pytest.mark.parametrize("raw_body", ["{", "[" * 100_000, b"\xff"])
def test_a_body_that_is_not_json_is_a_parse_error(raw_body: str | bytes, as_user: Headers) -> None:
    answer = evaluate_all.handler(event("POST", ROUTE, raw_body=raw_body, headers=as_user))

    assert answer["statusCode"] == 400
    assert document(answer)["errorCode"] == "PARSE_ERROR"
    assert set(document(answer)) == {"key", "errorCode", "errorDetails"}


def test_a_body_of_another_type_is_a_parse_error(as_user: Headers) -> None:
    sent = event("POST", ROUTE, raw_body="<a/>", headers={**as_user, "Content-Type": "text/xml"})

    answer = evaluate_all.handler(sent)

    assert (answer["statusCode"], document(answer)["errorCode"]) == (400, "PARSE_ERROR")


def test_emoji_are_users_too(as_user: Headers) -> None:
    created(as_user, status="running")

    assert one(as_user, {"targetingKey": "😀"})["statusCode"] == 200


def test_members_of_later_versions_are_ignored(as_user: Headers) -> None:
    created(as_user, status="running")
    sent = event("POST", ROUTE, {"context": {"targetingKey": "u1"}, "flags": ["a"]}, headers=as_user)

    assert evaluate_all.handler(sent)["statusCode"] == 200


def test_without_a_credential_every_member_of_a_failure_is_there(aws: None) -> None:
    answers = [one({}, {"targetingKey": "u1"}), every({}, {"targetingKey": "u1"})]

    assert [answer["statusCode"] for answer in answers] == [401, 401]
    assert [document(answer)["key"] for answer in answers] == ["checkout-button", ""]
    for answer in answers:
        assert document(answer)["errorCode"] == "GENERAL"
        assert answer["headers"]["Content-Type"] == "application/json"
        assert "Retry-After" not in answer["headers"]


def test_another_scope_is_forbidden(as_key: Any) -> None:
    assert one(as_key("assignments:read"), {"targetingKey": "u1"})["statusCode"] == 403


def test_a_fault_of_ours_names_the_request_alone(as_user: Headers, monkeypatch: pytest.MonkeyPatch) -> None:
    created(as_user, status="running")
    monkeypatch.delenv("DATA_TABLE")

    answer = one(as_user, {"targetingKey": "u1"})

    failure = document(answer)
    assert answer["statusCode"] == 500
    assert (failure["key"], failure["errorCode"]) == ("checkout-button", "GENERAL")
    assert "DATA_TABLE" not in answer["body"]


def test_all_flags_are_evaluated_at_once(as_user: Headers) -> None:
    for name, status in {
        "b": "running",
        "a": "running",
        "c": "paused",
        "d": "draft",
        "e": "completed",
    }.items():
        created(as_user, id=name, salt=name, status=status, overrides={})

    answer = every(as_user, {"targetingKey": "u1"})

    EvaluationsAnswer.model_validate_json(answer["body"])
    assert [flag["key"] for flag in document(answer)["flags"]] == ["a", "b", "c"]
    assert {key: flag["reason"] for key, flag in flags(answer).items()} == {
        "a": "SPLIT",
        "b": "SPLIT",
        "c": "DISABLED",
    }
    for key in ("a", "b", "c"):
        assert flags(answer)[key] == document(one(as_user, {"targetingKey": "u1"}, key))


def test_a_draft_is_shown_to_those_who_check_it(as_user: Headers) -> None:
    created(as_user)

    assert list(flags(every(as_user, {"targetingKey": "u1"}))) == []
    assert flags(every(as_user, {"targetingKey": "qa-1"}))["checkout-button"]["reason"] == "TARGETING_MATCH"


def test_unchanged_flags_are_not_sent_again(as_user: Headers) -> None:
    created(as_user, status="running")
    first = every(as_user, {"targetingKey": "u1", "country": "DE"})

    again = every(as_user, {"country": "DE", "targetingKey": "u1"}, first["headers"]["ETag"])

    assert again["statusCode"] == 304
    assert "body" not in again
    assert again["headers"]["ETag"] == first["headers"]["ETag"]


@pytest.mark.parametrize(
    "context",
    [
        {"targetingKey": "u1", "country": "US"},
        {"targetingKey": "u1"},
        {"targetingKey": "u2", "country": "DE"},
    ],
)
def test_a_changed_context_is_answered_anew(context: dict[str, str], as_user: Headers) -> None:
    created(as_user, status="running")
    tag = every(as_user, {"targetingKey": "u1", "country": "DE"})["headers"]["ETag"]

    assert every(as_user, context, tag)["statusCode"] == 200


def test_a_changed_configuration_is_answered_anew(as_user: Headers) -> None:
    created(as_user, status="running", traffic_allocation=0)  # who is enrolled cannot be overridden
    tag = every(as_user, {"targetingKey": "u1"})["headers"]["ETag"]
    call("update", as_user, {"overrides": {"u1": "treatment"}})
    forget()

    answer = every(as_user, {"targetingKey": "u1"}, tag)

    assert answer["statusCode"] == 200
    assert flags(answer)["checkout-button"]["variant"] == "treatment"


@pytest.mark.parametrize(("operation", "handler"), [("evaluate", evaluate), ("evaluate_all", evaluate_all)])
def test_the_sample_event_is_answered(operation: str, handler: Any, as_user: Headers) -> None:
    created(as_user, status="running")
    sample = json.loads((SAMPLES / f"{operation}.json").read_text())
    headers = {name: value for name, value in sample["headers"].items() if name != "x-api-key"}
    sample["headers"] = headers | as_user

    assert handler.handler(sample)["statusCode"] == 200


def test_a_user_who_counts_from_exposure_gets_the_drawn_value_and_is_not_enrolled(as_user: Headers) -> None:
    created(as_user, status="running", count_from="exposure")
    user = in_traffic("treatment")

    flag = document(one(as_user, {"targetingKey": user}))
    (listed,) = flags(every(as_user, {"targetingKey": user})).values()

    assert flag == listed
    assert (flag["value"], flag["variant"], flag["reason"]) == ({"color": "green"}, "treatment", "SPLIT")
    assert flag["metadata"] == {"enrolled": False}
    assert assignments.read("checkout-button", user) is None
