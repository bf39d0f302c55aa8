"""What a client reports, and the event that is made of it, with an id and a time by our clock."""

from collections.abc import Callable
from typing import NamedTuple

from experimentation.domain.clock import DAY_MS, rfc3339
from experimentation.domain.counting.retention import Retention
from experimentation.domain.errors import FieldError, InvalidError

UNIT = 10_000  # values are kept as integers of 1e-4


class Submission(NamedTuple):
    """An event as a client sends it; times in milliseconds, value in 1e-4, properties as JSON text."""

    user_id: str
    type: str
    value: int = UNIT
    timestamp: int | None = None
    sent_at: int | None = None
    event_id: str | None = None
    properties: str = "{}"


class Event(NamedTuple):
    """An accepted event: `at` is when it happened, never later than `received`."""

    user_id: str
    event_id: str
    type: str
    at: int
    received: int
    value: int
    properties: str = "{}"


def accept(
    submissions: list[Submission],
    received: int,
    retention: Retention,
    new_id: Callable[[], str],
    pointer: str = "/events/{}",
) -> list[Event]:
    """Return the events; InvalidError names each that is too old, or repeats the id of another of its user's.

    `pointer` is the JSON pointer of an event in the request, by its index.
    """
    oldest = retention.oldest_accepted(received)
    problems: list[FieldError] = []
    events: list[Event] = []
    seen: set[tuple[str, str]] = set()
    for index, each in enumerate(submissions):
        at = happened_at(each.timestamp, each.sent_at, received)
        if at < oldest:
            problems.append(FieldError(f"{pointer.format(index)}/timestamp", too_old(retention, received)))
        event_id = each.event_id or new_id()
        if (each.user_id, event_id) in seen:
            detail = "is given twice for this user in this batch"
            problems.append(FieldError(f"{pointer.format(index)}/event_id", detail))
        seen.add((each.user_id, event_id))
        events.append(Event(each.user_id, event_id, each.type, at, received, each.value, each.properties))
    if problems:
        raise InvalidError("The events cannot be accepted.", problems)
    return events


def too_old(retention: Retention, received: int) -> str:
    """Return why a time before the oldest accepted one is refused."""
    oldest = retention.oldest_accepted(received)
    if oldest > received - retention.days * DAY_MS:
        return f"is before {rfc3339(oldest)}: events were kept for fewer days then, and are not complete"
    return f"is more than {retention.days} days ago: too old to be counted"


def in_units(value: int) -> int | float:
    """Return a value of 1e-4 in units; one of at most 1e9 is exact.

    >>> in_units(125_000), in_units(20_000), in_units(-1)
    (12.5, 2, -0.0001)
    """
    whole, rest = divmod(value, UNIT)
    return value / UNIT if rest else whole


def happened_at(timestamp: int | None, sent_at: int | None, received: int) -> int:
    """Return when it happened by our clock: `sent_at` shows how far off the device's is.

    >>> happened_at(500, sent_at=600, received=1_000)
    900
    >>> happened_at(5_000, sent_at=None, received=1_000)
    1000
    """
    if timestamp is None:
        return received
    drift = 0 if sent_at is None else received - sent_at
    # Never in the future: an enrolment comes after the user's last event, and would be put off until then.
    return max(0, min(timestamp + drift, received))
