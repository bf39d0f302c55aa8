"""Archive queue - keep every event as a line of JSON in the archive bucket."""

from collections.abc import Callable

from experimentation import telemetry
from experimentation.domain.errors import UnavailableError
from experimentation.storage import archive
from experimentation.storage.queue_message import PoisonError, unpack
from experimentation.web.queue_worker import Delivery, queue_worker

type Batch = dict[str, dict[str, list[bytes]]]
"""Day -> message id -> lines."""


@queue_worker
def handler(deliveries: list[Delivery], has_time: Callable[[], bool]) -> set[str]:
    """Return the messages of which an event is not kept yet; an outage fails the whole batch."""
    batch, requests, failed = _read(deliveries)
    outage: UnavailableError | None = None
    kept = 0
    for day, messages in batch.items():
        lines = [line for each in messages.values() for line in each]
        if outage is not None or not has_time():
            failed |= messages.keys()
            continue
        try:
            archive.put(day, lines)
        except UnavailableError as unavailable:
            outage = unavailable
            failed |= messages.keys()
        else:
            kept += len(lines)
    telemetry.logger.info("archived", extra={"requests": sorted(requests), "events": kept})
    if outage is not None and not kept:
        raise outage
    telemetry.count("EventsArchived", kept)
    return failed


def _read(deliveries: list[Delivery]) -> tuple[Batch, set[str], set[str]]:
    """Return the lines to keep, the requests that sent them, and the messages that nobody can read."""
    batch: Batch = {}
    requests: set[str] = set()
    poison: set[str] = set()
    for delivery in deliveries:
        try:
            message = unpack(delivery.body)
            rows = archive.rows(message.events)
        except PoisonError:
            telemetry.logger.error("poison message", extra={"message_id": delivery.id})
            telemetry.count("PoisonMessages")
            poison.add(delivery.id)
            continue
        requests.add(message.request_id)
        for day, lines in rows.items():
            batch.setdefault(day, {})[delivery.id] = lines
    return batch, requests, poison
