"""Archiving a batch of messages: one object for each kind of record and day of receipt."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from experimentation.domain.errors import UnavailableError
from experimentation.storage import archive
from experimentation.storage.queue_message import Message
from experimentation.usecases.archiving import erased_users, without_erased
from experimentation.usecases.replays import too_late_before, without_too_late
from experimentation.usecases.runtime import Runtime


class Folder(NamedTuple):
    """A kind of records, received on one UTC day."""

    kind: str
    day: str


class Lines(NamedTuple):
    """A message, and what it adds to the archive."""

    message: Message
    folders: dict[Folder, list[bytes]]


@dataclass
class Archived:
    """The result of a batch: lines written, and ids of the messages that have to be delivered again."""

    lines: int = 0
    failed: set[str] = field(default_factory=set)
    outage: UnavailableError | None = None
    """Why no further object was tried."""


def lines_of(message: Message) -> Lines:
    """Return the lines to archive; PoisonError for a record that cannot be written as JSON."""
    kinds = {archive.EVENTS: archive.rows(message.events), archive.EXPOSURES: archive.rows(message.exposures)}
    folders = {Folder(kind, day): lines for kind, days in kinds.items() for day, lines in days.items()}
    return Lines(message, folders)


def archive_messages(
    messages: Mapping[str, Lines], runtime: Runtime, has_time: Callable[[], bool]
) -> Archived:
    """Write the lines of the messages, by their ids, until the time is over or the store does not answer."""
    archived = Archived()
    for folder, lines in _by_folder(_without_erased(_in_time(messages, runtime), runtime)).items():
        if archived.outage is None and has_time():
            _put(folder, lines, archived)
        else:
            archived.failed |= lines.keys()
    return archived


def _put(folder: Folder, lines_by_message: Mapping[str, list[bytes]], archived: Archived) -> None:
    lines = [line for lines in lines_by_message.values() for line in lines]
    try:
        archive.put(folder.day, lines, folder.kind)
    except UnavailableError as unavailable:
        archived.outage = unavailable
        archived.failed |= lines_by_message.keys()
    else:
        archived.lines += len(lines)


def _in_time(messages: Mapping[str, Lines], runtime: Runtime) -> Mapping[str, Lines]:
    """Drop what the count worker drops as too late: the tombstone of who did it may have expired."""
    before = too_late_before({name: lines.message for name, lines in messages.items()}, runtime.clock())
    if not before:
        return messages
    return {name: lines_of(without_too_late(lines.message, before)) for name, lines in messages.items()}


def _without_erased(messages: Mapping[str, Lines], runtime: Runtime) -> Mapping[str, Lines]:
    """Drop what was received up to the erasure of whoever did it."""
    pseudonyms = runtime.pseudonyms.read(runtime.clock())
    erased_at = erased_users((lines.message for lines in messages.values()), pseudonyms)
    if not erased_at:
        return messages
    return {name: lines_of(without_erased(lines.message, erased_at)) for name, lines in messages.items()}


def _by_folder(messages: Mapping[str, Lines]) -> dict[Folder, dict[str, list[bytes]]]:
    """Return the lines by folder and message id."""
    folders: dict[Folder, dict[str, list[bytes]]] = {}
    for message_id, message in messages.items():
        for folder, lines in message.folders.items():
            folders.setdefault(folder, {})[message_id] = lines
    return folders
