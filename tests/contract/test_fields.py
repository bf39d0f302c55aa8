"""Every field and every parameter of the OpenAPI document says what it means."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from reference.document import document
from reference.models import meanings

type Json = dict[str, Any]


@pytest.fixture(scope="module")
def described() -> Json:
    """The document, as it is served."""
    made: Json = json.loads(json.dumps(document()))
    return made


def _fields(described: Json) -> Iterator[tuple[str, str, Json]]:
    for model, schema in described["components"]["schemas"].items():
        for name, field in schema.get("properties", {}).items():
            yield model, name, field


def _parameters(described: Json) -> Iterator[tuple[str, Json]]:
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            for parameter in operation.get("parameters", []):
                yield f"{method.upper()} {path} {parameter['name']}", parameter


def test_every_field_says_what_it_means(described: Json) -> None:
    """If this names a field of yours, describe it in reference/fields.toml: meaning and unit."""
    silent = [f"{model}.{name}" for model, name, field in _fields(described) if not field.get("description")]

    assert silent == []


def test_every_parameter_says_what_it_means(described: Json) -> None:
    silent = [name for name, parameter in _parameters(described) if not parameter.get("description")]

    assert silent == []


def test_every_model_says_what_it_is(described: Json) -> None:
    silent = [
        name
        for name, schema in described["components"]["schemas"].items()
        if "properties" in schema and not schema.get("description")
    ]

    assert silent == []


def test_no_meaning_is_left_of_a_field_that_is_gone(described: Json) -> None:
    fields = {(model, name) for model, name, _ in _fields(described)}
    names = {name for _, name in fields} | {parameter["name"] for _, parameter in _parameters(described)}
    answered = set(described["components"]["schemas"])

    left = [
        f"{model}.{name}"
        for model, meant in meanings().items()
        for name in meant
        if ((model, name) not in fields if model in answered else name not in names)
    ]

    assert left == []
