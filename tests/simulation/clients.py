"""What callers do - send events, ask for assignments, import, change experiments - and what they are told."""

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from functions.assignments import assign, assign_all, import_assignments
from functions.events import record_batch
from functions.experiments import change_status, create, update
from functions.results import read as results
from functions.users import delete
from functions.users import read as person
from tests.simulation.api import TRY_AGAIN, Answer, call, ms_of, text_of
from tests.simulation.definitions import Document, context, metric
from tests.simulation.environments import Environment, Pool
from tests.simulation.exposing import Attempt, Exposer
from tests.simulation.schedule import Schedule

HOUR_MS = 3_600_000
DAY_MS = 86_400_000
UNIT = 10_000  # values are integers of 1e-4 here, and numbers on the wire
VALUES = (10_000, 125_000, -30_000, 1, 10**13)
REFUSED = 422
EXPECTED = {404, 409, REFUSED}
STALE_MS = 2_000  # so long a reader may see what was there before


class Sent(NamedTuple):
    """An event as one request sent it: what it is, when it happened, and when the API took it."""

    user_id: str
    event_id: str
    type: str
    value: int
    at: int
    received: int


class Answered(NamedTuple):
    """The answer about one user in one experiment, and when it was asked for and given."""

    experiment_id: str
    user_id: str
    variant: str | None
    at: int | None
    reason: str
    asked: float
    given: float


class Asked(NamedTuple):
    """An attempt to ask for a user's assignments, which may have stored them although no answer came."""

    user_id: str
    at: float


class Imported(NamedTuple):
    """One row of an import; no status where the request was refused, or its answer lost."""

    experiment_id: str
    user_id: str
    variant: str
    at: int
    status: str | None


type Shown = tuple[str, str, str]
"""Experiment, metric and variant."""


class Look(NamedTuple):
    """What the results showed of one metric and variant."""

    given: float
    count: int
    converters: int


@dataclass
class Told:
    """What the callers know at the end: everything stored is judged by it."""

    definitions: dict[str, Document] = field(default_factory=dict)
    sent: dict[tuple[str, str], list[Sent]] = field(default_factory=lambda: defaultdict(list))
    accepted: set[tuple[str, str]] = field(default_factory=set)
    answers: list[Answered] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    imported: list[Imported] = field(default_factory=list)
    exposed: list[Attempt] = field(default_factory=list)
    looks: dict[Shown, list[Look]] = field(default_factory=lambda: defaultdict(list))
    erased: dict[str, int] = field(default_factory=dict)
    unexpected: list[str] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)


type Work = Callable[[Environment], Answer]


class Clients:
    """Makes requests; each runs in an environment of the API and is sent again after a 503."""

    def __init__(
        self, schedule: Schedule, api: Pool, users: list[str], types: list[str], retention_days: int
    ) -> None:
        self.told = Told()
        self.boundaries: list[int] = []
        self._schedule, self._api, self._users, self._types = schedule, api, users, types
        self._retention_ms = retention_days * DAY_MS
        self._ids = 0
        self._documents: dict[tuple[str, str], Document] = {}
        self.exposer = Exposer(
            schedule,
            users,
            self._retention_ms,
            self.told.definitions,
            self.boundaries,
            self.told.unexpected,
            self._request,
        )
        self.told.exposed = self.exposer.attempts

    @property
    def experiment_ids(self) -> list[str]:
        """The experiments that were made."""
        return list(self.told.definitions)

    def create(self, definition: Document) -> None:
        """Create an experiment."""
        self.told.definitions[definition["id"]] = definition
        body = dict(definition)  # what is noted about the experiment later is not for a retry to send
        self._request(lambda _: call(create.handler, body=body), lambda _: None, tries=50)

    def send_events(self, count: int) -> None:
        """Send a batch of new events."""
        self._send([self.new_event() for _ in range(count)])

    def send_again(self) -> None:
        """Send some events that were sent before, in another batch."""
        lately = self._schedule.now - self._retention_ms
        known = [key for key, sent in self.told.sent.items() if sent and sent[0].received > lately]
        if known:
            chosen = {self._schedule.chance.choice(known): None for _ in range(4)}
            self._send([self._documents[key] for key in chosen])

    def ask(self) -> None:
        """Ask for the assignment of one user in one experiment."""
        chance = self._schedule.chance
        name, user_id = chance.choice(self.experiment_ids), chance.choice(self._users)
        body = {"user_id": user_id, "context": context(user_id)}
        self._ask(user_id, lambda: call(assign.handler, {"experiment_id": name}, body=body))

    def ask_for_all(self) -> None:
        """Ask for the assignments of one user in all running experiments."""
        user_id = self._schedule.chance.choice(self._users)
        body = {"user_id": user_id, "context": context(user_id)}
        self._ask(user_id, lambda: call(assign_all.handler, body=body))

    def ask_for_each(self, user_id: str) -> None:
        """Ask for the assignments of one user in every experiment there is."""
        body = {"user_id": user_id, "context": context(user_id), "experiments": self.experiment_ids}
        self._ask(user_id, lambda: call(assign_all.handler, body=body))

    def import_some(self) -> None:
        """Import assignments of a few users."""
        chance = self._schedule.chance
        name = chance.choice(self.experiment_ids)
        definition = self.told.definitions[name]
        users = chance.sample(self._users, min(len(self._users), chance.randint(1, 4)))
        ago = chance.choice([0, 5_000, HOUR_MS, DAY_MS, 20 * DAY_MS])
        variants = [each["key"] for each in definition["variants"]]
        rows = [
            Imported(name, user_id, chance.choice(variants), self._ago(ago), None)
            for user_id in users
            if user_id not in definition["overrides"] or chance.random() < 0.1
        ]
        if not rows:
            return
        body = {
            "assignments": [
                {
                    "user_id": row.user_id,
                    "variant": row.variant,
                    "assigned_at": text_of(row.at),
                    "context": context(row.user_id),
                }
                for row in rows
            ]
        }
        self.told.imported += rows

        def told(answer: Answer) -> None:
            shown = answer.body["assignments"]
            for row, each in zip(rows, shown, strict=True):
                self.told.imported.append(row._replace(status=each["status"]))

        self._request(lambda _: call(import_assignments.handler, {"experiment_id": name}, body=body), told)

    def change_status(self, name: str, status: str) -> None:
        """Take a step in an experiment's life."""

        def told(answer: Answer) -> None:
            self.boundaries.append(ms_of(answer.body["updated_at"]))
            if answer.body["ended_at"] is not None:
                self.boundaries.append(ms_of(answer.body["ended_at"]))
            if answer.body["started_at"] is not None:
                self.exposer.started.setdefault(name, self._schedule.now)

        path = {"experiment_id": name}
        self._request(lambda _: call(change_status.handler, path, body={"status": status}), told, tries=20)

    def add_metric(self, name: str) -> None:
        """Declare one more metric on an experiment."""
        definition = self.told.definitions[name]
        metrics = definition.setdefault("wanted", list(definition["metrics"]))
        metrics.append(metric(self._schedule.chance, len(metrics), self._types))
        path, body = {"experiment_id": name}, {"metrics": list(metrics)}
        self._request(lambda _: call(update.handler, path, body=body), lambda _: None)

    def widen(self, name: str) -> None:
        """Let all users take part."""
        path, body = {"experiment_id": name}, {"traffic_allocation": 100}
        self._request(lambda _: call(update.handler, path, body=body), lambda _: None)

    def read_results(self) -> None:
        """Read the results of one experiment."""
        self._look(self._schedule.chance.choice(self.experiment_ids), doubted=set())

    def _look(self, name: str, doubted: set[Shown]) -> None:
        """Read results; what was counted once is never missing later, and nothing is there twice.

        A transaction of the sealer is half visible for milliseconds, so only what two looks show is wrong.
        """
        asked = self._schedule.now

        def told(answer: Answer) -> None:
            shown = {
                (name, each["key"], variant): figures
                for each in answer.body["metrics"]
                for variant, figures in each["variants"].items()
            }
            wrong = {key for key, figures in shown.items() if self._is_wrong(key, figures, asked)}
            self.told.unexpected += [f"results of {key}: {shown[key]}" for key in wrong & doubted]
            if wrong - doubted:
                self._schedule.after(STALE_MS, lambda: self._look(name, wrong))
            for key, figures in shown.items():
                look = Look(self._schedule.now, figures["count"], figures["converters"])
                self.told.looks[key].append(look)

        query: dict[str, object] = {"format": "full"}
        self._request(lambda _: call(results.handler, {"experiment_id": name}, query), told)

    def _is_wrong(self, key: Shown, figures: Document, asked: float) -> bool:
        """Tell whether there are too many converters, or fewer events than two earlier looks showed."""
        count, converters = figures["count"], figures["converters"]
        earlier = [look for look in self.told.looks[key] if look.given + STALE_MS < asked]
        is_less = any(
            count < min(one.count, other.count) or converters < min(one.converters, other.converters)
            for one, other in pairwise(earlier)
        )
        return converters > min(count, figures["users"]) or is_less

    def erase(self, user_id: str) -> None:
        """Erase a user, and note when that was."""

        def told(answer: Answer) -> None:
            self.told.erased[user_id] = ms_of(answer.body["erased_at"])

        self._request(lambda _: call(delete.handler, query={"user_id": user_id}), told, tries=50)

    def ask_whether_erased(self, user_id: str) -> None:
        """Find out what became of an erasure of which every answer was lost."""

        def told(answer: Answer) -> None:
            if answer.body["erasure"] is not None:
                self.told.erased[user_id] = ms_of(answer.body["erasure"]["erased_at"])

        self._request(lambda _: call(person.handler, query={"user_id": user_id}), told, tries=50)

    def new_event(self) -> Document:
        """Return an event that was not sent before."""
        chance, now = self._schedule.chance, int(self._schedule.now)
        self._ids += 1
        when, timestamp, sent_at = chance.random(), None, None
        if when < 0.15:
            timestamp = now - int(chance.uniform(0, self._retention_ms * 0.97))
        elif when < 0.30:
            timestamp = now - int(chance.uniform(0, 6 * HOUR_MS))
        elif when < 0.45 and self.boundaries:
            oldest = now - int(self._retention_ms * 0.97)
            timestamp = max(chance.choice(self.boundaries) + chance.randint(-3, 3), oldest)
        elif when < 0.5:
            timestamp = now + int(chance.uniform(0, HOUR_MS))
        elif when < 0.6:  # a device whose clock is wrong
            drift = chance.choice([-DAY_MS * 400, -HOUR_MS, HOUR_MS, DAY_MS * 3])
            timestamp, sent_at = now + drift - int(chance.uniform(0, HOUR_MS)), now + drift
        event: Document = {
            "user_id": chance.choice(self._users),
            "type": chance.choice(self._types),
            "value": chance.choice(VALUES) / UNIT,
            "event_id": f"e{self._ids}",
        }
        if timestamp is not None:
            event["timestamp"] = text_of(timestamp)
        if sent_at is not None:
            event["sent_at"] = text_of(sent_at)
        self._documents[event["user_id"], event["event_id"]] = event
        return event

    def note_sent(self, event: Document, received: int) -> Sent:
        """Note that an event is being sent, and say when it happened if the API takes it at `received`."""
        at = received
        if "timestamp" in event:
            drift = received - ms_of(event["sent_at"]) if "sent_at" in event else 0
            at = max(0, min(ms_of(event["timestamp"]) + drift, received))
        key = event["user_id"], event["event_id"]
        sent = Sent(*key, event["type"], round(event["value"] * UNIT), at, received)
        self.told.sent[key].append(sent)
        return sent

    def _send(self, events: list[Document]) -> None:
        def work(environment: Environment) -> Answer:
            received = environment.clock()
            sent = [self.note_sent(event, received) for event in events]
            answer = call(record_batch.handler, body={"events": events})
            is_too_old = any(each.at < received - self._retention_ms for each in sent)
            if answer.status != TRY_AGAIN and answer.is_success is is_too_old:
                self.told.unexpected.append(f"{answer.status} for events that are {is_too_old=}")
            if answer.status == REFUSED:
                for each in sent:
                    self.told.sent[each.user_id, each.event_id].remove(each)
            return answer

        def told(answer: Answer) -> None:
            ids = [event["event_id"] for event in events]
            if answer.body != {"accepted": len(events), "event_ids": ids}:
                self.told.unexpected.append(f"{answer.body} for {ids}")
            self.told.accepted |= {(event["user_id"], event["event_id"]) for event in events}

        self._request(work, told)

    def _ask(self, user_id: str, assign_user: Callable[[], Answer]) -> None:
        asked = self._schedule.now

        def work(_: Environment) -> Answer:
            self.told.asked.append(Asked(user_id, self._schedule.now))
            return assign_user()

        def told(answer: Answer) -> None:
            for each in answer.body.get("assignments", [answer.body]):
                at = None if each["assigned_at"] is None else ms_of(each["assigned_at"])
                if at is not None:
                    self.boundaries.append(at)
                self.told.answers.append(
                    Answered(
                        each["experiment_id"],
                        each["user_id"],
                        each["variant"],
                        at,
                        each["reason"],
                        asked,
                        self._schedule.now,
                    )
                )

        self._request(work, told)

    def _request(self, work: Work, told: Callable[[Answer], None], tries: int = 6) -> None:
        def done(outcome: object) -> None:
            if isinstance(outcome, Answer) and outcome.is_success:
                told(outcome)
            elif isinstance(outcome, Exception):
                self.told.unexpected.append(repr(outcome))
            elif not isinstance(outcome, Answer) or outcome.status == TRY_AGAIN:
                self.told.refused["try again"] += 1
                if tries > 1:
                    delay = self._schedule.chance.uniform(100, 4_000)
                    self._schedule.after(delay, lambda: self._request(work, told, tries - 1))
            else:
                self.told.refused[f"{outcome.status}"] += 1
                if outcome.status not in EXPECTED:
                    self.told.unexpected.append(f"{outcome.status}: {outcome.body}")

        self._api.invoke(work, done)

    def _ago(self, most_ms: int) -> int:
        return int(self._schedule.now) - 2_000 - int(self._schedule.chance.uniform(0, most_ms))
