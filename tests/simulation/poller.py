"""Lambda's poller, which feeds a worker from a queue."""

import json
from collections.abc import Callable
from typing import Any

from tests.simulation.environments import Environment, Pool
from tests.simulation.queue import Message, Queue
from tests.simulation.schedule import Schedule


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
