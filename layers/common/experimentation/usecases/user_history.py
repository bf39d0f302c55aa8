"""What is stored of one user beside HEAD: boundaries that were put away, ledgers of their own, events."""

from collections.abc import Iterator

from experimentation.domain.counting.event import Event
from experimentation.domain.counting.ledger import Boundary, Cells, Head, merged
from experimentation.storage import events, users

EVENTS_AT_ONCE = 500


def read_past(user_id: str, head: Head) -> tuple[Boundary, ...]:
    """Return the boundaries that were put away; nothing is read where the head says there are none."""
    return users.read_past(user_id) if head.past_until else ()


def read_boundaries(user_id: str, head: Head) -> tuple[Boundary, ...]:
    """Return all boundaries of the user in time order."""
    return merged(head, read_past(user_id, head))


def read_ledgers(user_id: str, head: Head) -> dict[str, Cells]:
    """Return all ledgers of the user by event type."""
    spilled = users.read_spilled((user_id, event_type) for event_type in head.spilled)
    return {**head.ledgers, **{event_type: each.cells for (_, event_type), each in spilled.items()}}


def read_events(user_id: str, *, consistent: bool = False) -> Iterator[Event]:
    """Yield the user's events that entered the ledgers."""
    after: str | None = None
    while True:
        page = events.page(user_id, EVENTS_AT_ONCE, after, consistent=consistent)
        yield from page.counted
        after = page.next_event
        if after is None:
            return
