"""OpenFeature Remote Evaluation Protocol 0.3.0: the evaluation context, and what a flag evaluates to.

Source: service/openapi.yaml of github.com/open-feature/protocol.
"""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, Field, JsonValue, ValidationError

from experimentation.domain.errors import FieldError, InvalidError, NotFoundError
from experimentation.web.schemas.assignments import AssignmentRequest
from experimentation.web.schemas.model import RequestModel, ResponseModel

TARGETING_KEY = "targetingKey"


def _possible(key: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,63}", key):
        raise NotFoundError("There is no such flag: a flag's key is an experiment's id.")
    return key


FlagKey = Annotated[str, AfterValidator(_possible)]
"""An experiment's id; any other text is a flag that does not exist, not a bad request."""


class TargetingKeyMissingError(InvalidError):
    """Nobody to evaluate a flag for."""


class EvaluationRequest(RequestModel):
    """A context: `targetingKey` is the user; the rest is the assignment's context."""

    model_config = ConfigDict(extra="ignore")  # later versions of the protocol add members

    context: dict[str, JsonValue] | None = Field(
        default=None, examples=[{"targetingKey": "u1", "country": "DE"}]
    )


class EvaluationAnswer(ResponseModel):
    """What a flag evaluates to; `enrolled` in the metadata says whether the user takes part."""

    key: str
    value: Any
    variant: str
    reason: str
    metadata: dict[str, bool]


class EvaluationsAnswer(ResponseModel):
    """What all flags evaluate to."""

    flags: list[EvaluationAnswer]


def subject(body: EvaluationRequest | None) -> AssignmentRequest:
    """Return the user and the context; TargetingKeyMissingError without a user, InvalidError when invalid.

    Null attributes are left out: SDKs send unset attributes as null.
    """
    sent = (body.context if body else None) or {}
    context = {name: value for name, value in sent.items() if value is not None}
    user_id = context.pop(TARGETING_KEY, "")
    if user_id == "":
        raise TargetingKeyMissingError("The context needs a targetingKey, the user's id.")
    try:
        return AssignmentRequest.model_validate({"user_id": user_id, "context": context})
    except ValidationError as error:
        raise InvalidError("The context is not valid.", _faults(error)) from error


def _faults(error: ValidationError) -> list[FieldError]:
    from experimentation.web.validation_words import field_errors  # noqa: PLC0415 - most requests are valid

    found = error.errors(include_url=False, include_input=False)
    return list(field_errors([{**item, "loc": _sent(item["loc"])} for item in found], AssignmentRequest))


def _sent(location: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """Return the location in the request of a location in the assignment."""
    return ("context", TARGETING_KEY) if location[0] == "user_id" else location
