"""SQS with a dead-letter queue, and Lambda's poller that feeds a worker from it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.simulation.environments import Environment, Pool
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
        self.dead: list[str] = []
        self.unfinished = 0
        self.awaited: Callable[[], object] = lambda: None
        self._sent = 0

    def send(self, body: str) -> None:
        """Add a message; now and then twice."""
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
                self.dead.append(message.body)
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

    def redrive(self) -> int:
        """Send the dead letters again; return how many."""
        moved = len(self.dead)
        bodies, self.dead = self.dead, []
        for body in bodies:
            self.send(body)
        return moved

    def _return_later(self, message: Message) -> None:
        early = self._schedule.chance.random() < self._faults.twice
        delay = self._schedule.chance.uniform(0, 500) if early else VISIBILITY_MS
        self._schedule.after(delay, lambda: message.deleted or self._show(message))

    def _show(self, message: Message) -> None:
        self.visible.append(message)
        self.awaited()


class Poller:
    """The event source mapping: batches to up to `concurrency` workers at once."""

    def __init__(
        self,
        schedule: Schedule,
        queue: Queue,
        pool: Pool,
        handler: Callable[[dict[str, Any], Environment], Any],
        batch: int,
        concurrency: int,
        every_ms: float,
    ) -> None:
        self._schedule, self._queue, self._pool, self._handler = schedule, queue, pool, handler
        self._batch, self._concurrency, self._every_ms = batch, concurrency, every_ms
        self.raised: list[BaseException] = []
        self._awake = False
        queue.awaited = self.wake

    def wake(self) -> None:
        """Look at the queue soon."""
        if not self._awake:
            self._awake = True
            self._schedule.after(self._schedule.chance.uniform(0, self._every_ms), self._poll)

    def _poll(self) -> None:
        self._awake = False
        while self._queue.visible and self._pool.busy < self._concurrency:
            messages = self._queue.receive(self._schedule.chance.randint(1, self._batch))
            if messages:
                self._invoke(messages)

    def _invoke(self, messages: list[Message]) -> None:
        event = {"Records": [{"messageId": each.id, "body": each.body} for each in messages]}

        def done(outcome: object) -> None:
            if self._queue.visible:
                self.wake()
            if isinstance(outcome, BaseException):
                self.raised.append(outcome)
                return
            kept = {each["itemIdentifier"] for each in json.loads(json.dumps(outcome))["batchItemFailures"]}
            for message in messages:
                if message.id not in kept:
                    self._queue.delete(message)

        self._pool.invoke(lambda environment: self._handler(event, environment), done)
