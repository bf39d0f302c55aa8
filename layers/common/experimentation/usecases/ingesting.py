"""Ingesting events and exposures: accepted once every message is, and safe to send again otherwise."""

import secrets
from collections.abc import Sequence

from experimentation import settings
from experimentation.domain.clock import DAY_MS
from experimentation.domain.counting import exposure
from experimentation.domain.counting.event import Event, Submission, accept, happened_at
from experimentation.domain.counting.exposure import Exposure, ExposureSubmission
from experimentation.domain.counting.retention import SHORTEST_DAYS, Retention
from experimentation.domain.errors import UnavailableError
from experimentation.domain.identifiers import uuid7
from experimentation.storage import retention, topic
from experimentation.storage.queue_message import pack, pack_exposures
from experimentation.usecases.runtime import Runtime

TRIES = 3
PARALLEL = 8
RETRY_AFTER_SECONDS = 2


def ingest(
    submissions: list[Submission],
    received: int,
    request_id: str,
    runtime: Runtime,
    pointer: str = "/events/{}",
) -> list[Event]:
    """Return the events once the topic has them all; UnavailableError carries their ids, for the retry."""
    kept = _retention(submissions, received)
    events = accept(submissions, received, kept, lambda: uuid7(received, secrets.randbits(74)), pointer)
    if _published(pack(events, request_id), runtime):
        return events
    raise UnavailableError(
        "The events could not all be accepted: send them again with these ids, none is counted twice.",
        retry_after_seconds=RETRY_AFTER_SECONDS,
        extra={"event_ids": [event.event_id for event in events]},
    )


def ingest_exposures(
    submissions: Sequence[ExposureSubmission], received: int, request_id: str, runtime: Runtime
) -> list[Exposure]:
    """Return the exposures once the topic has them all; else UnavailableError."""
    names = (each.experiment_id for each in submissions)
    experiments = runtime.experiments.read_many(names, received)
    kept = _retention(submissions, received)
    exposures = exposure.accept(submissions, received, kept, experiments)
    if _published(pack_exposures(exposures, request_id), runtime):
        return exposures
    raise UnavailableError(
        "The exposures could not all be accepted: send them again, none is counted twice.",
        retry_after_seconds=RETRY_AFTER_SECONDS,
    )


def _retention(submissions: Sequence[Submission | ExposureSubmission], received: int) -> Retention:
    # RETENTION is read only where it could refuse something: nothing recent is too old.
    times = (happened_at(each.timestamp, each.sent_at, received) for each in submissions)
    oldest = min(times, default=received)
    if oldest >= received - SHORTEST_DAYS * DAY_MS:
        return Retention(settings.retention_days())
    return retention.current()


def _published(messages: Sequence[str], runtime: Runtime) -> bool:
    """Publish the messages, and refused ones a few times; False when some are not accepted in the end."""
    for attempt in range(TRIES):
        if attempt:
            runtime.pause(attempt)
        messages = _refused(messages)
        if not messages:
            return True
    return False


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
