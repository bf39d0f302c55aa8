"""Simulated time: callbacks in a queue, and actors that run the product's code until they wait."""

import heapq
import random
import zlib
from collections.abc import Callable

from greenlet import getcurrent, greenlet

type Callback = Callable[[], object]


class Killed(BaseException):
    """The execution environment was stopped; no `except Exception` sees it."""


class Actor:
    """One invocation of product code; it stops where it waits, and goes on when the schedule resumes it."""

    def __init__(
        self,
        schedule: "Schedule",
        body: Callable[[], object],
        done: Callable[[object], None],
        entering: Callback,
    ) -> None:
        self._schedule, self._body, self._done, self._entering = schedule, body, done, entering
        self._greenlet = greenlet(self._run, schedule.hub)
        self._turn = 0
        self.waits_left: int | None = None

    def begin(self) -> int:
        """Return the ticket of the next wait: what resumes an earlier one comes too late and is ignored."""
        self._turn += 1
        if self.waits_left is not None:
            self.waits_left -= 1
            if self.waits_left <= 0:
                self._schedule.after(self._schedule.chance.uniform(0, 12), self.kill)
        return self._turn

    def wait(self) -> object:
        """Let the others run until `resume` is called with the current ticket."""
        return self._schedule.hub.switch()

    def resume(self, turn: int, outcome: object) -> None:
        """Go on with a value, or with an exception that is raised where the actor waits."""
        if turn != self._turn or self._greenlet.dead:
            return
        self._turn += 1
        if isinstance(outcome, BaseException):
            self._switch(lambda: self._greenlet.throw(outcome))
        else:
            self._switch(lambda: self._greenlet.switch(outcome))

    def kill(self) -> None:
        """Stop it where it waits; what it asked of the services goes on there."""
        if not self._greenlet.dead and self._turn:
            self._turn += 1
            self._switch(lambda: self._greenlet.throw(Killed()))

    def start(self) -> None:
        """Run it for the first time."""
        self._turn += 1
        self._switch(self._greenlet.switch)

    def _switch(self, switch: Callback) -> None:
        before, self._schedule.current = self._schedule.current, self
        self._entering()
        try:
            switch()
        finally:
            self._schedule.current = before

    def _run(self, *_: object) -> None:
        try:
            outcome: object = self._body()
        except (Exception, Killed) as error:  # noqa: BLE001 - whoever started the actor judges it
            outcome = error
        self._done(outcome)


class Schedule:
    """What happens when; `now` in milliseconds. Everything that is chance comes from one seed."""

    def __init__(self, seed: int, now: float) -> None:
        self.chance = random.Random(seed)
        self.now = now
        self.hub = getcurrent()
        self.current: Actor | None = None
        self.digest = 0
        self._queue: list[tuple[float, float, int, Callback]] = []
        self._count = 0

    def after(self, delay: float, callback: Callback) -> None:
        """Call back in `delay` milliseconds; the order of what happens at the same time is drawn."""
        self._count += 1
        entry = (self.now + delay, self.chance.random(), self._count, callback)
        heapq.heappush(self._queue, entry)

    def at(self, moment: float, callback: Callback) -> None:
        """Call back at that time, or now when it has passed."""
        self.after(max(0.0, moment - self.now), callback)

    def start(
        self,
        body: Callable[[], object],
        done: Callable[[object], None] = lambda _: None,
        entering: Callback = lambda: None,
    ) -> Actor:
        """Make an actor that begins at once; `done` gets what it returns or raises."""
        actor = Actor(self, body, done, entering)
        self.after(0, actor.start)
        return actor

    def sleep(self, seconds: float) -> None:
        """Let the current actor wait."""
        actor = self.actor()
        turn = actor.begin()
        self.after(seconds * 1000, lambda: actor.resume(turn, None))
        actor.wait()

    def actor(self) -> Actor:
        """Return the actor whose code is running."""
        if self.current is None:
            raise RuntimeError("only an actor can wait")
        return self.current

    def note(self, what: str) -> None:
        """Add to the digest by which two runs are compared."""
        self.digest = zlib.crc32(f"{self.now:.3f}{what}".encode(), self.digest)

    def run(self, until: float = float("inf")) -> None:
        """Let everything happen up to that time."""
        while self._queue and self._queue[0][0] <= until:
            self.now, _, _, callback = heapq.heappop(self._queue)
            callback()
