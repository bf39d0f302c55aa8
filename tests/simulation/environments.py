"""Execution environments as Lambda keeps them: reused when idle, one request at a time, killed at times."""

import concurrent.futures
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from types import ModuleType, SimpleNamespace
from typing import Any, Self
from unittest.mock import patch

from experimentation import telemetry
from experimentation.storage import rollups
from experimentation.storage.aws import client, pauses
from experimentation.storage.event_types import SeenTypes
from experimentation.usecases import ingesting
from experimentation.usecases.runtime import Runtime
from functions.workers import record_events, seal_rollups
from tests.simulation.faults import Faults
from tests.simulation.schedule import Killed, Schedule

LARGEST_SKEW_MS = 1_000  # so any two clocks differ by at most 2 s, as domain/lifecycle.py says
ENVIRONMENT = {
    "DATA_TABLE": "Data",
    "EVENTS_TOPIC_ARN": "arn:topic",
    "COUNT_QUEUE_URL": "count",
    "COUNT_DEAD_LETTER_QUEUE_URL": "dead",
}

type Work = Callable[["Environment"], object]


class Environment:
    """One environment: a clock that is a little off, and what the product keeps between invocations."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self._skew = schedule.chance.uniform(-LARGEST_SKEW_MS, LARGEST_SKEW_MS)
        self.deadline = 0.0
        chance = random.Random(schedule.chance.random())
        self.runtime = Runtime(clock=self.clock, rng=chance, sleep=schedule.sleep)
        self.seen_types = SeenTypes()

    def clock(self) -> int:
        """Return the milliseconds since 1970 as this environment sees them."""
        return int(self._schedule.now + self._skew)

    def enter(self) -> None:
        """Make the modules' globals those of this environment."""
        record_events.runtime = self.runtime
        record_events.seen_types = self.seen_types
        seal_rollups.wall_clock = self.clock

    def get_remaining_time_in_millis(self) -> int:
        """Return what is left of the invocation: the environment is the context, too."""
        return int(self.deadline - self._schedule.now)


class Pool:
    """The environments of one function."""

    def __init__(self, schedule: Schedule, faults: Faults, timeout_ms: float) -> None:
        self._schedule, self._faults, self._timeout_ms = schedule, faults, timeout_ms
        self._idle: list[Environment] = []
        self.killed = 0
        self.busy = 0

    def invoke(self, work: Work, done: Callable[[object], None] = lambda _: None) -> None:
        """Run `work` in an idle environment, or a new one; `done` gets the result, or what was raised."""
        chance = self._schedule.chance
        if self._idle and chance.random() < 0.97:
            environment = self._idle.pop(chance.randrange(len(self._idle)))
        else:
            environment = Environment(self._schedule)
        environment.deadline = self._schedule.now + self._timeout_ms
        self.busy += 1

        def ended(outcome: object) -> None:
            self.busy -= 1
            if isinstance(outcome, Killed):
                self.killed += 1
            else:
                self._idle.append(environment)
            done(outcome)

        actor = self._schedule.start(lambda: work(environment), ended, environment.enter)
        if chance.random() < self._faults.killed:
            actor.waits_left = chance.randint(1, 9)
        self._schedule.after(self._timeout_ms, actor.kill)


class _OneByOne:
    """A thread pool that needs no threads: an actor cannot wait in another thread."""

    def __init__(self, _workers: int) -> None:
        self.map = map

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class _Log:
    """Keeps what the product says went wrong."""

    def __init__(self) -> None:
        self.exceptions: list[str] = []

    def info(self, *_: object, **__: object) -> None:
        pass

    error = warning = info

    def exception(self, message: str, **_: object) -> None:
        error = sys.exception()
        frame = None if error is None else error.__traceback__
        while frame is not None and frame.tb_next is not None:
            frame = frame.tb_next
        place = "" if frame is None else f" in {frame.tb_frame.f_code.co_qualname}, line {frame.tb_lineno}"
        self.exceptions.append(f"{message}: {error!r}{place}")


@contextmanager
def installed(
    schedule: Schedule, clients: dict[str, object], tuning: dict[tuple[ModuleType, str], Any]
) -> Iterator[tuple[Counter[str], list[str]]]:
    """Put the model in the place of AWS; give the product's own counters and what it logged as errors."""
    counted: Counter[str] = Counter()
    log = _Log()

    class Session:
        def create_client(self, service: str, **_: object) -> object:
            return clients[service]

    def tally(name: str, n: float = 1) -> None:
        counted[name] += int(n)

    ids = random.Random(schedule.chance.random())
    replaced = {
        (client, "_session"): cache(Session),
        (client, "getproxies"): lambda: {"https": "the model"},  # which models all attempts by itself
        (pauses, "pause"): lambda tried: schedule.sleep(0.02 * tried),
        (ingesting, "secrets"): SimpleNamespace(randbits=ids.getrandbits),
        (concurrent.futures, "ThreadPoolExecutor"): _OneByOne,
        (rollups, "ThreadPoolExecutor"): _OneByOne,
        (seal_rollups, "wall_clock"): seal_rollups.wall_clock,  # each environment puts in its own
        (telemetry, "logger"): log,
        (telemetry, "count"): tally,
        (telemetry, "duration"): lambda *_: None,
        (telemetry, "flush"): lambda: None,
        **tuning,
    }
    with ExitStack() as stack:
        for (module, name), value in replaced.items():
            stack.enter_context(patch.object(module, name, value))
        client.reset()
        try:
            yield counted, log.exceptions
        finally:
            stack.callback(client.reset)
