"""How long after it was received a message is still worked on, however often it was a dead letter."""

from collections.abc import Mapping

from experimentation.domain.clock import DAY_MS
from experimentation.domain.counting.retention import GRACE_DAYS, SHORTEST_DAYS
from experimentation.storage import retention
from experimentation.storage.queue_message import Message


def too_late_before(messages: Mapping[str, Message], now: int) -> int:
    """Return the time before which something was received too long ago to be told from what is new.

    By then the event that it repeats may have expired, and a little later the tombstone of who did it.
    """
    received = [event.received for message in messages.values() for event in message.events]
    received += [exposure.received for message in messages.values() for exposure in message.exposures]
    # The item is read only for what it could refuse: what was in no dead-letter queue is younger.
    if min(received, default=now) >= now - (SHORTEST_DAYS + GRACE_DAYS) * DAY_MS:
        return 0
    return retention.current().kept_from(now)


def without_too_late(message: Message, before: int) -> Message:
    """Return the message without what was received before that time."""
    return Message(
        tuple(each for each in message.events if each.received >= before),
        message.request_id,
        tuple(each for each in message.exposures if each.received >= before),
    )
