"""GET /events/dead-letters - what waits in the dead-letter queues: how much, how old, and a sample.

To look is to receive with a visibility timeout of 0: nothing is taken and nothing is hidden. The receive
count of the messages goes up by one, which decides nothing: a dead-letter queue has none of its own, and a
replayed message starts anew.
"""

from experimentation import settings
from experimentation.domain.clock import rfc3339
from experimentation.storage import queues
from experimentation.storage.queue_message import PoisonError, unpack
from experimentation.web.endpoint import endpoint

MAX_TYPES = 20


@endpoint(scope="admin")
def handler(now: int) -> dict[str, object]:
    """Answer for every dead-letter queue; who did what is left out."""
    return {"queues": [_queue(name, now) for name in queues.SOURCES]}


def _queue(name: str, now: int) -> dict[str, object]:
    url = settings.dead_letter_queue_url(name)
    depth = queues.depth(url)
    wait_seconds = 1 if depth.waiting else 0  # a receive that does not wait may overlook a few messages
    sample = queues.receive(url, queues.MAX_BATCH, hidden_seconds=0, wait_seconds=wait_seconds)
    return {
        "queue": name,
        "waiting": depth.waiting,
        "in_flight": depth.in_flight,
        "oldest_age_seconds": max(((now - each.sent_at) // 1000 for each in sample), default=None),
        "sample": [_letter(each) for each in {each.id: each for each in sample}.values()],
    }


def _letter(message: queues.Received) -> dict[str, object]:
    try:
        events = unpack(message.body).events
    except PoisonError:
        events = None
    return {
        "message_id": message.id,
        "sent_at": rfc3339(message.sent_at),
        "receive_count": message.receive_count,
        "bytes": len(message.body.encode()),
        "events": None if events is None else len(events),
        "types": sorted({event.type for event in events or ()})[:MAX_TYPES],
    }
