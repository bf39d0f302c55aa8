"""One seeded run: experiments live and end, users act, everything fails, and then the books are checked."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from random import Random
from types import ModuleType
from typing import Any
from unittest.mock import patch

from experimentation.domain.counting import compaction, writes
from experimentation.domain.counting import user as stored_user
from experimentation.domain.counting.event import Event
from experimentation.domain.counting.exposure import Exposure
from experimentation.domain.errors import UnavailableError
from experimentation.storage.queue_message import pack, pack_exposures
from experimentation.usecases import counting, erasing, ingesting, placing
from experimentation.usecases.dead_letters import send_again
from functions.events import replay
from functions.workers import erase_users, seal_rollups, tend_experiments
from functions.workers.record_events import handler
from tests.simulation import definitions
from tests.simulation.clients import DAY_MS, HOUR_MS, Clients
from tests.simulation.environments import ENVIRONMENT, Pool, installed
from tests.simulation.erasing import left_of, still_shown, with_erased
from tests.simulation.faults import Faults
from tests.simulation.oracle import Verdict, judge
from tests.simulation.poller import Poller
from tests.simulation.queue import Queue
from tests.simulation.reading import Reader, Shown
from tests.simulation.schedule import Killed, Schedule
from tests.simulation.services import Bus, DynamoDB, Queues, Topic, Wire
from tests.simulation.table import Table

FIRST_DAY = 20_000 * DAY_MS
API_TIMEOUT_MS = 29_000
WORKER_TIMEOUT_MS = 30_000
SEAL_TIMEOUT_MS = 300_000
PATIENCE_MS = DAY_MS  # of the last readers: what they read takes simulated minutes
LONG_DAYS = (70, 140)  # so long that ledgers are compacted, and events expire
REPLAY_DAYS = 10  # dead letters wait no longer: SQS keeps them for 14 days
ERASING_SEEDS = 4  # in one of so many worlds somebody is erased at the end
ERASING_ROUNDS = 5  # of a minute each
GIVEN_UP_DAYS = 15  # what no replay has brought back by then is poison
POISON = (
    "",
    "{",
    '{"v": 1}',
    '{"v": 2, "request_id": "r", "events": []}',
    '{"v":2,"request_id":"r","exposures":[[1]]}',
    '{"v": 3, "request_id": "r", "events": []}',
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
    experiments: int = 3
    types: int = 2
    concurrency: int = 4
    batch: int = 10
    tuned: bool = True


def drawn_size(rng: Random) -> Size:
    """Return a small world mostly; else one that lasts long, or one with much to count for."""
    kind = rng.random()
    if kind < 0.65:
        return Size(retention_days=rng.choice([1, 3, 3, 10]), types=rng.choice([2, 2, 4]))
    if kind < 0.85:
        days, retention = rng.uniform(*LONG_DAYS), rng.choice([1, 3, 10, 90])
        return Size(users=5, days=days, retention_days=retention, experiments=rng.randint(2, 4))
    return Size(
        events=90, users=5, retention_days=10, experiments=rng.randint(5, 8), types=rng.choice([9, 30])
    )


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
        wrong = f"wrong windows {v.wrong_windows}, differing cells {v.differing}"
        head = f"seed {self.seed}: lost {v.lost}, double {v.double}, {wrong}"
        return "\n  ".join([head, *v.others[:8], *self.problems[:4]])


class World:
    """The services, the environments, the callers, and the operator."""

    def __init__(self, seed: int, size: Size | None) -> None:
        self.seed = seed
        self.schedule = Schedule(seed, FIRST_DAY + 5 * HOUR_MS)
        self.chance = self.schedule.chance
        self.size = size = size or drawn_size(self.chance)
        self.faults = self._some_faults()
        self.table = Table(self.schedule, page_items=self.chance.choice([3, 20, 1_000]))
        self.wire = Wire(self.schedule, self.faults)
        self.queue = Queue(self.schedule, self.faults)
        self.api = Pool(self.schedule, self.faults, API_TIMEOUT_MS)
        self.workers = Pool(self.schedule, self.faults, WORKER_TIMEOUT_MS)
        self.scheduled = Pool(self.schedule, self.faults, SEAL_TIMEOUT_MS)
        self.poller = Poller(
            self.schedule,
            self.queue,
            self.workers,
            handler,
            batch=size.batch,
            concurrency=size.concurrency,
            every_ms=self.chance.choice([5, 60, 400]),
        )
        self.users = definitions.users(self.chance, size.users)
        self.types = self.chance.sample(definitions.TYPES, size.types)
        self.names = self.chance.sample(definitions.EXPERIMENTS, size.experiments)
        self.history_days = self.chance.choice([2, 10, 90]) if size.tuned else 90
        self.clients = Clients(self.schedule, self.api, self.users, self.types, size.retention_days)
        self.shown = Shown()
        self.problems: list[str] = []
        self.poisoned = 0

    def run(self) -> None:
        """Play the whole story, then let everything work until nothing is left to do."""
        days = self.size.days
        for name in self.names:
            self.clients.create(
                definitions.experiment(self.chance, name, self.types, self.users, self.history_days)
            )
        self._life()
        self._outages()
        for day in range(REPLAY_DAYS, int(days), REPLAY_DAYS):
            self.schedule.after(day * DAY_MS, self._replay)
            self.schedule.after((day + self.chance.random()) * DAY_MS, self._sweep)
        bursts = sorted(self.chance.uniform(0, days * DAY_MS) for _ in range(self.size.bursts))
        each = self.size.events / self.size.bursts
        for moment in bursts:
            self.schedule.after(1_000 + moment, lambda: self._burst(each))
        self.schedule.run(until=self.schedule.now + days * DAY_MS + HOUR_MS)
        self._drain()
        self._ask_all()
        patient = Pool(self.schedule, self.faults, PATIENCE_MS)
        reader = Reader(self.schedule, patient, self.users, self.types)
        self.shown = reader.read(self.clients.told.definitions)
        if self.seed % ERASING_SEEDS == 0:
            self._erase()
            reader = Reader(self.schedule, patient, self.users, self.types)
            after = reader.read(self.clients.told.definitions)
            self.problems += still_shown(after, self.clients.told.erased)
            self.shown = with_erased(after, self.shown, self.clients.told.erased)

    def _erase(self) -> None:
        """Erase some users amid faults, while what they sent before is delivered again and again."""
        vars(self.faults).update(vars(self._some_faults()))
        victims = self.chance.sample(self.users, self.chance.randint(1, 2))
        for user_id in victims:
            for _ in range(self.chance.choice([1, 1, 2])):
                self.schedule.after(self.chance.uniform(0, 3_000), lambda u=user_id: self.clients.erase(u))
        for _ in range(ERASING_ROUNDS):
            for _ in range(self.chance.choice([1, 1, 2])):
                self.schedule.after(self.chance.uniform(0, 60_000), self._go_on_erasing)
            self.schedule.run(until=self.schedule.now + 60_000)
            self._deliver_again(self.clients.told.erased)
        self._drain()
        for user_id in victims:
            if user_id not in self.clients.told.erased:
                self.clients.ask_whether_erased(user_id)
        for _ in range(2):
            self._go_on_erasing()
            self.schedule.run()
        self._deliver_again(self.clients.told.erased)
        self.schedule.run()
        self.problems += left_of(victims, self.table.items)

    def _go_on_erasing(self) -> None:
        self.scheduled.invoke(lambda environment: erase_users.handler({}, environment), self._judged)

    def _deliver_again(self, users: Iterable[str]) -> None:
        """Put some of what these users sent into the queue once more."""
        for user_id in users:
            sent = [
                each
                for (owner, _), times in self.clients.told.sent.items()
                for each in times
                if owner == user_id
            ]
            for each in self.chance.sample(sent, min(len(sent), 3)):
                event = Event(each.user_id, each.event_id, each.type, each.at, each.received, each.value)
                for message in pack([event], "again"):
                    self.queue.send(message)
            exposed = [
                Exposure(*each)
                for attempt in self.clients.told.exposed
                for each in attempt.exposures
                if each.user_id == user_id
            ]
            for message in pack_exposures(exposed[-3:], "again"):
                self.queue.send(message)

    def _drain(self) -> None:
        self.faults.stop()
        self.schedule.run()
        for _ in range(2):
            self._replay()
            self.schedule.run()

    def _ask_all(self) -> None:
        """Ask who is in what: the answers are what the rest is judged by."""
        for user_id in self.users:
            self.clients.ask_for_each(user_id)
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

    def _life(self) -> None:
        """Start, pause and end the experiments; something happens around each end."""
        length = self.size.days * DAY_MS
        for n, name in enumerate(self.names):
            end = (self.chance.uniform(0.05, 0.35), self.chance.uniform(0.3, 0.8), 2)[n % 3]
            start = 500 if n == 0 else self.chance.uniform(0, 0.2) * length
            self._contend(start, name)
            self._change(start, name, "running")
            self._declare_more(name, start, length)
            self._change(start + (end - 0.05) * length, name, "paused")
            self._change(start + (end - 0.03) * length, name, "running")
            if end < 1:
                moment = start + end * length
                self._change(moment, name, "completed")
                for delay in (0, 3_000, 9_000, 15_000, 16_000, 17_000):
                    count = self.size.events / self.size.bursts / 6
                    self.schedule.after(moment + delay, lambda n=count: self._burst(n))

    def _contend(self, start: float, name: str) -> None:
        """Give an experiment fewer shards than it begins with, so that a few callers conflict."""
        if not self.size.tuned or self.chance.random() < 0.3:
            return

        def fewer() -> None:
            item = self.table.items.get((f"EXP#{name}", "META"))
            if item is not None:
                item["shards"] = {"N": "2"}

        self.schedule.after(max(0, start - 400), fewer)

    def _declare_more(self, name: str, start: float, length: float) -> None:
        """Add a metric, often while the experiment is being started, and let more users in."""
        if self.chance.random() < 0.5:
            moment = self.chance.choice(
                [start + self.chance.uniform(-30, 30), self.chance.uniform(0, length)]
            )
            self.schedule.after(max(0, moment), lambda: self.clients.add_metric(name))
        if self.chance.random() < 0.3:
            self.schedule.after(self.chance.uniform(0, length), lambda: self.clients.widen(name))

    def _change(self, after: float, name: str, status: str) -> None:
        self.schedule.after(after, lambda: self.clients.change_status(name, status))
        if self.chance.random() < (0.7 if status == "completed" else 0.2):
            self.schedule.after(after - 2_000, lambda: setattr(self.faults, "slow", True))
            self.schedule.after(after + 30_000, lambda: setattr(self.faults, "slow", False))

    def _outages(self) -> None:
        for _ in range(2):
            moment = self.chance.uniform(0, self.size.days * DAY_MS)
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
                if kind < 0.35
                else self.clients.ask_for_all
                if kind < 0.5
                else self.clients.import_some
                if kind < 0.6
                else self.clients.exposer.expose
                if kind < 0.76
                else self.clients.exposer.expose_again
                if kind < 0.8
                else self.clients.send_again
                if kind < 0.97
                else self._poison
            )
            self.schedule.after(chance.uniform(0, length), other)
        for _ in range(chance.choice([0, 0, 0, 1, 3])):
            self.schedule.after(chance.uniform(0, length + 100), self._seal)
        for _ in range(chance.choice([0, 1, 2])):
            self.schedule.after(chance.uniform(0, length + 100), self._replay)
        for _ in range(chance.choice([0, 0, 1, 3])):
            self.schedule.after(chance.uniform(0, length + 1_000), self.clients.read_results)
        if chance.random() < 0.1:
            self.schedule.after(length, self._tend)

    def _sweep(self) -> None:
        self.queue.forget_dead(GIVEN_UP_DAYS * DAY_MS)
        self.table.sweep(self.chance.choice([0.3, 1.0]))

    def _tend(self) -> None:
        self.scheduled.invoke(lambda environment: tend_experiments.handler({}, environment), self._judged)

    def _seal(self) -> None:
        self.scheduled.invoke(lambda environment: seal_rollups.handler({}, environment), self._judged)

    def _replay(self) -> None:
        until = self.schedule.now / 1000 + replay.BUDGET_SECONDS
        self.api.invoke(
            lambda _: send_again("count", None, lambda: self.schedule.now / 1000 < until), self._judged
        )

    def _judged(self, outcome: object) -> None:
        if isinstance(outcome, BaseException) and not isinstance(outcome, (UnavailableError, Killed)):
            self.clients.told.unexpected.append(repr(outcome))

    def _poison(self) -> None:
        """Put something into the queue that cannot be counted, with or without good neighbours."""
        if self.chance.random() < 0.5:
            self.queue.send(self.chance.choice(POISON))
            return
        now = int(self.schedule.now)
        self.poisoned += 1
        bad = Event("x" * 2_100, f"bad{self.poisoned}", "buy", now, now, 1)
        good = self.clients.note_sent(self.clients.new_event(), now)
        self.clients.told.accepted.add((good.user_id, good.event_id))
        neighbour = Event(good.user_id, good.event_id, good.type, good.at, now, good.value)
        for message in pack([bad, neighbour], "poison"):
            self.queue.send(message)

    def services(self) -> dict[str, object]:
        """Return the clients by the service's name."""
        return {
            "dynamodb": DynamoDB(self.wire, self.table),
            "events": Bus(self.wire),
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
            (erasing, "MOST"): (99, 5, 3)[self.seed % 3],
            (counting, "MAX_EVENTS"): chance.choice([25, 25, 3]),
            (placing, "MAX_EVENTS"): chance.choice([5_000, 5_000, 6]),
            (compaction, "MAX_CUPED_DAYS"): self.history_days,
            (writes, "MAX_ACTIONS"): chance.choice([100, 30]) if self.size.experiments < 4 else 100,
            (writes, "MAX_COUNTERS"): chance.choice([280, 90]),
            (ingesting, "pack"): lambda events, request_id: pack(events, request_id, 400),
        }


def simulate(seed: int, size: Size | None = None) -> Report:
    """Return what came of one run."""
    world = World(seed, size)
    settings = ENVIRONMENT | {"RETENTION_DAYS": str(world.size.retention_days)}
    with (
        patch.dict("os.environ", settings),
        installed(world.schedule, world.services(), world.tuning()) as (counted, logged),
    ):
        world.run()
    told, now = world.clients.told, world.schedule.now
    figures = counted + world.table.costs
    figures["killed"] = world.api.killed + world.workers.killed
    figures["tried again"] = told.refused["try again"]
    problems = world.problems + [f"unexpected: {text}" for text in told.unexpected]
    problems += [each for each in world.wire.past_limits if not (world.poisoned and POISONED_KEY in each)]
    problems += [f"a worker raised {e!r}" for e in world.poller.raised if _is_bug(e)]
    problems += [text for text in logged if not _is_expected(text, world)]
    dead = [body for body in world.queue.dead.values() if body not in POISON and "xxxxx" not in body]
    problems += [f"dead letter: {body[:200]}" for body in dead]
    if world.queue.unfinished:
        problems.append(f"{world.queue.unfinished} messages are left")
    verdict = judge(told, world.shown, world.table.expired, world.size.retention_days, now)
    return Report(seed, verdict, figures, world.schedule.digest, problems)


def _is_expected(logged: str, world: World) -> bool:
    return "UnavailableError" in logged or (world.poisoned > 0 and "ValidationException" in logged)


def _is_bug(error: BaseException) -> bool:
    return not isinstance(error, (UnavailableError, Killed))


__all__ = ["Report", "Size", "World", "simulate"]
