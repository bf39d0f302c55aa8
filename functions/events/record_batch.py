"""POST /events/batch - accept up to 500 events, all or nothing; a worker counts them within seconds."""

from experimentation import telemetry
from experimentation.usecases.ingesting import ingest
from experimentation.usecases.runtime import Runtime
from experimentation.web.endpoint import endpoint
from experimentation.web.request import Request
from experimentation.web.schemas.events import EventBatch, EventsAccepted

runtime = Runtime()


@endpoint(scope="events:write", status=202, meter="EventCalls")
def handler(body: EventBatch, request: Request, now: int) -> EventsAccepted:
    """Answer once the queue has every event."""
    submissions = [event.submission(body.sent_at) for event in body.events]
    events = ingest(submissions, now, request.request_id, runtime)
    telemetry.count("EventsAccepted", len(events))
    return EventsAccepted(accepted=len(events), event_ids=[event.event_id for event in events])
