"""The OpenAPI document says what the template routes and what the functions answer, and nothing else."""

import json
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from pydantic import BaseModel, create_model

from experimentation.web.endpoint import Endpoint, endpoint
from local.paths import TEMPLATE
from local.template import read_template
from reference.document import LIFE, document, operations, sample
from reference.models import Models
from reference.operations import DOCUMENTED, Documented, documented
from tests.factory import event
from tests.functions.experiment_calls import created

type Json = dict[str, Any]

USER = "u1"


@pytest.fixture(scope="module")
def described() -> Json:
    """The document, as it is served."""
    made: Json = json.loads(json.dumps(document()))
    return made


def _operations(described: Json) -> Iterator[tuple[str, str, Json]]:
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def _validator(described: Json, schema: Json) -> Draft202012Validator:
    return Draft202012Validator(schema | {"components": described["components"]})


def test_the_document_is_valid_openapi(described: Json) -> None:
    validate(described)


def test_the_document_has_every_route_of_the_template_and_no_other(described: Json) -> None:
    routed = {route.key for f in read_template(TEMPLATE).functions for route in f.operations if route.path}

    documented = {f"{method} {path}" for method, path, _ in _operations(described)}

    assert documented == routed


def test_operations_stand_in_the_order_of_an_experiments_life(described: Json) -> None:
    ids = [operation["operationId"] for _, _, operation in _operations(described)]
    life = [
        "experiments_create",
        "experiments_change_status",
        "assignments_assign",
        "events_record",
        "results_read",
    ]

    assert sorted(life, key=ids.index) == life
    assert {"experiments", "assignments", "events", "results"} <= {each["name"] for each in described["tags"]}
    assert all(each.get("description") for each in described["tags"])
    assert set(LIFE) <= {each.name for each in operations()}


def test_every_operation_says_who_may_call_it(described: Json) -> None:
    rules = {
        each.route.key: each.module.handler.rule
        for each in operations()
        if isinstance(each.module.handler, Endpoint)
    }

    for method, path, operation in _operations(described):
        rule = rules.get(f"{method} {path}", "anyone")
        roles = [role for entry in operation["security"] for needed in entry.values() for role in needed]
        assert bool(operation["security"]) == (rule != "anyone"), path
        assert set(roles) == ({rule} - {"anyone", "person", "token"}), path


def test_only_people_are_offered_what_needs_an_administrator(described: Json) -> None:
    schemes = [set(entry) for entry in described["paths"]["/accounts"]["get"]["security"]]

    assert schemes == [{"bearer"}, {"cookie"}]


def test_every_problem_has_the_media_type_of_problems(described: Json) -> None:
    for _, path, operation in _operations(described):
        for status, answer in operation["responses"].items():
            if int(status) >= 400 and not path.startswith("/ofrep"):
                assert list(answer["content"]) == ["application/problem+json"], (path, status)
                media = answer["content"]["application/problem+json"]
                if not path.startswith("/static"):
                    _validator(described, media["schema"]).validate(media["example"])


def test_every_body_has_an_example_that_its_schema_takes(described: Json) -> None:
    for _, path, operation in _operations(described):
        media = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if media is not None:
            _validator(described, media["schema"]).validate(media["example"])
            assert media["example"] is not None, path


def test_every_answer_in_json_has_an_example_that_its_schema_takes(described: Json) -> None:
    """If this fails because an answer changed its shape, record it again: reference/record_answers.py."""
    for _, path, operation in _operations(described):
        good = {status: each for status, each in operation["responses"].items() if int(status) < 300}
        media = [each["content"].get("application/json") for each in good.values() if "content" in each]
        examples = [(each["schema"], each["example"]) for each in media if each and "example" in each]
        for schema, example in examples:
            _validator(described, schema).validate(example)
        assert examples or not any(media) or path == "/openapi.json", path


def test_parameters_without_which_a_call_fails_have_examples(described: Json) -> None:
    for _, path, operation in _operations(described):
        for parameter in operation.get("parameters", []):
            if parameter["required"] and not path.startswith("/static"):
                _validator(described, parameter["schema"]).validate(parameter["example"])


def test_two_models_of_one_name_are_refused() -> None:
    def declared(field: str) -> Any:
        model: type[BaseModel] = create_model("Same", __module__=f"made.for.{field}", **{field: (int, ...)})

        def handler(body: Any) -> None:
            """Take it."""

        handler.__annotations__["body"] = model
        return endpoint(scope="anyone")(handler)

    with pytest.raises(AssertionError, match="names of their own"):
        Models([(declared("one"), Documented()), (declared("two"), Documented())])


def test_declared_statuses_follow_from_what_the_functions_call() -> None:
    for each in operations():
        handler = each.module.handler
        if isinstance(handler, Endpoint):
            source = Path(str(each.module.__file__)).read_text()
            conditional = "tagged(" in source or "read_reply(" in source
            assert (304 in documented(each.name).also) == conditional, each.route.key
            assert (412 in documented(each.name).problems) == ("require_version(" in source), each.route.key


@pytest.mark.parametrize("question", [{}, {"format": "summary"}, {"format": "metrics_only"}])
@pytest.mark.parametrize("status", ["draft", "running", "completed"])
def test_results_are_answered_as_documented(
    described: Json, as_admin: dict[str, str], status: str, question: dict[str, str]
) -> None:
    created(as_admin, status)
    asked = question | {"include_time_series": "true", "segment": "country"}

    answer = _got("results.read", "/experiments/{experiment_id}/results", as_admin, asked)

    _check(described, "/experiments/{experiment_id}/results", answer)


def test_an_explanation_is_answered_as_documented(described: Json, as_admin: dict[str, str]) -> None:
    created(as_admin, "running")
    asked = {"user_id": USER, "explain": "true"}

    answer = _got("assignments.read", "/experiments/{experiment_id}/assignments", as_admin, asked)

    _check(described, "/experiments/{experiment_id}/assignments", answer)


def _got(name: str, route: str, headers: dict[str, str], query: dict[str, str]) -> Json:
    handler: Callable[[Json], Json] = import_module(f"functions.{name}").handler
    parameters = {"experiment_id": "checkout-button"}
    return handler(event("GET", route.format(**parameters), None, query, headers, parameters, route=route))


def _check(described: Json, path: str, answer: Json) -> None:
    documented = described["paths"][path]["get"]["responses"][str(answer["statusCode"])]

    assert answer["statusCode"] == 200, answer["body"]
    schema = documented["content"]["application/json"]["schema"]
    _validator(described, schema).validate(json.loads(answer["body"]))


def test_every_function_has_a_sample_event_for_the_examples() -> None:
    without = [
        each.function.handler
        for each in operations()
        if isinstance(each.module.handler, Endpoint) and not sample(each.function.handler[: -len(".handler")])
    ]

    assert without == []


def test_everything_documented_belongs_to_a_function() -> None:
    assert set(DOCUMENTED) <= {each.name for each in operations()}
