"""POST /experiments."""

import json
from typing import Any

import pytest

from functions.experiments.create import handler
from reference.schemas.experiments import ExperimentAnswer
from tests.conftest import Headers
from tests.experiments import definition
from tests.factory import document, event
from tests.functions.experiment_calls import call

HALVES = [{"key": "control", "weight": 50}, {"key": "treatment", "weight": 50}]


def weighted(*weights: object) -> list[dict[str, object]]:
    return [{"key": f"v{place}", "weight": weight} for place, weight in enumerate(weights)]


def pointers(answer: dict[str, Any]) -> list[str]:
    return [error["pointer"] for error in document(answer).get("errors", [])]


def test_an_experiment_is_created_as_a_draft(as_user: Headers) -> None:
    answer = call("create", as_user, definition())

    made = document(answer)
    assert answer["statusCode"] == 201
    assert answer["headers"]["Location"] == "/experiments/checkout-button"
    assert answer["headers"]["ETag"].startswith('"1-')
    assert answer["headers"]["Cache-Control"] == "no-store"
    added = {"status", "version", "created_at", "created_by", "updated_at", "started_at", "ended_at"}
    added |= {"adjustment", "cuped_days", "audience", "layer", "ship", "conclusion", "note", "schedule"}
    added |= {"guard", "count_from", "prerequisite", "tags", "owner", "archived"}
    assert set(made) == set(definition()) | added
    unsaid = {"name": None, "margin": None, "declared_at": made["created_at"]}
    metrics = [metric | unsaid for metric in definition()["metrics"]]
    variants = [variant | {"name": None} for variant in definition()["variants"]]
    assert {name: made[name] for name in definition()} == definition(metrics=metrics, variants=variants)
    assert (made["status"], made["version"], made["created_by"]) == ("draft", 1, "ursula")
    assert (made["started_at"], made["ended_at"]) == (None, None)
    assert made["created_at"] == made["updated_at"]


def test_the_answer_is_what_the_documentation_says(as_user: Headers) -> None:
    answer = call("create", as_user, definition())

    ExperimentAnswer.model_validate_json(answer["body"])


def test_everything_but_the_name_and_the_variants_has_a_default(as_user: Headers) -> None:
    made = document(call("create", as_user, {"name": "Größe: XL", "variants": HALVES}))

    assert made["id"].startswith("groe-xl-")
    assert made["salt"] == made["id"]
    assert made["control"] == "control"
    assert made["traffic_allocation"] == 100
    assert (made["analysis"], made["min_users"], made["min_days"]) == ("sequential", 150, 7)
    assert (made["planned_users"], made["minimum_effect"]) == (None, None)
    assert (made["metrics"], made["segments"], made["overrides"]) == ([], [], {})
    assert [variant["config"] for variant in made["variants"]] == [None, None]


def test_two_generated_ids_differ(as_user: Headers) -> None:
    made = [document(call("create", as_user, {"name": "Same", "variants": HALVES}))["id"] for _ in range(2)]

    assert made[0] != made[1]


def test_an_id_is_taken_only_once(as_user: Headers) -> None:
    call("create", as_user, definition())

    answer = call("create", as_user, definition(name="Another"))

    assert answer["statusCode"] == 409
    assert "checkout-button" in document(answer)["detail"]


def test_a_key_is_named_as_the_author(as_key: Any) -> None:
    made = document(call("create", as_key("experiments:write"), definition()))

    assert made["created_by"].startswith("key:")


def test_reading_rights_are_not_enough(as_key: Any) -> None:
    assert call("create", as_key("experiments:read"), definition())["statusCode"] == 403


@pytest.mark.parametrize(
    "weights",
    [
        (33.3333, 33.3333, 33.3334),
        (0.0001, 99.9999),
        (50.0, 50),
        (0, 100),
        (5,) * 20,
        (14.2857,) * 6 + (14.2858,),
    ],
)
def test_weights_that_sum_to_exactly_100_are_kept_exactly(
    weights: tuple[float, ...], as_user: Headers
) -> None:
    body = definition(variants=weighted(*weights), control="v0", overrides={})

    made = document(call("create", as_user, body))

    assert [variant["weight"] for variant in made["variants"]] == list(weights)


def test_whole_weights_are_sent_without_decimals(as_user: Headers) -> None:
    body = definition(variants=weighted(50.0, 50), control="v0", overrides={})

    answer = call("create", as_user, body)

    assert '"weight":50,' in answer["body"]
    assert "50.0" not in answer["body"]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"variants": weighted(50, 49.9999), "control": "v0"}, "/variants"),
        ({"variants": weighted(50, 50.0001), "control": "v0"}, "/variants"),
        ({"variants": weighted(33.33333, 66.66667), "control": "v0"}, "/variants/0/weight"),
        ({"variants": weighted("50", 50), "control": "v0"}, "/variants/0/weight"),
        ({"variants": weighted(True, 99), "control": "v0"}, "/variants/0/weight"),
        ({"variants": weighted(-1, 101), "control": "v0"}, "/variants/0/weight"),
        ({"variants": weighted(1e300, 0), "control": "v0"}, "/variants/0/weight"),
        ({"variants": weighted(100), "control": "v0"}, "/variants"),
        ({"variants": weighted(*[4] * 25), "control": "v0"}, "/variants"),
        ({"variants": [HALVES[0], HALVES[0]]}, "/variants/1/key"),
        ({"variants": [HALVES[0], {"key": "b b", "weight": 50}]}, "/variants/1/key"),
        ({"variants": [HALVES[0], {"key": "_b", "weight": 50}]}, "/variants/1/key"),
        ({"variants": [HALVES[0], {"key": "b" * 65, "weight": 50}]}, "/variants/1/key"),
        ({"variants": [HALVES[0], {"key": "b", "weight": 50, "share": 1}]}, "/variants/1/share"),
        ({"control": "nobody"}, "/control"),
        ({"metrics": [{"key": "m", "event_type": "a"}, {"key": "m", "event_type": "b"}]}, "/metrics/1/key"),
        ({"metrics": [{"key": "m", "event_type": "a b"}]}, "/metrics/0/event_type"),
        ({"metrics": [{"key": "m", "event_type": "a", "kind": "mean"}]}, "/metrics/0/kind"),
        ({"metrics": [{"key": "m", "event_type": "a", "role": "main"}]}, "/metrics/0/role"),
        ({"segments": [{"key": "country", "values": []}]}, "/segments/0/values"),
        ({"segments": [{"key": "country", "values": ["x"] * 2}]}, "/segments/0/values/1"),
        ({"segments": [{"key": "country", "values": ["other"]}]}, "/segments/0/values/0"),
        ({"segments": [{"key": "c", "values": [str(n) for n in range(21)]}]}, "/segments/0/values"),
        ({"segments": [{"key": f"k{n}", "values": ["a"]} for n in range(4)]}, "/segments"),
        ({"segments": [{"key": "k", "values": ["a"]}] * 2}, "/segments/1/key"),
        ({"id": "with/slash"}, "/id"),
        ({"id": "with space"}, "/id"),
        ({"id": "Upper"}, "/id"),
        ({"id": ""}, "/id"),
        ({"id": "x" * 65}, "/id"),
        ({"id": "x\n"}, "/id"),
        ({"name": ""}, "/name"),
        ({"name": "   "}, "/name"),
        ({"name": "x" * 201}, "/name"),
        ({"name": None}, "/name"),
        ({"salt": ""}, "/salt"),
        ({"salt": "a\x1fb"}, "/salt"),
        ({"salt": "x" * 129}, "/salt"),
        ({"traffic_allocation": 100.0001}, "/traffic_allocation"),
        ({"traffic_allocation": "100"}, "/traffic_allocation"),
        ({"planned_users": 0}, "/planned_users"),
        ({"planned_users": 1.5}, "/planned_users"),
        ({"planned_users": "20000"}, "/planned_users"),
        ({"min_users": -1}, "/min_users"),
        ({"min_days": True}, "/min_days"),
        ({"minimum_effect": 0}, "/minimum_effect"),
        ({"minimum_effect": -0.02}, "/minimum_effect"),
        ({"minimum_effect": 1e-7}, "/minimum_effect"),
        ({"minimum_effect": 1000}, "/minimum_effect"),
        ({"analysis": "bayesian"}, "/analysis"),
        ({"overrides": {"qa-1": "nobody"}}, "/overrides/qa-1"),
        ({"overrides": {f"qa-{n}": "control" for n in range(101)}}, "/overrides"),
        ({"overrides": {"": "control"}}, "/overrides//[key]"),
        ({"colour": "blue"}, "/colour"),
        ({"status": "running"}, "/status"),
    ],
)
def test_a_field_that_is_not_valid_is_named(changes: dict[str, Any], pointer: str, as_user: Headers) -> None:
    answer = call("create", as_user, definition(**({"overrides": {}} | changes)))

    assert answer["statusCode"] == 422
    assert pointer in pointers(answer)


@pytest.mark.parametrize(
    "config",
    [
        "10.0",
        "10",
        "-0.0",
        "1e-07",
        "123456789012345678901234567890",
        "true",
        '"text"',
        '{"value":10.0,"nested":[1,{"a":null}]}',
        '"größe 用户 😀"',
        "[]",
        "{}",
        '"' + "x" * 4094 + '"',
    ],
)
def test_a_config_comes_back_as_it_was_sent(config: str, as_user: Headers) -> None:
    body = json.dumps(definition(), separators=(",", ":")).replace('{"color":"blue"}', config)

    made = handler(event("POST", "/experiments", raw_body=body, headers=as_user))
    read = call("read", as_user)

    assert made["statusCode"] == 201
    assert f'"config":{config}}}' in made["body"]
    assert f'"config":{config}}}' in read["body"]


def nested(depth: int) -> list[Any]:
    return [nested(depth - 1)] if depth > 1 else []


@pytest.mark.parametrize(
    "config",
    ["x" * 4095, {"a": "é" * 2048}, ["x" * 100] * 40, nested(33)],
    ids=["text", "bytes", "list", "depth"],
)
def test_a_config_has_a_limit(config: object, as_user: Headers) -> None:
    variants = [HALVES[0] | {"config": config}, HALVES[1]]

    answer = call("create", as_user, definition(variants=variants))

    assert answer["statusCode"] == 422
    assert pointers(answer) == ["/variants/0/config"]


@pytest.mark.parametrize("number", ["1e400", "NaN", "Infinity", "1" * 5000])
def test_a_config_with_a_number_that_no_double_holds_is_refused(number: str, as_user: Headers) -> None:
    body = json.dumps(definition()).replace('"blue"', number)

    answer = handler(event("POST", "/experiments", raw_body=body, headers=as_user))

    assert answer["statusCode"] == 422
