"""GET /events - a user's stored events."""

import json

from experimentation.domain.clock import rfc3339
from experimentation.domain.counting.event import Event, in_units
from experimentation.storage import events
from experimentation.web.endpoint import endpoint
from experimentation.web.listing import next_cursor, start_of
from experimentation.web.schemas.stored_events import EventsQuery


@endpoint(scope="events:read")
def handler(query: EventsQuery) -> dict[str, object]:
    """Answer one page by event id: the order of receipt for ids that the API made."""
    purpose = f"events:{query.user_id}"
    after = start_of(query.cursor, purpose)
    page = events.page(query.user_id, query.limit, after)
    return {
        "events": [_shown(event) for event in page.events],
        "next_cursor": next_cursor(page.next_event, purpose),
    }


def _shown(event: Event) -> dict[str, object]:
    return {
        "event_id": event.event_id,
        "user_id": event.user_id,
        "type": event.type,
        "value": in_units(event.value),
        "timestamp": rfc3339(event.at),
        "received_at": rfc3339(event.received),
        "properties": json.loads(event.properties),
    }
