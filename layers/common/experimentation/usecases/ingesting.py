"""Ingesting events: accepted when every message that carries them was, and safe to send again when not."""

import secrets
from collections.abc import Sequence

from experimentation import settings
from experimentation.domain.clock import DAY_MS
from experimentation.domain.counting.event import Event, Submission, accept, happened_at
from experimentation.domain.counting.retention import Retention
from experimentation.domain.errors import UnavailableError
from experimentation.domain.identifiers import uuid7
from experimentation.storage import retention, topic
from experimentation.storage.queue_message import pack
from experimentation.usecases.runtime import Runtime

TRIES = 3
PARALLEL = 8
RETRY_AFTER_SECONDS = 2
SHORTEST_RETENTION_DAYS = 1  # the least that the template's RetentionDays may be


def ingest(
    submissions: list[Submission],
    received: int,
    request_id: str,
    runtime: Runtime,
    place: str = "/events/{}",
) -> list[Event]:
    """Return the events once the topic has them all; UnavailableError carries their ids, for the retry."""
    kept = _retention(submissions, received)
    events = accept(submissions, received, kept, lambda: uuid7(received, secrets.randbits(74)), place)
    messages = pack(events, request_id)
    for tried in range(TRIES):
        if tried:
            runtime.pause(tried)
        messages = _refused(messages)
        if not messages:
            return events
    raise UnavailableError(
        "The events could not all be accepted: send them again with these ids, none is counted twice.",
        retry_after_seconds=RETRY_AFTER_SECONDS,
        extra={"event_ids": [event.event_id for event in events]},
    )


def _retention(submissions: Sequence[Submission], received: int) -> Retention:
    # The item is read only for an event that it could refuse: of what has just happened, none is too old.
    oldest = min((happened_at(each, received) for each in submissions), default=received)
    if oldest >= received - SHORTEST_RETENTION_DAYS * DAY_MS:
        return Retention(settings.retention_days())
    return retention.current()


def _refused(messages: Sequence[str]) -> list[str]:
    """Publish the messages, side by side when there are several; return those that were not accepted."""
    if len(messages) == 1:
        accepted = [_accepted(messages[0])]
    else:
        from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - one event needs no threads

        with ThreadPoolExecutor(PARALLEL) as pool:
            accepted = list(pool.map(_accepted, messages))
    return [message for message, done in zip(messages, accepted, strict=True) if not done]


def _accepted(message: str) -> bool:
    try:
        topic.publish(message)
    except UnavailableError:
        return False
    return True
