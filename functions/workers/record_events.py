"""Count queue - count each event and exposure exactly once, however often it is delivered."""

from collections.abc import Callable

from experimentation import telemetry
from experimentation.domain.counting.exposing import Fate
from experimentation.storage.event_types import SeenTypes
from experimentation.storage.queue_message import Message, unpack
from experimentation.usecases import counting, exposing
from experimentation.usecases.counting_messages import count_messages
from experimentation.usecases.replays import too_late_before, without_too_late
from experimentation.usecases.runtime import Runtime
from experimentation.web.queue_worker import queue_worker

runtime = Runtime()
seen_types = SeenTypes()


@queue_worker(unpack)
def handler(messages: dict[str, Message], has_time: Callable[[], bool]) -> set[str]:
    """Return the messages with a record that is not stored yet; an outage fails the whole batch."""
    counted = count_messages(_in_time(messages), runtime, has_time)
    _measure_exposures(counted.exposures)
    requests = sorted({message.request_id for message in messages.values()})
    telemetry.logger.info("counted", extra={"requests": requests, "events": len(counted.events.counted)})
    _measure_events(counted.events)
    if counted.outage is not None and not counted.has_progress:
        raise counted.outage
    seen_types.note(counted.types, has_time)
    return counted.failed


def _in_time(messages: dict[str, Message]) -> dict[str, Message]:
    """Drop what a replay brings so late that a duplicate could not be told from a new event."""
    before = too_late_before(messages, runtime.clock())
    if not before:
        return messages
    accepted = {name: without_too_late(message, before) for name, message in messages.items()}
    dropped = _size(messages) - _size(accepted)
    if dropped:
        telemetry.logger.warning("received too long ago to be counted", extra={"dropped": dropped})
        telemetry.count("EventsTooLate", dropped)
    return accepted


def _size(messages: dict[str, Message]) -> int:
    return sum(len(message.all()) for message in messages.values())


def _measure_exposures(outcome: exposing.Outcome) -> None:
    if outcome.fates or outcome.failed:
        telemetry.logger.info("exposures", extra={"fates": outcome.fates, "failed": len(outcome.failed)})
    telemetry.count("ExposuresEnrolled", outcome.fates[Fate.ENROLLED] + outcome.fates[Fate.LATE])
    telemetry.count("Crossovers", outcome.fates[Fate.CROSSOVER])
    telemetry.count("ExposuresFailed", len(outcome.failed))


def _measure_events(outcome: counting.Outcome) -> None:
    telemetry.count("EventsCounted", len(outcome.counted))
    telemetry.count("EventsUncounted", len(outcome.uncounted))
    telemetry.count("EventsDuplicate", len(outcome.duplicates))
    telemetry.count("EventsErased", len(outcome.erased))
    telemetry.count("EventsFailed", len(outcome.failed))
    telemetry.count("Transactions", outcome.transactions)
    telemetry.count("Conflicts", outcome.conflicts)
    if outcome.counted:
        oldest = min(event.received for event in outcome.counted)
        telemetry.duration("CountLagMilliseconds", runtime.clock() - oldest)
