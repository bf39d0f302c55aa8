"""Execution environments as Lambda keeps them: reused when idle, one request at a time, killed at times."""

import concurrent.futures
import importlib
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, Self
from unittest.mock import patch

import functions
from experimentation import telemetry
from experimentation.storage import erasures, sealing_runs
from experimentation.storage.access import audit
from experimentation.storage.aws import client, pauses
from experimentation.storage.event_types import SeenTypes
from experimentation.usecases import ingesting
from experimentation.usecases.runtime import Runtime
from experimentation.web import endpoint
from functions.workers import record_events, tend_experiments
from tests.simulation.api import OPERATOR
from tests.simulation.faults import Faults
from tests.simulation.schedule import Killed, Schedule

LARGEST_SKEW_MS = 1_000  # so any two clocks differ by at most 2 s, as domain/lifecycle.py says
ENVIRONMENT = {
    "DATA_TABLE": "Data",
    "ACCOUNTS_TABLE": "Accounts",
    "EVENTS_TOPIC_ARN": "arn:topic",
    "NOTIFICATION_BUS_ARN": "arn:bus",
    "ARCHIVE_BUCKET": "archive",
    "COUNT_QUEUE_URL": "count",
    "COUNT_DEAD_LETTER_QUEUE_URL": "dead",
}

for _file in sorted(Path(functions.__file__).parent.glob("*/*.py")):
    importlib.import_module(f"functions.{_file.parent.name}.{_file.stem}")
_MODULES = [each for name, each in sys.modules.items() if name.startswith(("functions.", "experimentation."))]


def _that_know(name: str, kind: type = object) -> list[ModuleType]:
    """Return the product's modules that have a global of that name."""
    return [each for each in _MODULES if name in vars(each) and isinstance(vars(each)[name], kind)]


CLOCKED = _that_know("wall_clock")
RUNNING = _that_know("runtime", Runtime)
THREADED = _that_know("ThreadPoolExecutor")

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
        for module in CLOCKED:
            module.wall_clock = self.clock  # type: ignore[attr-defined]
        for module in RUNNING:
            module.runtime = self.runtime  # type: ignore[attr-defined]
        record_events.seen_types = self.seen_types

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

    warning = info

    def error(self, message: str, *, exc_info: BaseException | None = None, **_: object) -> None:
        if exc_info is not None:
            self._note(message, exc_info)

    def exception(self, message: str, **_: object) -> None:
        self._note(message, sys.exception())

    def _note(self, message: str, error: BaseException | None) -> None:
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
        (pauses, "settle"): lambda: schedule.sleep(pauses.SETTLING_SECONDS),
        (sealing_runs, "secrets"): SimpleNamespace(token_hex=lambda n: ids.randbytes(n).hex()),
        (ingesting, "secrets"): SimpleNamespace(randbits=ids.getrandbits),
        (erasures, "secrets"): SimpleNamespace(token_hex=lambda n: ids.randbytes(n).hex()),
        (tend_experiments, "random"): ids,
        (audit, "secrets"): SimpleNamespace(token_hex=lambda n: ids.randbytes(n).hex()),
        (concurrent.futures, "ThreadPoolExecutor"): _OneByOne,
        (endpoint, "authenticate"): lambda *_: OPERATOR,
        (endpoint, "authorize"): lambda *_: None,
        (endpoint, "require_recent_login"): lambda *_: None,
        (telemetry, "logger"): log,
        (telemetry, "count"): tally,
        (telemetry, "duration"): lambda *_: None,
        (telemetry, "flush"): lambda: None,
        **{(module, "ThreadPoolExecutor"): _OneByOne for module in THREADED},
        # Each environment puts in its own.
        **{(module, "wall_clock"): vars(module)["wall_clock"] for module in CLOCKED},
        **{(module, "runtime"): vars(module)["runtime"] for module in RUNNING},
        (record_events, "seen_types"): record_events.seen_types,
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
