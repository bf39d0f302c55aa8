"""GET /events/types - every event type ever seen, with its first and last day."""

from experimentation.domain.clock import DAY_MS, moment
from experimentation.storage import event_types
from experimentation.storage.event_types import EventType
from experimentation.web.endpoint import endpoint
from experimentation.web.listing import next_cursor, start_of
from experimentation.web.schemas.stored_events import TypesQuery

PURPOSE = "event-types"


@endpoint(scope="events:read")
def handler(query: TypesQuery) -> dict[str, object]:
    """Answer one page by name."""
    types, last = event_types.page(query.limit, start_of(query.cursor, PURPOSE))
    return {"types": list(map(_shown, types)), "next_cursor": next_cursor(last, PURPOSE)}


def _shown(event_type: EventType) -> dict[str, object]:
    return {
        "type": event_type.name,
        "first_day": _date(event_type.first_day),
        "last_day": _date(event_type.last_day),
        "partial": event_type.partial,
    }


def _date(day: int) -> str:
    return moment(day * DAY_MS).date().isoformat()
