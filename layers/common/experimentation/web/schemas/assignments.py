"""Requests about assignments: the user and the context."""

import json
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    Field,
    PlainValidator,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
)

from experimentation.domain.errors import BadRequestError, InvalidError
from experimentation.web import strict_json
from experimentation.web.schemas.model import RequestModel
from experimentation.web.schemas.types import ExperimentId, UserId

MAX_CONTEXT_KEYS = 20
MAX_CONTEXT_BYTES = 2_048
MAX_EXPERIMENTS = 100


def _small(context: dict[str, Any]) -> dict[str, Any]:
    if len(context) > MAX_CONTEXT_KEYS:
        raise ValueError(f"needs at most {MAX_CONTEXT_KEYS} keys")
    if len(json.dumps(context, ensure_ascii=False).encode()) > MAX_CONTEXT_BYTES:
        raise ValueError(f"needs at most {MAX_CONTEXT_BYTES} bytes of JSON")
    return context


ContextKey = Annotated[str, Field(min_length=1, max_length=64)]
ContextValue = StrictStr | StrictBool | StrictInt | StrictFloat
ContextIn = Annotated[dict[ContextKey, ContextValue], AfterValidator(_small)]


def _context_of(text: object) -> dict[str, Any]:
    """Return the context in a query parameter, which holds JSON."""
    try:
        return TypeAdapter(ContextIn).validate_python(strict_json.loads(str(text).encode()))
    except (ValidationError, BadRequestError, InvalidError):
        raise ValueError("must be a JSON object like the context of an assignment") from None


ContextText = Annotated[
    dict[str, Any],
    PlainValidator(_context_of),
    WithJsonSchema({"type": "string", "examples": ['{"country": "DE"}']}),
]


class AssignmentRequest(RequestModel):
    """One user; `context` is what results can be split by."""

    user_id: UserId
    context: ContextIn = Field(default_factory=dict)


class AssignAllRequest(AssignmentRequest):
    """One user in all running experiments, or in those named."""

    experiments: Annotated[list[ExperimentId], Field(min_length=1, max_length=MAX_EXPERIMENTS)] | None = None


class UserQuery(RequestModel):
    """Which user."""

    user_id: UserId


class AssignmentQuery(UserQuery):
    """Which user, and whether to explain the variant."""

    explain: bool = False
    context: ContextText | None = None
