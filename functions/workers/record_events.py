"""Count queue - count each event and exposure exactly once, however often it is delivered."""

from collections.abc import Callable

from experimentation import telemetry
from experimentation.domain.clock import day_number
from experimentation.domain.counting.event import Event
from experimentation.domain.counting.exposing import Fate
from experimentation.storage.event_types import Seen, SeenTypes
from experimentation.storage.queue_message import Message, unpack
from experimentation.usecases.counting import Outcome, count_events
from experimentation.usecases.exposing import Outcome as Exposed
from experimentation.usecases.exposing import enrol_exposed
from experimentation.usecases.replays import too_late_before, without_too_late
from experimentation.usecases.runtime import Runtime
from experimentation.web.queue_worker import queue_worker

runtime = Runtime()
seen_types = SeenTypes()


@queue_worker(unpack)
def handler(messages: dict[str, Message], has_time: Callable[[], bool]) -> set[str]:
    """Return the messages of which something is not stored yet; an outage fails the whole batch."""
    messages = _in_time(messages)
    # Before the events: a user who is exposed before their first event needs none of them to be read.
    exposures = [each for message in messages.values() for each in message.exposures]
    exposed = enrol_exposed(exposures, runtime, has_time)
    _measure_exposures(exposed)
    events = [event for message in messages.values() for event in message.events]
    outcome = count_events(events, runtime, has_time)
    requests = sorted({message.request_id for message in messages.values()})
    telemetry.logger.info("counted", extra={"requests": requests, "events": len(outcome.counted)})
    _measure(outcome)
    outage = outcome.outage or exposed.outage
    if outage is not None and not (outcome.counted or outcome.duplicates or exposed.fates):
        raise outage
    _note_types(events, outcome, has_time)
    return {name for name, message in messages.items() if _is_failed(message, outcome, exposed)}


def _note_types(events: list[Event], counted: Outcome, has_time: Callable[[], bool]) -> None:
    """Note the types of what is stored, duplicates too: whoever counted them may not have got so far."""
    uncounted = {(each.user_id, each.event_id) for each in counted.uncounted}
    stored = (each for each in events if (each.user_id, each.event_id) not in counted.failed)
    seen_types.note(
        (
            Seen(each.type, day_number(each.at), (each.user_id, each.event_id) not in uncounted)
            for each in stored
        ),
        has_time,
    )


def _is_failed(message: Message, counted: Outcome, exposed: Exposed) -> bool:
    return any((event.user_id, event.event_id) in counted.failed for event in message.events) or any(
        (each.user_id, each.experiment_id) in exposed.failed for each in message.exposures
    )


def _in_time(messages: dict[str, Message]) -> dict[str, Message]:
    """Drop what a replay brings so late that a duplicate could not be told from a new event."""
    before = too_late_before(messages, runtime.clock())
    left = {name: without_too_late(each, before) for name, each in messages.items()} if before else messages
    dropped = sum(map(_size, messages.values())) - sum(map(_size, left.values()))
    if dropped:
        telemetry.logger.warning("received too long ago to be counted", extra={"dropped": dropped})
        telemetry.count("EventsTooLate", dropped)
    return left


def _size(message: Message) -> int:
    return len(message.events) + len(message.exposures)


def _measure_exposures(exposed: Exposed) -> None:
    if exposed.fates or exposed.failed:
        telemetry.logger.info("exposures", extra={"fates": exposed.fates, "failed": len(exposed.failed)})
    telemetry.count("ExposuresEnrolled", exposed.fates[Fate.ENROLLED] + exposed.fates[Fate.LATE])
    telemetry.count("Crossovers", exposed.fates[Fate.CROSSOVER])
    telemetry.count("ExposuresFailed", len(exposed.failed))


def _measure(outcome: Outcome) -> None:
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
