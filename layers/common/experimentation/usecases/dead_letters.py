"""Dead letters: what waits in the dead-letter queues, and its replay to the source queues.

A message is deleted once its source queue has it, so a replay that dies half-way loses nothing; a message
that two replays or attempts send twice is counted once, because counting is idempotent.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from experimentation import settings, telemetry
from experimentation.domain.clock import rfc3339
from experimentation.storage import queues
from experimentation.storage.queue_message import PoisonError, unpack

HIDDEN_SECONDS = 60  # longer than a function lives: a concurrent replay gets other messages
MAX_TYPES = 20


class Letter(NamedTuple):
    """One message, without anything that identifies a person; the numbers are None where it is unreadable."""

    message_id: str
    sent_at: str
    receive_count: int
    bytes: int
    events: int | None = None
    exposures: int | None = None
    types: Sequence[str] = ()


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

    It receives with a visibility timeout of 0, so nothing is taken or hidden. The receive count of the
    messages goes up by one, to no effect: a dead-letter queue has no dead-letter queue of its own, and a
    replayed message starts at zero.
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
    """Move up to `most` messages in all, while there is time; yield what each queue gave."""
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
        received = queues.receive(dead, limit, HIDDEN_SECONDS, wait_seconds)
        accepted = _sent(source, received)
        queues.delete(dead, accepted)
        moved += len(accepted)
        telemetry.count("MessagesReplayed", len(accepted))
        if not received or len(accepted) < len(received):
            return moved, not received
    return moved, False


def _sent(source: str, messages: list[queues.Received]) -> list[queues.Received]:
    """Send the messages; return those that the queue accepted."""
    positions = queues.send(source, [message.body for message in messages])
    return [messages[position] for position in sorted(positions)]


def _wait_seconds(depth: queues.Depth) -> int:
    # A receive that does not wait may miss some of a few messages; an empty queue needs no wait.
    return 1 if depth.waiting else 0


def _letter(message: queues.Received) -> Letter:
    letter = Letter(message.id, rfc3339(message.sent_at), message.receive_count, len(message.body.encode()))
    try:
        content = unpack(message.body)
    except PoisonError:
        return letter
    types = sorted({event.type for event in content.events})[:MAX_TYPES]
    return letter._replace(events=len(content.events), exposures=len(content.exposures), types=types)
