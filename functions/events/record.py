"""POST /events - accept one event; a worker counts it within seconds."""

from experimentation import telemetry
from experimentation.usecases.ingesting import ingest
from experimentation.usecases.runtime import Runtime
from experimentation.web.endpoint import endpoint
from experimentation.web.request import Request
from experimentation.web.schemas.events import EventIn, EventsAccepted

runtime = Runtime()


@endpoint(scope="events:write", status=202, meter="EventCalls")
def handler(body: EventIn, request: Request, now: int) -> EventsAccepted:
    """Answer once the queue has the event."""
    events = ingest([body.submission()], now, request.request_id, runtime, pointer="")
    telemetry.count("EventsAccepted")
    return EventsAccepted(accepted=1, event_ids=[events[0].event_id])
