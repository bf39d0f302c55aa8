"""The messages between the API and the workers: JSON with up to 200 KB of events, or of exposures."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from experimentation.domain.counting.event import Event
from experimentation.domain.counting.exposure import Exposure
from experimentation.domain.errors import ExperimentationError
from experimentation.domain.packing import packed

MAX_BYTES = 200_000  # of SNS's and SQS's 256 KB
EVENTS, EXPOSURES = 1, 2  # versions: a worker older than exposures refuses them; they are delivered again
_encoded = json.JSONEncoder(separators=(",", ":")).encode  # ASCII: one byte a character
FIELDS = (str, str, str, int, int, int, str)
EXPOSURE_FIELDS = (str, str, str, int, int, str)


class PoisonError(ExperimentationError):
    """A message that no worker can read; it goes to the dead-letter queue."""


@dataclass(frozen=True, slots=True)
class Message:
    """What one message carries; `request_id` correlates the logs of the API and of the workers."""

    events: tuple[Event, ...]
    request_id: str
    exposures: tuple[Exposure, ...] = ()

    def all(self) -> tuple[Event | Exposure, ...]:
        """Return the events and the exposures."""
        return (*self.events, *self.exposures)

    def only(self, is_wanted: Callable[[Event | Exposure], bool]) -> "Message":
        """Return the message with what is wanted of it."""
        return Message(
            tuple(filter(is_wanted, self.events)), self.request_id, tuple(filter(is_wanted, self.exposures))
        )


def pack(events: Iterable[Event], request_id: str, max_bytes: int = MAX_BYTES) -> list[str]:
    """Return the messages that carry the events, in their order."""
    head = f'{{"v":{EVENTS},"request_id":{_encoded(request_id)},"events":['
    return _packed(head, map(_encoded, events), max_bytes)


def pack_exposures(exposures: Iterable[Exposure], request_id: str) -> list[str]:
    """Return the messages that carry the exposures, in their order."""
    head = f'{{"v":{EXPOSURES},"request_id":{_encoded(request_id)},"exposures":['
    return _packed(head, map(_encoded, exposures), MAX_BYTES)


def _packed(head: str, encoded: Iterable[str], max_bytes: int) -> list[str]:
    # Joined as text: the rows were encoded to measure them, and encoding up to 500 of them again takes time.
    sized = ((row, len(row) + 1) for row in encoded)
    return [f"{head}{','.join(rows)}]}}" for rows in packed(sized, max_bytes - len(head) - 2)]


def unpack(text: str) -> Message:
    """Return what a message carries; PoisonError when it is not one of ours.

    A message that SNS gave up on may come back from the subscription's dead-letter queue in SNS's envelope.
    """
    try:
        shape = json.loads(text)
        if shape.get("Type") == "Notification":
            shape = json.loads(shape["Message"])
        version, request_id = shape["v"], str(shape["request_id"])
        if version == EVENTS:
            return Message(_rows(Event, shape["events"], FIELDS), request_id)
        if version == EXPOSURES:
            return Message((), request_id, _rows(Exposure, shape["exposures"], EXPOSURE_FIELDS))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise PoisonError("not a message of this service") from error
    raise PoisonError("a message of another version")


def _rows[Row: (Event, Exposure)](
    row: type[Row], shapes: Iterable[Iterable[Any]], kinds: Sequence[type]
) -> tuple[Row, ...]:
    rows = tuple(row(*shape) for shape in shapes)
    for each in rows:
        if not all(type(part) is kind for part, kind in zip(each, kinds, strict=True)):
            raise TypeError("a field is of another type")
    return rows
