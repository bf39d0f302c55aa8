"""How long after its receipt a message is still processed, however often it was a dead letter."""

from collections.abc import Mapping

from experimentation.domain.clock import DAY_MS
from experimentation.domain.counting.retention import GRACE_DAYS, SHORTEST_DAYS
from experimentation.storage import retention
from experimentation.storage.queue_message import Message


def too_late_before(messages: Mapping[str, Message], now: int) -> int:
    """Return the time before which something was received too long ago to tell a duplicate from a new event.

    By then the stored event may have expired, and a little later the tombstone of an erased user.
    """
    received = (each.received for message in messages.values() for each in message.all())
    # RETENTION is read only where it could refuse something: what was in no dead-letter queue is younger.
    if min(received, default=now) >= now - (SHORTEST_DAYS + GRACE_DAYS) * DAY_MS:
        return 0
    return retention.current().kept_from(now)


def without_too_late(message: Message, before: int) -> Message:
    """Return the message without what was received before that time."""
    return message.only(lambda each: each.received >= before)
