"""One seeded run: experiments live and end, users act, everything fails, and then the books are checked."""

from collections import Counter
from dataclasses import dataclass
from types import ModuleType
from typing import Any
from unittest.mock import patch

from experimentation.domain.clock import DAY_MS, HOUR_MS
from experimentation.domain.counting import user as stored_user
from experimentation.domain.counting import writes
from experimentation.domain.counting.event import Event
from experimentation.domain.errors import ConflictError, UnavailableError
from experimentation.domain.experiment import Experiment, Kind, Metric, Segment, Status, Variant
from experimentation.storage import experiments
from experimentation.storage.aws.transactions import CancelledError
from experimentation.storage.queue_message import pack
from experimentation.usecases import counting, ingesting
from experimentation.usecases.dead_letters import send_again
from experimentation.usecases.verifying import differences
from functions.events import replay
from functions.workers import seal_rollups
from functions.workers.record_events import handler
from tests.simulation.clients import COUNTRIES, Clients
from tests.simulation.environments import ENVIRONMENT, Pool, installed
from tests.simulation.faults import Faults
from tests.simulation.oracle import Verdict, judge
from tests.simulation.poller import Poller
from tests.simulation.queue import Queue
from tests.simulation.schedule import Killed, Schedule
from tests.simulation.services import DynamoDB, Queues, Topic, Wire
from tests.simulation.table import Table

FIRST_DAY = 20_000 * DAY_MS
API_TIMEOUT_MS = 29_000
WORKER_TIMEOUT_MS = 30_000
SEAL_TIMEOUT_MS = 300_000
LONG_DAYS = 70  # so long that ledgers are compacted
REPLAY_DAYS = 10  # dead letters wait no longer: SQS keeps them for 14 days
POISON = (
    "",
    "{",
    '{"v": 1}',
    '{"v": 2, "request_id": "r", "events": []}',
    '{"v":1,"request_id":"r","events":[[1]]}',
)


@dataclass(frozen=True)
class Size:
    """How much happens in a run."""

    events: int = 70
    users: int = 7
    bursts: int = 9
    days: float = 8
    retention_days: int = 3
    concurrency: int = 4
    batch: int = 10
    tuned: bool = True


POISONED_KEY = "the key PK has 2"  # thousand and more bytes: World._poison


@dataclass
class Report:
    """What a run found and what it took."""

    seed: int
    verdict: Verdict
    figures: Counter[str]
    digest: int
    problems: list[str]

    def is_clean(self) -> bool:
        """Tell whether nothing was lost, double, wrong or unexpected."""
        return self.verdict.is_clean() and not self.problems

    def text(self) -> str:
        """Return what is wrong, briefly."""
        v = self.verdict
        lines = [f"seed {self.seed}: lost {v.lost}, double {v.double}, wrong windows {v.wrong_windows}"]
        return "\n  ".join([*lines, *v.others[:8], *self.problems[:4]])


class World:
    """The services, the environments, the callers, and the operator."""

    def __init__(self, seed: int, size: Size) -> None:
        self.size = size
        self.schedule = Schedule(seed, FIRST_DAY + 5 * HOUR_MS)
        self.chance = self.schedule.chance
        self.faults = self._some_faults()
        self.table = Table(self.schedule, page_items=self.chance.choice([2, 7, 1_000]))
        self.wire = Wire(self.schedule, self.faults)
        self.queue = Queue(self.schedule, self.faults)
        self.api = Pool(self.schedule, self.faults, API_TIMEOUT_MS)
        self.workers = Pool(self.schedule, self.faults, WORKER_TIMEOUT_MS)
        self.scheduled = Pool(self.schedule, self.faults, SEAL_TIMEOUT_MS)
        self.audits: list[object] = []
        self.poller = Poller(
            self.schedule,
            self.queue,
            self.workers,
            handler,
            batch=size.batch,
            concurrency=size.concurrency,
            every_ms=self.chance.choice([5, 60, 400]),
        )
        self.days = self.chance.choice([size.days] * 3 + [LONG_DAYS]) if size.tuned else size.days
        names = [f"u{n}" for n in range(size.users if size.users > 9 else self.chance.randint(3, size.users))]
        names[0] = "ü/#1"
        self.experiments = [self._experiment(name) for name in ("a", "b", "c")]
        self.clients = Clients(self.schedule, self.api, names, ["a", "b", "c"], size.retention_days)
        self.poisoned = 0

    def run(self) -> None:
        """Play the whole story, then let everything work until nothing is left to do."""
        for experiment in self.experiments:
            self.schedule.start(lambda e=experiment: _persist(e))
        self._life()
        self._outages()
        for day in range(REPLAY_DAYS, int(self.days), REPLAY_DAYS):
            self.schedule.after(day * DAY_MS, self._replay)
        bursts = sorted(self.chance.uniform(0, self.days * DAY_MS) for _ in range(self.size.bursts))
        each = self.size.events / self.size.bursts
        for moment in bursts:
            self.schedule.after(1_000 + moment, lambda: self._burst(each))
        self.schedule.run(until=self.schedule.now + self.days * DAY_MS + HOUR_MS)
        self._drain()

    def _drain(self) -> None:
        self.faults.stop()
        self.schedule.run()
        for _ in range(2):
            self._replay()
            self.schedule.run()
        self._verify()

    def _verify(self) -> None:
        """Ask the product's own audit, too."""
        now = int(self.schedule.now)
        patient = Pool(self.schedule, self.faults, timeout_ms=DAY_MS)
        for experiment in self.experiments:
            patient.invoke(lambda _, e=experiment: differences(e.id, now), self.audits.append)
        self.schedule.run()

    def _some_faults(self) -> Faults:
        heavy = self.chance.choice([0.3, 1.0, 2.5])
        return Faults(
            throttled=0.01 * heavy,
            refused=0.01 * heavy,
            lost=0.02 * heavy,
            delayed=0.015 * heavy,
            spurious=0.002 * heavy,
            unprocessed=0.03 * heavy,
            stale=0.5,
            killed=0.03 * heavy,
            twice=0.03 * heavy,
        )

    def _experiment(self, name: str) -> Experiment:
        now = int(self.schedule.now)
        return Experiment(
            id=name,
            name=name,
            variants=(Variant("control", 500_000), Variant("treatment", 500_000)),
            control="control",
            salt=name,
            created_at=now,
            created_by="sim",
            updated_at=now,
            traffic_allocation=self.chance.choice([700_000, 1_000_000]),
            segments=(Segment("country", COUNTRIES[:2]),) if self.chance.random() < 0.7 else (),
            metrics=tuple(
                Metric(f"{kind}-{event_type}", event_type, kind)
                for kind, event_type in zip(Kind, ("buy", "buy", "view"), strict=True)
            ),
            shards=self.chance.choice([2, 2, 4]),
        )

    def _life(self) -> None:
        """Start, pause and end the experiments; something happens around each end."""
        length = self.days * DAY_MS
        for name, end in (
            ("a", self.chance.uniform(0.05, 0.35)),
            ("b", self.chance.uniform(0.3, 0.8)),
            ("c", 2),
        ):
            start = 500 if name == "a" else self.chance.uniform(0, 0.2) * length
            self._change(start, name, Status.RUNNING)
            self._change(start + (end - 0.05) * length, name, Status.PAUSED)
            self._change(start + (end - 0.03) * length, name, Status.RUNNING)
            if end < 1:
                moment = start + end * length
                self._change(moment, name, Status.COMPLETED)
                for delay in (0, 3_000, 9_000, 15_000, 16_000, 17_000):
                    count = self.size.events / self.size.bursts / 6
                    self.schedule.after(moment + delay, lambda n=count: self._burst(n))

    def _change(self, after: float, name: str, status: Status) -> None:
        self.schedule.after(after, lambda: self.clients.change_status(name, status))
        if self.chance.random() < (0.7 if status is Status.COMPLETED else 0.2):
            self.schedule.after(after - 2_000, lambda: setattr(self.faults, "slow", True))
            self.schedule.after(after + 30_000, lambda: setattr(self.faults, "slow", False))

    def _outages(self) -> None:
        for _ in range(2):
            moment = self.chance.uniform(0, self.days * DAY_MS)
            self.schedule.after(moment, lambda: setattr(self.faults, "outage", True))
            length = self.chance.uniform(1_000, 40_000)
            self.schedule.after(moment + length, lambda: setattr(self.faults, "outage", False))

    def _burst(self, events: float) -> None:
        chance, sent = self.chance, 0
        length = chance.choice([20, 60, 1_000, 5_000])
        while sent < events:
            count = min(chance.choice([1, 1, 2, 4, 12]), int(events - sent) + 1)
            sent += count
            moment = chance.uniform(0, length)
            self.schedule.after(moment, lambda n=count: self.clients.send_events(n))
            kind = chance.random()
            other = (
                self.clients.ask
                if kind < 0.45
                else self.clients.ask_for_all
                if kind < 0.6
                else self.clients.import_some
                if kind < 0.75
                else self.clients.send_again
                if kind < 0.97
                else self._poison
            )
            self.schedule.after(chance.uniform(0, length), other)
        for _ in range(chance.choice([0, 0, 0, 1, 3])):
            self.schedule.after(chance.uniform(0, length + 100), self._seal)
        for _ in range(chance.choice([0, 1, 2])):
            self.schedule.after(chance.uniform(0, length + 100), self._replay)

    def _seal(self) -> None:
        self.scheduled.invoke(lambda environment: seal_rollups.handler({}, environment), self._judged)

    def _replay(self) -> None:
        until = self.schedule.now / 1000 + replay.BUDGET_SECONDS
        self.api.invoke(
            lambda _: send_again("count", None, lambda: self.schedule.now / 1000 < until), self._judged
        )

    def _judged(self, outcome: object) -> None:
        if isinstance(outcome, BaseException) and not isinstance(outcome, (UnavailableError, Killed)):
            self.clients.told.unexpected.append(outcome)

    def _poison(self) -> None:
        """Put something into the queue that cannot be counted, with or without good neighbours."""
        if self.chance.random() < 0.5:
            self.queue.send(self.chance.choice(POISON))
            return
        now = int(self.schedule.now)
        self.poisoned += 1
        bad = Event("x" * 2_100, f"bad{self.poisoned}", "buy", now, now, 1)
        good = self.clients._submission()
        at = min(good.timestamp or now, now)
        key = (good.user_id, good.event_id or "")
        self.clients.told.sent[key].append(good)
        self.clients.told.accepted.add(key)
        neighbour = Event(good.user_id, key[1], good.type, at, now, good.value)
        for message in pack([bad, neighbour], "poison"):
            self.queue.send(message)

    def services(self) -> dict[str, object]:
        """Return the clients by the service's name."""
        return {
            "dynamodb": DynamoDB(self.wire, self.table),
            "sns": Topic(self.wire, self.queue.send),
            "sqs": Queues(self.wire, self.queue),
        }

    def tuning(self) -> dict[tuple[ModuleType, str], Any]:
        """Return smaller limits than the product's, so that a small run meets them."""
        if not self.size.tuned:
            return {}
        chance = self.chance
        return {
            (stored_user, "HEAD_LIMIT_BYTES"): chance.choice([900, 300, 120]),
            (counting, "MAX_EVENTS"): chance.choice([25, 25, 3]),
            (writes, "MAX_ACTIONS"): chance.choice([100, 30]),
            (writes, "MAX_COUNTERS"): chance.choice([250, 90]),
            (ingesting, "pack"): lambda events, request_id: pack(events, request_id, 400),
        }


def simulate(seed: int, size: Size | None = None) -> Report:
    """Return what came of one run."""
    world = World(seed, size or Size())
    settings = ENVIRONMENT | {"RETENTION_DAYS": str(world.size.retention_days)}
    with (
        patch.dict("os.environ", settings),
        installed(world.schedule, world.services(), world.tuning()) as (counted, logged),
    ):
        world.run()
    told = world.clients.told
    figures = counted + world.table.costs
    figures["killed"] = world.api.killed + world.workers.killed
    figures["tried again"] = told.refused["try again"]
    problems = [f"unexpected: {error!r}" for error in told.unexpected]
    problems += [each for each in world.wire.past_limits if not (world.poisoned and POISONED_KEY in each)]
    problems += [f"a worker raised {e!r}" for e in world.poller.raised if _is_bug(e)]
    problems += [text for text in logged if not world.poisoned or "ValidationException" not in text]
    problems += [f"the audit says {found!r}" for found in world.audits if found and not _is_too_old(found)]
    dead = [body for body in world.queue.dead.values() if body not in POISON and "xxxxx" not in body]
    problems += [f"dead letter: {body[:200]}" for body in dead]
    if world.queue.unfinished:
        problems.append(f"{world.queue.unfinished} messages are left")
    return Report(seed, judge(world.table, told), figures, world.schedule.digest, problems)


def _persist(experiment: Experiment) -> None:
    for _ in range(50):
        try:
            experiments.create(experiment, "sim")
        except (UnavailableError, CancelledError):
            continue
        except ConflictError:  # what follows a lost answer
            pass
        return


def _is_too_old(found: object) -> bool:
    return isinstance(found, ConflictError)  # the experiment ended too long ago to be verified


def _is_bug(error: BaseException) -> bool:
    return not isinstance(error, (UnavailableError, Killed))


__all__ = ["Report", "Size", "World", "simulate"]
