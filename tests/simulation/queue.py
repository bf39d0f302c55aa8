"""SQS: a queue with its dead letters."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.simulation.faults import Faults
from tests.simulation.schedule import Schedule

VISIBILITY_MS = 185_000
MAX_RECEIVES = 5


@dataclass
class Message:
    """One message; it is invisible while a worker has it."""

    id: str
    body: str
    receives: int = 0
    deleted: bool = False


class Queue:
    """At least once, in no order."""

    def __init__(self, schedule: Schedule, faults: Faults) -> None:
        self._schedule, self._faults = schedule, faults
        self.visible: list[Message] = []
        self.dead: dict[str, str] = {}
        self._hidden: dict[str, str] = {}
        self.unfinished = 0
        self.awaited: Callable[[], object] = lambda: None
        self._first_sent: dict[str, float] = {}
        self._sent = 0

    def send(self, body: str) -> None:
        """Add a message; now and then twice."""
        self._first_sent.setdefault(body, self._schedule.now)
        for _ in range(1 + (self._schedule.chance.random() < self._faults.twice)):
            self._sent += 1
            self.unfinished += 1
            self._show(Message(f"m{self._sent}", body))

    def receive(self, most: int) -> list[Message]:
        """Take some messages; they come back when they are not deleted in time."""
        taken: list[Message] = []
        while self.visible and len(taken) < most:
            message = self.visible.pop(self._schedule.chance.randrange(len(self.visible)))
            if message.deleted:
                continue
            if message.receives >= MAX_RECEIVES:
                self.dead[message.id] = message.body
                self.delete(message)
                continue
            message.receives += 1
            taken.append(message)
            self._return_later(message)
        return taken

    def delete(self, message: Message) -> None:
        """Forget a message."""
        if not message.deleted:
            message.deleted = True
            self.unfinished -= 1

    def take_dead(self, most: int, hidden_ms: float) -> dict[str, str]:
        """Hide some dead letters for a while and return them by handle."""
        taken = dict(list(self.dead.items())[:most])
        for handle, body in taken.items():
            del self.dead[handle]
            self._hidden[handle] = body
            self._schedule.after(hidden_ms, lambda handle=handle: self._show_dead(handle))
        return taken

    def delete_dead(self, handle: str) -> None:
        """Forget a dead letter."""
        self._hidden.pop(handle, None)

    def forget_dead(self, older_than_ms: float) -> None:
        """Give up the dead letters that were sent first so long ago, however often they were replayed."""
        oldest = self._schedule.now - older_than_ms
        self.dead = {handle: body for handle, body in self.dead.items() if self._first_sent[body] > oldest}

    def _show_dead(self, handle: str) -> None:
        if handle in self._hidden:
            self.dead[handle] = self._hidden.pop(handle)

    def _return_later(self, message: Message) -> None:
        early = self._schedule.chance.random() < self._faults.twice
        delay = self._schedule.chance.uniform(0, 500) if early else VISIBILITY_MS
        self._schedule.after(delay, lambda: message.deleted or self._show(message))

    def _show(self, message: Message) -> None:
        self.visible.append(message)
        self.awaited()
