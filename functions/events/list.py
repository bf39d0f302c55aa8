"""GET /events - a user's stored events."""

from experimentation.storage import events
from experimentation.web.endpoint import endpoint
from experimentation.web.listing import next_cursor, start_of
from experimentation.web.schemas.stored_events import EventsQuery, shown


@endpoint(scope="events:read")
def handler(query: EventsQuery) -> dict[str, object]:
    """Answer one page by event id: the order of receipt for ids that the API made."""
    purpose = f"events:{query.user_id}"
    after = start_of(query.cursor, purpose)
    page = events.page(query.user_id, query.limit, after)
    return {
        "events": [shown(event) for event in page.events],
        "next_cursor": next_cursor(page.next_event, purpose),
    }
