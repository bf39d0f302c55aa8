"""The shapes of events as clients send them."""

import json
from typing import Annotated, ClassVar

from pydantic import BeforeValidator, Field, WithJsonSchema

from experimentation.domain.counting.event import UNIT, Submission
from experimentation.web.schemas.model import RequestModel
from experimentation.web.schemas.types import EventId, EventType, Timestamp, UserId

MAX_VALUE = 1_000_000_000
MAX_EVENTS = 500
MAX_PROPERTIES_BYTES = 2_048
MAX_DEPTH = 3

_encoded = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


def _ten_thousandths(value: object) -> int:
    """Return a number of at most four decimals as an integer of 1e-4."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("must be a number")  # noqa: TRY004 - Pydantic reports a ValueError
    if not -MAX_VALUE <= value <= MAX_VALUE:
        raise ValueError("must be from -1000000000 to 1000000000")
    scaled = round(value * UNIT)
    if scaled / UNIT != value:
        raise ValueError("needs at most four decimals")
    return scaled


def _text(properties: object) -> str:
    """Return the JSON text that is stored; encoded once, because a batch holds hundreds."""
    if not isinstance(properties, dict):
        raise ValueError("must be an object")  # noqa: TRY004 - Pydantic reports a ValueError
    if not properties:
        return "{}"
    if _depth(properties) > MAX_DEPTH:
        raise ValueError(f"may be nested at most {MAX_DEPTH} levels deep")
    text = _encoded(properties)
    if len(text.encode()) > MAX_PROPERTIES_BYTES:
        raise ValueError(f"needs at most {MAX_PROPERTIES_BYTES} bytes of JSON")
    return text


def _depth(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(_depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(_depth, value), default=0)
    return 0


Value = Annotated[
    int,
    BeforeValidator(_ten_thousandths),
    WithJsonSchema({"type": "number", "minimum": -MAX_VALUE, "maximum": MAX_VALUE, "multipleOf": 0.0001}),
]


Properties = Annotated[
    str,
    BeforeValidator(_text),
    WithJsonSchema({"type": "object", "additionalProperties": True}),
]


class EventIn(RequestModel):
    """One thing that a user did."""

    ELSEWHERE: ClassVar = {"events": "POST /events/batch takes a list of events"}

    user_id: UserId
    type: EventType
    value: Value = Field(default=UNIT, json_schema_extra={"default": 1})
    timestamp: Timestamp | None = Field(
        None, description="When it happened; now by default, and where it says the future."
    )
    sent_at: Timestamp | None = Field(
        None, description="When the device sent it, by the device's clock: corrects a clock that is wrong."
    )
    event_id: EventId | None = Field(
        None,
        description="Sent again with the same id, it counts once. It is the user's own: another user's event "
        "may have the same one; in one batch, no two of a user's.",
    )
    properties: Properties = Field(default="{}", json_schema_extra={"default": {}})

    def submission(self, sent_at: int | None = None) -> Submission:
        """Return the domain's submission; `sent_at` is the batch's."""
        return Submission(
            self.user_id,
            self.type,
            self.value,
            self.timestamp,
            sent_at if self.sent_at is None else self.sent_at,
            self.event_id,
            self.properties,
        )


class EventBatch(RequestModel):
    """Up to 500 events, all or nothing."""

    events: Annotated[list[EventIn], Field(min_length=1, max_length=MAX_EVENTS)]
    sent_at: Timestamp | None = None


class EventsAccepted(RequestModel):
    """The queue has them; they count within seconds."""

    accepted: int
    event_ids: list[str]
