"""Reads everything that the API shows, once nothing moves any more: what the oracle judges."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from experimentation.storage import experiments
from experimentation.usecases.analysing import Findings, Question, find
from experimentation.usecases.verifying import differences
from experimentation.web.endpoint import Endpoint
from functions.assignments import list as assignments_list
from functions.events import list as events_list
from functions.events import types_list
from functions.experiments import history
from functions.experiments import read as experiment_read
from functions.results import export
from functions.results import read as results_read
from functions.users import read as person_read
from tests.simulation.api import Answer, call, date_of, ms_of
from tests.simulation.definitions import Document
from tests.simulation.environments import Pool
from tests.simulation.schedule import Schedule

TYPES_AT_ONCE = 10
DAYS_PER_WEEK = 7
LONG_DAYS = 20  # the series of a longer experiment is read by weeks
DAY_MS = 86_400_000


@dataclass
class Window:
    """Results of some days and one segment, as the API answers them."""

    first: int
    last: int
    segment: str | None
    body: Document


@dataclass
class Shown:
    """The answers, by experiment or by user."""

    experiments: dict[str, Document] = field(default_factory=dict)
    history: dict[str, list[Document]] = field(default_factory=dict)
    assignments: dict[str, list[Document]] = field(default_factory=dict)
    events: dict[str, list[Document]] = field(default_factory=dict)
    people: dict[str, Document] = field(default_factory=dict)
    types: dict[str, Document] = field(default_factory=dict)
    full: dict[str, tuple[Document, int]] = field(default_factory=dict)
    windows: dict[str, Window] = field(default_factory=dict)
    findings: dict[str, list[tuple[Findings, str | None]]] = field(default_factory=lambda: defaultdict(list))
    exported: dict[tuple[str, str], list[Document] | None] = field(default_factory=dict)
    audits: dict[str, object] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


class Reader:
    """Asks; every answer must be a success, but for rows=users of what ended long ago."""

    def __init__(self, schedule: Schedule, pool: Pool, users: list[str], types: list[str]) -> None:
        self.shown = Shown()
        self._schedule, self._pool, self._users, self._types = schedule, pool, users, types

    def read(self, definitions: dict[str, Document]) -> Shown:
        """Return all that is shown."""
        for name, definition in definitions.items():
            self._do(lambda n=name, d=definition: self._read_experiment(n, d))
        for user_id in self._users:
            self._do(lambda u=user_id: self._read_user(u))
        self._do(self._read_types)
        self._schedule.run()
        return self.shown

    def _do(self, work: Callable[[], object]) -> None:
        def done(outcome: object) -> None:
            if isinstance(outcome, BaseException):
                self.shown.problems.append(f"reading: {outcome!r}")

        self._pool.invoke(lambda _: work(), done)

    def _read_experiment(self, name: str, definition: Document) -> None:
        path, chance = {"experiment_id": name}, self._schedule.chance
        shown = self._body(call(experiment_read.handler, path))
        self.shown.experiments[name] = shown
        self.shown.history[name] = self._pages("history", history.handler, path, {"limit": 100})
        is_long = self._schedule.now - ms_of(shown["created_at"]) > LONG_DAYS * DAY_MS
        query: dict[str, object] = {
            "format": "full",
            "include_time_series": "true",
            "granularity": "week" if is_long else "day",
        }
        body = self._body(call(results_read.handler, path, query))
        self.shown.full[name] = (body, DAYS_PER_WEEK if is_long else 1)
        for rows in ("users", "events"):
            self.shown.exported[name, rows] = self._export(name, rows)
        if shown["started_at"] is None:
            return
        self._find(name, definition)
        first = ms_of(shown["started_at"]) // DAY_MS
        last = int(self._schedule.now) // DAY_MS
        start, end = sorted(chance.randint(first - 2, last) for _ in range(2))
        segment = chance.choice([None, *(each["key"] for each in definition["segments"])])
        query = {"start_date": date_of(start), "end_date": date_of(end)}
        if segment is not None:
            query["segment"] = segment
        body = self._body(call(results_read.handler, path, query))
        self.shown.windows[name] = Window(start, end, segment, body)
        now = int(self._schedule.now)
        try:
            self.shown.audits[name] = differences(name, now)
        except Exception as error:  # noqa: BLE001 - the oracle says whether it may be refused
            self.shown.audits[name] = error

    def _find(self, name: str, definition: Document) -> None:
        """Read the counters of all types, and of all segments, each at least once."""
        stored, now = experiments.read(name, consistent=True), int(self._schedule.now)
        chunks = [
            tuple(self._types[at : at + TYPES_AT_ONCE]) for at in range(0, len(self._types), TYPES_AT_ONCE)
        ]
        segments = [each["key"] for each in definition["segments"]] or [None]
        for n in range(max(len(chunks), len(segments))):
            types, segment = chunks[n % len(chunks)], segments[n % len(segments)]
            question = Question(event_types=types, segment=segment, hours=True)
            self.shown.findings[name].append((find(stored, question, now), segment))

    def _export(self, name: str, rows: str) -> list[Document] | None:
        query: dict[str, object] = {
            "format": "ndjson",
            "rows": rows,
            "limit": self._schedule.chance.choice([3, 50, 10_000]),
        }
        found: list[Document] = []
        while True:
            answer = call(export.handler, {"experiment_id": name}, query)
            if answer.status == 409:
                return None
            if not answer.is_success:
                self.shown.problems.append(f"export of {name}: {answer.status} {answer.body}")
                return None
            found += answer.body
            if "X-Next-Cursor" not in answer.headers:
                return found
            query["cursor"] = answer.headers["X-Next-Cursor"]

    def _read_user(self, user_id: str) -> None:
        body = self._body(call(assignments_list.handler, query={"user_id": user_id}))
        self.shown.assignments[user_id] = body["assignments"]
        self.shown.people[user_id] = self._body(call(person_read.handler, query={"user_id": user_id}))
        query = {"user_id": user_id, "limit": self._schedule.chance.choice([7, 100])}
        self.shown.events[user_id] = self._pages("events", events_list.handler, {}, query)

    def _read_types(self) -> None:
        found = self._pages("types", types_list.handler, {}, {"limit": 20})
        self.shown.types = {each["type"]: each for each in found}

    def _pages(
        self, field_name: str, function: Endpoint, path: dict[str, str], query: dict[str, object]
    ) -> list[Document]:
        found: list[Document] = []
        query = dict(query)
        while True:
            body = self._body(call(function, path, query))
            found += body[field_name]
            if body["next_cursor"] is None:
                return found
            query["cursor"] = body["next_cursor"]

    def _body(self, answer: Answer) -> Document:
        if not answer.is_success:
            raise AssertionError(f"{answer.status}: {answer.body}")
        body: Document = answer.body
        return body
