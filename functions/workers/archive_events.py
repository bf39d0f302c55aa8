"""Archive queue - keep every event and exposure as a line of JSON in the archive bucket."""

from collections.abc import Callable
from typing import NamedTuple

from experimentation import telemetry
from experimentation.domain.errors import UnavailableError
from experimentation.storage import archive
from experimentation.storage.queue_message import Message, unpack
from experimentation.usecases.archiving import erased_users, without_erased
from experimentation.usecases.replays import too_late_before, without_too_late
from experimentation.usecases.runtime import Runtime
from experimentation.web.queue_worker import queue_worker

type Folder = tuple[str, str]
"""Kind of the lines and UTC day."""

runtime = Runtime()


class Lines(NamedTuple):
    """What one message adds to the archive: lines by kind and day."""

    message: Message
    folders: dict[Folder, list[bytes]]


def lines_of(body: str) -> Lines:
    """Return the lines to keep; PoisonError for a message that nobody can read."""
    return _lines(unpack(body))


def _lines(message: Message) -> Lines:
    kinds = {archive.EVENTS: archive.rows(message.events), archive.EXPOSURES: archive.rows(message.exposures)}
    found = {(kind, day): lines for kind, days in kinds.items() for day, lines in days.items()}
    return Lines(message, found)


@queue_worker(lines_of)
def handler(messages: dict[str, Lines], has_time: Callable[[], bool]) -> set[str]:
    """Return the messages of which a line is not kept yet; an outage fails the whole batch."""
    failed: set[str] = set()
    outage: UnavailableError | None = None
    kept = 0
    for (kind, day), by_message in _by_folder(_without_erased(_in_time(messages))).items():
        lines = [line for each in by_message.values() for line in each]
        if outage is not None or not has_time():
            failed |= by_message.keys()
            continue
        try:
            archive.put(day, lines, kind)
        except UnavailableError as unavailable:
            outage = unavailable
            failed |= by_message.keys()
        else:
            kept += len(lines)
    requests = sorted({each.message.request_id for each in messages.values()})
    telemetry.logger.info("archived", extra={"requests": requests, "events": kept})
    if outage is not None and not kept:
        raise outage
    telemetry.count("EventsArchived", kept)
    return failed


def _in_time(messages: dict[str, Lines]) -> dict[str, Lines]:
    """Drop what the count worker drops as too late: the tombstone of who did it may have expired."""
    before = too_late_before({name: each.message for name, each in messages.items()}, runtime.clock())
    if not before:
        return messages
    return {name: _lines(without_too_late(each.message, before)) for name, each in messages.items()}


def _without_erased(messages: dict[str, Lines]) -> dict[str, Lines]:
    """Return the messages without what users did who were erased since it was received."""
    pseudonyms = runtime.pseudonyms.read(runtime.clock())
    erased_at = erased_users((each.message for each in messages.values()), pseudonyms)
    if not erased_at:
        return messages
    return {name: _lines(without_erased(each.message, erased_at)) for name, each in messages.items()}


def _by_folder(messages: dict[str, Lines]) -> dict[Folder, dict[str, list[bytes]]]:
    """Return folder -> message id -> lines."""
    folders: dict[Folder, dict[str, list[bytes]]] = {}
    for message_id, message in messages.items():
        for folder, lines in message.folders.items():
            folders.setdefault(folder, {})[message_id] = lines
    return folders
