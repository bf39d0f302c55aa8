"""Archive queue - keep every event and exposure as a line of JSON in the archive bucket."""

from collections.abc import Callable

from experimentation import telemetry
from experimentation.storage.queue_message import unpack
from experimentation.usecases.archiving_messages import Lines, archive_messages, lines_of
from experimentation.usecases.runtime import Runtime
from experimentation.web.queue_worker import queue_worker

runtime = Runtime()


@queue_worker(lambda body: lines_of(unpack(body)))
def handler(messages: dict[str, Lines], has_time: Callable[[], bool]) -> set[str]:
    """Return the messages with a line that is not archived yet; an outage fails the whole batch."""
    archived = archive_messages(messages, runtime, has_time)
    requests = sorted({lines.message.request_id for lines in messages.values()})
    telemetry.logger.info("archived", extra={"requests": requests, "events": archived.lines})
    if archived.outage is not None and not archived.lines:
        raise archived.outage
    telemetry.count("EventsArchived", archived.lines)
    return archived.failed
