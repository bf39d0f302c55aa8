"""GET /events/types - every event type ever seen, with its first and last day."""

from experimentation.domain.clock import DAY_MS, moment
from experimentation.storage import event_types
from experimentation.web.endpoint import endpoint
from experimentation.web.listing import next_cursor, start_of
from experimentation.web.schemas.stored_events import TypesQuery

PURPOSE = "event-types"


@endpoint(scope="events:read")
def handler(query: TypesQuery) -> dict[str, object]:
    """Answer one page by name."""
    found, last = event_types.page(query.limit, start_of(query.cursor, PURPOSE))
    types = [
        {
            "type": each.name,
            "first_day": _date(each.first_day),
            "last_day": _date(each.last_day),
            "partial": each.partial,
        }
        for each in found
    ]
    return {"types": types, "next_cursor": next_cursor(last, PURPOSE)}


def _date(day: int) -> str:
    return moment(day * DAY_MS).date().isoformat()
