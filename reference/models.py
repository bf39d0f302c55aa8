"""The schemas of all models that endpoints take and answer: unique names, and what each field means."""

import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from experimentation.web.endpoint import Endpoint
from reference.operations import Documented
from reference.schemas.problems import EvaluationFailure, Problem

type Json = dict[str, Any]

NAME = re.compile(r"[A-Z][A-Za-z0-9]*")
FIELDS = Path(__file__).with_name("fields.toml")


class Models:
    """Every model's schema; `schemas` are those that have a name of their own."""

    def __init__(self, endpoints: Iterable[tuple[Endpoint, Documented]]) -> None:
        inputs: dict[tuple[str, str], tuple[Any, Any]] = {}
        for each, documented in endpoints:
            for annotation in (each.body_model, each.query_model, *each.path_parameters.values()):
                if annotation is not None:
                    inputs[_key(annotation), "validation"] = annotation, "validation"
            answer = documented.model(each)
            if answer is not None:
                inputs[_key(answer), "serialization"] = answer, "serialization"
        for problem in (Problem, EvaluationFailure):
            inputs[_key(problem), "serialization"] = problem, "serialization"
        self._found, definitions = TypeAdapter.json_schemas(
            [(key, mode, TypeAdapter(annotation)) for (key, _), (annotation, mode) in inputs.items()],
            ref_template="#/components/schemas/{model}",
        )
        self.schemas: Json = definitions.get("$defs", {})
        _require_names(self.schemas)
        for model, schema in self.schemas.items():
            for name, described in schema.get("properties", {}).items():
                described["description"] = _sentence(described.get("description") or meaning(model, name))

    def taken(self, annotation: Any) -> Json:
        """Return the schema of what is sent."""
        return self._found[_key(annotation), "validation"]

    def answered(self, annotation: Any) -> Json:
        """Return the schema of what is answered."""
        return self._found[_key(annotation), "serialization"]

    def inlined(self, schema: Json) -> Json:
        """Return the schema itself where it is a reference to one that has a name."""
        reference = schema.get("$ref", "")
        return self.schemas[reference.rpartition("/")[2]] if reference else schema

    def referred(self, paths: Json) -> Json:
        """Return the schemas that the paths refer to, directly or through others."""
        wanted: set[str] = set()
        new = _references(paths)
        while new:
            wanted |= new
            new = {name for each in new for name in _references(self.schemas[each])} - wanted
        return {name: schema for name, schema in self.schemas.items() if name in wanted}


def meaning(model: str, name: str) -> str:
    """Return what a field means, in fields.toml; empty where that says nothing."""
    found = meanings()
    return found.get(model, {}).get(name) or found["any"].get(name, "")


@cache
def meanings() -> Mapping[str, Mapping[str, str]]:
    """Return fields.toml: the meanings by model and name."""
    return tomllib.loads(FIELDS.read_text())


def _sentence(text: str) -> str:
    """Return a description as a sentence, however its model has it."""
    return text and text[0].upper() + text[1:].removesuffix(".") + "."


def _key(annotation: Any) -> str:
    return f"{getattr(annotation, '__module__', '')}.{annotation!r}"


def _require_names(schemas: Json) -> None:
    """Pydantic gives two models of one name longer ones, and one that is both sent and answered two."""
    bad = [name for name in schemas if not NAME.fullmatch(name)]
    if bad:
        raise AssertionError(f"these models need names of their own: {', '.join(bad)}")


def _references(value: Any) -> set[str]:
    return set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(value)))
