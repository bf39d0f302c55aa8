"""Every call of AWS that the layer's code makes, found in its source, and answers made from AWS's models."""

import ast
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from typing import Any, NamedTuple

import pytest
from botocore.model import OperationModel, Shape
from moto.core.serialize import get_serializer_class
from moto.core.utils import get_service_model

from experimentation.storage.aws import client
from local.paths import LAYER
from tests.contract.aws_wire import Exchange

CLIENTS = {
    name: made
    for name, made in vars(client).items()
    if hasattr(made, "cache_clear") and not name.startswith("_")
}
UNMODELLED = "InvalidParameterCombination"  # an error that no model describes


class Call(NamedTuple):
    """An operation of a client, and the parameters that some line of code gives it."""

    client: str
    operation: str
    parameters: frozenset[str]
    pages: bool


class _Refusal(Exception):  # noqa: N818 - moto reads the error's members from it
    def __init__(self, code: str, members: dict[str, Any]) -> None:
        super().__init__("refused")
        self.code, self.message = code, "refused"
        vars(self).update(members)


def calls() -> list[Call]:
    """Return each operation that is named in the layer, with all parameters that it is anywhere given.

    A method counts as an operation when it has the name of one: of the client that it is called on, or of
    every client where the source does not show which.
    """
    found: dict[tuple[str, str, bool], set[str]] = {}
    for path in (LAYER / "experimentation").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                for name, operation, pages in _operations(node.func):
                    given = {each.arg for each in node.keywords if each.arg}
                    found.setdefault((name, operation, pages), set()).update(given)
    return [
        Call(name, operation, frozenset(given), pages)
        for (name, operation, pages), given in sorted(found.items())
    ]


def _operations(method: ast.Attribute) -> Iterator[tuple[str, str, bool]]:
    operation, owner, pages = method.attr, method.value, False
    if operation == "paginate" and isinstance(owner, ast.Call) and isinstance(owner.func, ast.Attribute):
        (named,) = owner.args
        operation, owner, pages = ast.literal_eval(named), owner.func.value, True
    shown = owner.func.attr if isinstance(owner, ast.Call) and isinstance(owner.func, ast.Attribute) else ""
    for name in {shown} & CLIENTS.keys() or CLIENTS:
        if operation in models(name):
            yield name, operation, pages


@cache
def models(name: str) -> dict[str, OperationModel]:
    """Return a client's operations by the names of its methods."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        meta = CLIENTS[name].__wrapped__().meta
    return {
        method: meta.service_model.operation_model(api) for method, api in meta.method_to_api_mapping.items()
    }


def exchanges(call: Call) -> Iterator[tuple[str, Exchange]]:
    """Yield the exchanges that try a call: a full answer ("") and every error of its model, by name."""
    model = models(call.client)[call.operation]
    given = {
        name: sample(shape)
        for name, shape in model.input_shape.members.items()
        if name in call.parameters or name in model.input_shape.required_members
    }
    service = get_service_model(model.service_model.service_name)
    writer = get_serializer_class(service.service_name, model.service_model.resolved_protocol)
    serializer = writer(service.operation_model(model.name))
    answers: dict[str, Any] = {"": sample(model.output_shape) if model.output_shape else {}}
    for error in model.error_shapes:
        answers[error.name] = _Refusal(error.error_code, sample(error))
    answers["ClientError"] = _Refusal(UNMODELLED, {})
    for name, answer in answers.items():
        written = serializer.serialize(answer)
        body = written["body"] if isinstance(written["body"], bytes) else written["body"].encode()
        answered = written["status_code"], dict(written["headers"]), body
        yield name, Exchange(call.client, call.operation, given, *answered, call.pages)


def sample(shape: Shape, inside: tuple[str, ...] = ()) -> Any:
    """Return a value of the shape in which every member is filled, but one of a union and none of itself."""
    if shape.type_name == "structure":
        members = {
            name: member
            for name, member in shape.members.items()
            if member.name not in inside and not name.startswith("Checksum")  # what would have to be right
        }
        filled = {name: sample(member, (*inside, shape.name)) for name, member in members.items()}
        return dict([next(iter(filled.items()))]) if shape.is_tagged_union else filled
    if shape.type_name == "list":
        return [] if shape.member.name in inside else [sample(shape.member, (*inside, shape.name))]
    if shape.type_name == "map":
        return {sample(shape.key): sample(shape.value, (*inside, shape.name))}
    if shape.type_name == "string":
        return shape.enum[0] if shape.enum else f"sample-of-{shape.name.lower()}"
    return {
        "blob": b"sample",
        "boolean": True,
        "double": 0.5,
        "float": 0.5,
        "timestamp": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    }.get(shape.type_name, 1)
