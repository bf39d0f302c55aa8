"""Sending the facts of the outbox to the event bus, at least once, oldest first."""

from collections.abc import Callable

from experimentation.domain.errors import UnavailableError
from experimentation.domain.facts import Fact
from experimentation.storage import bus, outbox


def tell(has_time: Callable[[], bool]) -> list[Fact]:
    """Send the facts, and return them; UnavailableError when the bus refuses some, which stay in the outbox.

    A fact leaves the outbox after the bus has it: a run that dies in between is followed by one that sends it
    again under the same id.
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
