"""The messages between the API and the workers: JSON with up to 200 KB of events."""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from experimentation.domain.counting.event import Event
from experimentation.domain.errors import ExperimentationError

MAX_BYTES = 200_000  # of SNS's and SQS's 256 KB
VERSION = 1
_encoded = json.JSONEncoder(separators=(",", ":")).encode  # ASCII: one byte a character
FIELDS = (str, str, str, int, int, int, str)


class PoisonError(ExperimentationError):
    """A message that no worker can read; it goes to the dead-letter queue."""


@dataclass(frozen=True, slots=True)
class Message:
    """What one message carries; `request_id` correlates the logs of the API and of the workers."""

    events: tuple[Event, ...]
    request_id: str


def pack(events: Iterable[Event], request_id: str, max_bytes: int = MAX_BYTES) -> list[str]:
    """Return the messages that carry the events, in their order."""
    messages: list[str] = []
    rows: list[str] = []
    size = empty = len(_message(request_id, []))
    for event in events:
        row = _encoded(event)
        if rows and size + len(row) + 1 > max_bytes:
            messages.append(_message(request_id, rows))
            rows, size = [], empty
        rows.append(row)
        size += len(row) + 1
    return [*messages, _message(request_id, rows)] if rows else messages


def _message(request_id: str, rows: Iterable[str]) -> str:
    # Joined as text: the rows were encoded to be measured, and 500 of them are not worth encoding twice.
    return f'{{"v":{VERSION},"request_id":{_encoded(request_id)},"events":[{",".join(rows)}]}}'


def unpack(text: str) -> Message:
    """Return what a message carries; PoisonError when it is not one of ours.

    A message that SNS gave up on may come back from the subscription's dead-letter queue in SNS's envelope.
    """
    try:
        shape = json.loads(text)
        if shape.get("Type") == "Notification":
            shape = json.loads(shape["Message"])
        known = shape["v"] == VERSION
        events = tuple(Event(*row) for row in shape["events"])
        request_id = str(shape["request_id"])
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise PoisonError("not a message of this service") from error
    if not known or not all(_typed(event) for event in events):
        raise PoisonError("not a message of this service")
    return Message(events, request_id)


def _typed(event: Event) -> bool:
    return all(type(part) is kind for part, kind in zip(event, FIELDS, strict=True))
