"""Telling: what waits in the outbox is sent to the event bus, at least once, oldest first."""

from collections.abc import Callable

from experimentation.domain.errors import UnavailableError
from experimentation.domain.facts import Fact
from experimentation.storage import bus, outbox


def tell(has_time: Callable[[], bool]) -> list[Fact]:
    """Send what waits, and return it; UnavailableError when the bus refuses some, which then waits on.

    A fact leaves the outbox after the bus has it: whoever dies in between sends it again under the same id.
    """
    told: list[Fact] = []
    while has_time():
        waiting = outbox.pending(bus.MOST_ENTRIES)
        if not waiting:
            break
        taken = bus.put(waiting)
        for fact in taken:
            outbox.sent(fact)
        told += taken
        if len(taken) < len(waiting):
            raise UnavailableError("the event bus refused some of what happened; it is sent again")
    return told
