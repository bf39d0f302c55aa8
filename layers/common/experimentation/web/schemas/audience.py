"""An experiment's audience in a request: a condition, refused with the place of each fault."""

from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

from experimentation import patterns
from experimentation.domain.errors import InvalidError


def _condition(value: object) -> object:
    from experimentation.domain.audience.checking import faults  # noqa: PLC0415 - most have no audience

    found = [] if value is None else faults(value, patterns.fault, "/audience")
    if found:
        # Not a ValueError: Pydantic would name the field, but not the place in it.
        raise InvalidError("The audience is not a condition.", found)
    return value


Audience = Annotated[
    dict[str, object] | None,
    BeforeValidator(_condition),
    WithJsonSchema(
        {
            "anyOf": [{"type": "object", "additionalProperties": True}, {"type": "null"}],
            "examples": [{"country": {"$in": ["DE", "AT"]}}],
        }
    ),
]
