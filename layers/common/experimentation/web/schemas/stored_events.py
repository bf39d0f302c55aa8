"""Reading events back: a user's events, and the types that were ever seen."""

import json
from typing import Annotated, Any

from pydantic import Field

from experimentation.domain.clock import rfc3339
from experimentation.domain.counting.event import Event, in_units
from experimentation.web.schemas.model import RequestModel, ResponseModel
from experimentation.web.schemas.types import Cursor, ExperimentId, Limit, UserId


class EventsQuery(RequestModel):
    """Whose events, and where to go on."""

    user_id: UserId
    limit: Limit = 50
    cursor: Cursor | None = None


class RecentQuery(RequestModel):
    """How many of each kind, and of which experiment: its exposures, and what its metrics look at."""

    limit: Annotated[int, Field(ge=1, le=50)] = 50
    experiment_id: ExperimentId | None = None


class TypesQuery(RequestModel):
    """How many types, and where to go on."""

    limit: Limit = 100
    cursor: Cursor | None = None


class EventOut(ResponseModel):
    """A stored event: `timestamp` is when it happened, never later than it was received."""

    event_id: str
    user_id: str
    type: str
    value: float
    timestamp: str
    received_at: str
    properties: dict[str, Any]


class EventsPage(ResponseModel):
    """Some of a user's events by event id, which is the order of receipt for generated ids."""

    events: list[EventOut]
    next_cursor: str | None


class ExposureOut(ResponseModel):
    """An exposure: `timestamp` is when the user met the variant, never later than it was received."""

    experiment_id: str
    user_id: str
    variant: str
    timestamp: str
    received_at: str
    context: dict[str, Any]


class RecentEvents(ResponseModel):
    """What was received last, since yesterday, 00:00 UTC; newest first, about a minute late."""

    events: list[EventOut]
    exposures: list[ExposureOut]
    sampled: bool


class EventTypeOut(ResponseModel):
    """An event type and the UTC days on which it happened first and last."""

    type: str
    first_day: str = Field(json_schema_extra={"format": "date"})
    last_day: str = Field(json_schema_extra={"format": "date"})
    partial: bool = Field(
        description="Some of its events are stored but not counted: their users have over 200 types."
    )


class EventTypesPage(ResponseModel):
    """Some of the event types by name."""

    types: list[EventTypeOut]
    next_cursor: str | None


def shown(event: Event) -> dict[str, object]:
    """Return a stored event as it is answered (EventOut)."""
    return {
        "event_id": event.event_id,
        "user_id": event.user_id,
        "type": event.type,
        "value": in_units(event.value),
        "timestamp": rfc3339(event.at),
        "received_at": rfc3339(event.received),
        "properties": json.loads(event.properties),
    }
