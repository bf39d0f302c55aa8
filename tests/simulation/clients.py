"""What callers do - send events, once or again, ask for assignments, import them - and what they are told."""

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from experimentation.domain.assignment import Decision
from experimentation.domain.clock import DAY_MS, HOUR_MS
from experimentation.domain.counting.event import Submission
from experimentation.domain.errors import ConflictError, ExperimentationError, UnavailableError
from experimentation.domain.experiment import Experiment, Status
from experimentation.domain.lifecycle import transition
from experimentation.storage import experiments
from experimentation.usecases.assigning import assign, assign_all
from experimentation.usecases.importing import Row, import_rows
from experimentation.usecases.ingesting import ingest
from tests.simulation.environments import Environment, Pool
from tests.simulation.schedule import Schedule

TYPES = ("buy", "view")
COUNTRIES = ("DE", "US", "FR")


class Answer(NamedTuple):
    """An assignment that a caller was told of."""

    experiment_id: str
    user_id: str
    variant: str
    assigned_at: int


@dataclass
class Told:
    """What the callers know at the end: the oracle judges the stored data by it."""

    sent: dict[tuple[str, str], list[Submission]] = field(default_factory=lambda: defaultdict(list))
    accepted: set[tuple[str, str]] = field(default_factory=set)
    answers: list[Answer] = field(default_factory=list)
    unexpected: list[BaseException] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)


class Clients:
    """Makes requests; each runs in an environment of the API and is tried again after a 503."""

    def __init__(
        self, schedule: Schedule, api: Pool, users: list[str], experiment_ids: list[str], retention_days: int
    ) -> None:
        self.told = Told()
        self.boundaries: list[int] = []
        self._schedule, self._api, self._users = schedule, api, users
        self._experiment_ids, self._retention_ms = experiment_ids, retention_days * DAY_MS
        self._ids = 0

    def send_events(self, count: int) -> None:
        """Send a batch of new events."""
        self._send([self._submission() for _ in range(count)])

    def send_again(self) -> None:
        """Send some events that were sent before, in another batch."""
        known = list(self.told.sent)
        if known:
            chosen = {self._schedule.chance.choice(known): None for _ in range(4)}
            self._send([self.told.sent[key][0] for key in chosen])

    def ask(self) -> None:
        """Ask for the assignment of one user in one experiment."""
        chance = self._schedule.chance
        name, user_id = chance.choice(self._experiment_ids), chance.choice(self._users)

        def work(environment: Environment) -> list[Decision]:
            experiment = environment.runtime.experiments.read(name, environment.clock())
            return [assign(experiment, user_id, self._context(user_id), environment.runtime)]

        self._ask(work)

    def ask_for_all(self) -> None:
        """Ask for the assignments of one user in all running experiments."""
        user_id = self._schedule.chance.choice(self._users)

        def work(environment: Environment) -> list[Decision]:
            running = environment.runtime.experiments.running(environment.clock())
            return assign_all(running, user_id, self._context(user_id), environment.runtime)

        self._ask(work)

    def import_some(self) -> None:
        """Import assignments of a few users."""
        chance = self._schedule.chance
        name = chance.choice(self._experiment_ids)
        users = chance.sample(self._users, min(len(self._users), chance.randint(1, 4)))
        ago = chance.choice([0, 5_000, HOUR_MS, DAY_MS])
        rows = [
            Row(
                user_id,
                chance.choice(("control", "treatment")),
                int(self._schedule.now) - 2_000 - int(chance.uniform(0, ago)),
                self._context(user_id),
            )
            for user_id in users
        ]

        def work(environment: Environment) -> list[str]:
            experiment = experiments.read(name, consistent=True)
            return import_rows(experiment, rows, environment.runtime)

        def told(outcome: object) -> None:
            assert isinstance(outcome, list)
            for row, status in zip(rows, outcome, strict=True):
                if status == "stored":
                    self.told.answers.append(Answer(name, row.user_id, row.variant, row.assigned_at))

        self._request(work, told)

    def change_status(self, name: str, status: Status) -> None:
        """Take a step in an experiment's life, as functions/experiments/change_status.py does."""

        def work(environment: Environment) -> Experiment:
            now = environment.clock()
            return experiments.change(name, lambda e: transition(e, status, now), now=now, actor="sim")

        def told(outcome: object) -> None:
            assert isinstance(outcome, Experiment)
            if outcome.ended_at is not None:
                self.boundaries.append(outcome.ended_at)

        self._request(work, told, tries=20)

    def _submission(self) -> Submission:
        chance, now = self._schedule.chance, int(self._schedule.now)
        self._ids += 1
        when = chance.random()
        timestamp: int | None = None
        if when < 0.15:
            timestamp = now - int(chance.uniform(0, self._retention_ms * 0.97))
        elif when < 0.30:
            timestamp = now - int(chance.uniform(0, 6 * HOUR_MS))
        elif when < 0.45 and self.boundaries:
            timestamp = max(
                chance.choice(self.boundaries) + chance.randint(-3, 3), now - int(self._retention_ms * 0.97)
            )
        elif when < 0.5:
            timestamp = now + int(chance.uniform(0, HOUR_MS))
        return Submission(
            chance.choice(self._users),
            chance.choice(TYPES),
            chance.choice([10_000, 125_000, -30_000, 1, 10**13]),
            timestamp,
            event_id=f"e{self._ids}",
        )

    def _send(self, submissions: list[Submission]) -> None:
        for each in submissions:
            self.told.sent[each.user_id, each.event_id or ""].append(each)

        def work(environment: Environment) -> object:
            return ingest(submissions, environment.clock(), "request", environment.runtime)

        def told(_: object) -> None:
            self.told.accepted |= {(each.user_id, each.event_id or "") for each in submissions}

        self._request(work, told)

    def _ask(self, work: Callable[[Environment], list[Decision]]) -> None:
        def told(outcome: object) -> None:
            assert isinstance(outcome, list)
            for each in outcome:
                if each.assigned_at is not None:
                    self.boundaries.append(each.assigned_at)
                    answer = Answer(each.experiment.id, each.user_id, each.variant, each.assigned_at)
                    self.told.answers.append(answer)

        self._request(work, told)

    def _request(
        self, work: Callable[[Environment], object], told: Callable[[object], None], tries: int = 6
    ) -> None:
        def done(outcome: object) -> None:
            if not isinstance(outcome, BaseException):
                told(outcome)
            elif isinstance(outcome, UnavailableError) or not isinstance(outcome, Exception):
                self.told.refused["try again"] += 1
                if tries > 1:
                    delay = self._schedule.chance.uniform(100, 4_000)
                    self._schedule.after(delay, lambda: self._request(work, told, tries - 1))
            elif isinstance(outcome, ConflictError):
                self.told.refused["conflict"] += 1
            elif isinstance(outcome, ExperimentationError):
                self.told.refused[type(outcome).__name__] += 1
            else:
                self.told.unexpected.append(outcome)

        self._api.invoke(work, done)

    def _context(self, user_id: str) -> dict[str, str]:
        return {"country": COUNTRIES[sum(user_id.encode()) % len(COUNTRIES)]}
