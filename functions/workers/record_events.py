"""Count queue - count each event exactly once, however often it is delivered."""

from collections.abc import Callable

from experimentation import telemetry
from experimentation.domain.clock import day_number
from experimentation.storage.event_types import Seen, SeenTypes
from experimentation.storage.queue_message import Message, unpack
from experimentation.usecases.counting import Outcome, count_events
from experimentation.usecases.runtime import Runtime
from experimentation.web.queue_worker import queue_worker

runtime = Runtime()
seen_types = SeenTypes()


@queue_worker(unpack)
def handler(messages: dict[str, Message], has_time: Callable[[], bool]) -> set[str]:
    """Return the messages of which an event is not stored yet; an outage fails the whole batch."""
    events = [event for message in messages.values() for event in message.events]
    outcome = count_events(events, runtime, has_time)
    requests = sorted({message.request_id for message in messages.values()})
    telemetry.logger.info("counted", extra={"requests": requests, "events": len(outcome.counted)})
    _measure(outcome)
    if outcome.outage is not None and not outcome.counted and not outcome.duplicates:
        raise outcome.outage
    stored = [each for each in events if (each.user_id, each.event_id) not in outcome.failed]
    # Duplicates too: whoever counted them may not have got so far.
    uncounted = {each.event_id for each in outcome.uncounted}
    seen_types.note(
        (Seen(each.type, day_number(each.at), each.event_id not in uncounted) for each in stored), has_time
    )
    return {
        message_id
        for message_id, message in messages.items()
        if any((event.user_id, event.event_id) in outcome.failed for event in message.events)
    }


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
