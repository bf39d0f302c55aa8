"""Whatever is wrong with a request is said in words of ours: no message of Pydantic reaches a caller."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from experimentation.domain.errors import InvalidError, NotFoundError
from experimentation.web.endpoint import Endpoint
from experimentation.web.validation_words import PATTERNS, WORDS, field_errors
from reference.document import Operation, operations, sample

WRONG = (None, "", "No Spaces!", "x" * 300, 0, -1, 1.5, 1e12, True, [], [None], [{}], {}, {"a": {"b": 1}})
WRONG_TEXTS = ("", "No Spaces!", "x" * 3_000, "-1", "1e12", "1.5", "maybe", "2026-13-40", "nan")
SPECIAL = {"extra_forbidden", "value_error"}  # the model's own fields; our own message
ENDPOINTS = [each for each in operations() if isinstance(each.module.handler, Endpoint)]


def _changed(value: Any) -> Iterator[Any]:
    """Yield the value with one part of it wrong."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for place, part in parts:
        for wrong in (*WRONG, *_changed(part)):
            copy = value.copy()
            copy[place] = wrong
            yield copy


def _bodies(model: type[BaseModel], body: Mapping[str, Any]) -> Iterator[Any]:
    yield from WRONG
    yield {**body, "zzz": 1}
    yield from _changed(dict(body))
    yield from _changed(dict.fromkeys(model.model_fields) | body)


def _faults(operation: Operation) -> Iterator[tuple[Mapping[str, Any], Any]]:
    """Yield what is found wrong with the operation's body, query and path when a part of them is."""
    handler, known = operation.module.handler, sample(operation.name)
    if handler.body_model is not None:
        for body in _bodies(handler.body_model, json.loads(known.get("body") or "{}")):
            yield from _refusals(handler.body_model, json.dumps(body))
    if handler.query_model is not None:
        for name in (*handler.query_model.model_fields, "zzz"):
            for wrong in WRONG_TEXTS:
                query = {**(known.get("queryStringParameters") or {}), name: wrong}
                yield from _refusals(handler.query_model, query)
    for annotation in handler.path_parameters.values():
        for wrong in WRONG_TEXTS:
            yield from _refusals(annotation, {"": wrong})


def _refusals(annotation: Any, sent: str | Mapping[str, str]) -> Iterator[tuple[Mapping[str, Any], Any]]:
    adapter = TypeAdapter(annotation)
    try:
        if isinstance(sent, str):
            adapter.validate_json(sent)
        else:
            adapter.validate_strings(sent.get("", sent))
    except ValidationError as error:
        yield from ((fault, annotation) for fault in error.errors(include_url=False, include_input=False))
    except (NotFoundError, InvalidError):  # a flag's key, an audience: our own words
        return


@pytest.mark.parametrize("operation", ENDPOINTS, ids=lambda each: each.name)
def test_every_fault_of_a_request_has_words(operation: Operation) -> None:
    wordless = set()
    for fault, model in _faults(operation):
        pattern = fault.get("ctx", {}).get("pattern")
        if fault["type"] not in WORDS.keys() | SPECIAL or (pattern is not None and pattern not in PATTERNS):
            wordless.add((fault["type"], pattern))
        (said,) = field_errors([fault], model)
        assert said.detail
        assert "should" not in said.detail, said

    assert wordless == set()
