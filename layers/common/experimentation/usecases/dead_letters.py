"""Dead letters: what waits in the dead-letter queues, and sending it to its queues again.

A message is deleted once its queue has it, so a replay that dies half-way loses nothing; what two replays or
two tries send twice is counted once, because counting is idempotent.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from experimentation import settings, telemetry
from experimentation.domain.clock import rfc3339
from experimentation.storage import queues
from experimentation.storage.queue_message import PoisonError, unpack

HIDDEN_SECONDS = 60  # longer than a function lives: another replay at once gets other messages
MAX_TYPES = 20


class Letter(NamedTuple):
    """One message, without what says whom it is about; the numbers are None when nobody can read it."""

    message_id: str
    sent_at: str
    receive_count: int
    bytes: int
    events: int | None
    exposures: int | None
    types: list[str]


class Waiting(NamedTuple):
    """What one dead-letter queue holds: roughly how much, and a sample."""

    queue: str
    waiting: int
    in_flight: int
    oldest_age_seconds: int | None
    sample: list[Letter]


class Moved(NamedTuple):
    """What one replay moved from one queue; `drained` says that no message was left to receive."""

    queue: str
    moved: int
    left: int
    drained: bool


def look(name: str, now: int) -> Waiting:
    """Return what a dead-letter queue holds.

    To look is to receive with a visibility timeout of 0: nothing is taken and nothing is hidden. The receive
    count of the messages goes up by one, which decides nothing: a dead-letter queue has none of its own, and
    a replayed message starts anew.
    """
    url = settings.dead_letter_queue_url(name)
    depth = queues.depth(url)
    sample = queues.receive(url, queues.MAX_BATCH, hidden_seconds=0, wait_seconds=_wait_seconds(depth))
    return Waiting(
        name,
        depth.waiting,
        depth.in_flight,
        max(((now - each.sent_at) // 1000 for each in sample), default=None),
        [_letter(each) for each in {each.id: each for each in sample}.values()],
    )


def replay(names: Iterable[str], most: int | None, has_time: Callable[[], bool]) -> Iterator[Moved]:
    """Move up to `most` messages of the queues in all, while there is time; yield what each queue gave."""
    for name in names:
        moved, drained = send_again(name, most, has_time)
        most = None if most is None else most - moved
        yield Moved(name, moved, queues.depth(settings.dead_letter_queue_url(name)).total, drained)


def send_again(name: str, most: int | None, has_time: Callable[[], bool]) -> tuple[int, bool]:
    """Move messages until none is left (then True), the queue refuses one, or the time is up."""
    dead, source = settings.dead_letter_queue_url(name), settings.queue_url(queues.SOURCES[name])
    wait_seconds = _wait_seconds(queues.depth(dead))
    moved = 0
    while has_time() and (most is None or moved < most):
        limit = queues.MAX_BATCH if most is None else most - moved
        found = queues.receive(dead, limit, HIDDEN_SECONDS, wait_seconds)
        accepted = [found[position] for position in sorted(queues.send(source, [m.body for m in found]))]
        queues.delete(dead, accepted)
        moved += len(accepted)
        telemetry.count("MessagesReplayed", len(accepted))
        if not found or len(accepted) < len(found):
            return moved, not found
    return moved, False


def _wait_seconds(depth: queues.Depth) -> int:
    # A receive that does not wait may overlook a few messages; where none is, there is nothing to wait for.
    return 1 if depth.waiting else 0


def _letter(message: queues.Received) -> Letter:
    try:
        read = unpack(message.body)
    except PoisonError:
        read = None
    return Letter(
        message.id,
        rfc3339(message.sent_at),
        message.receive_count,
        len(message.body.encode()),
        None if read is None else len(read.events),
        None if read is None else len(read.exposures),
        sorted({event.type for event in read.events})[:MAX_TYPES] if read else [],
    )
