"""The batches that Lambda hands to the counting worker."""

from collections.abc import Iterable, Sequence

from benchmarks.rig import now
from experimentation.domain.counting.event import UNIT, Event
from experimentation.storage.queue_message import pack


def batch_of(
    users: Iterable[str], prefix: str, types: Sequence[str] = ("t0",), at: int | None = None
) -> dict[str, object]:
    """Return one message with an event per user named.

    The types take turns, the values differ, and the ids begin with `prefix`.
    """
    received = now()
    events = [
        Event(user, f"{prefix}-{i}", types[i % len(types)], at or received, received, UNIT + 1_371 * i, "{}")
        for i, user in enumerate(users)
    ]
    messages = pack(events, prefix)
    return {"Records": [{"messageId": str(i), "body": body} for i, body in enumerate(messages)]}
