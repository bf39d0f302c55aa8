"""What should be shown, worked out from what callers sent and were answered, by a brute-force join.

Nothing here imports the product: own bucketing, own labels, own windows, own times.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.simulation.api import ms_of
from tests.simulation.clients import STALE_MS, Answered, Sent, Told
from tests.simulation.definitions import Document

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
EVERYONE = "*"


class Enrolled(NamedTuple):
    """One user in one experiment; the context is the one that came with what enrolled."""

    user_id: str
    variant: str
    at: int
    context: Document
    imported: bool


class Metric(NamedTuple):
    """A declared metric; `has_history` where it was declared before the start, so CUPED has its x."""

    key: str
    type: str
    kind: str
    has_history: bool


class Total(NamedTuple):
    """One user's events of one type: how many, and the sum of their values in 1e-4."""

    events: int = 0
    total: int = 0


class Figures(NamedTuple):
    """Users, and of a window their converters, events, values, and the squares of both per user."""

    users: int
    converters: int
    events: int
    total: int
    squared_events: int
    squared_total: int


class Covariate(NamedTuple):
    """Sums over users of x, x^2 and x y, where x is what a user did in the days before the assignment."""

    x: int
    xx: int
    xy: int


@dataclass
class Truth:
    """One experiment: who is in it, and what they did within it and in the days before that it looks at."""

    name: str
    definition: Document
    variants: list[str]
    metrics: list[Metric]
    started_at: int | None
    ended_at: int | None
    enrolled: dict[str, Enrolled] = field(default_factory=dict)
    within: dict[str, list[Sent]] = field(default_factory=lambda: defaultdict(list))
    before: dict[str, list[Sent]] = field(default_factory=lambda: defaultdict(list))
    _members: dict[tuple[str, str], list[Enrolled]] = field(default_factory=dict)
    _days: dict[str, dict[str, dict[int, Total]]] = field(default_factory=dict)

    def labels(self, user_id: str) -> Iterator[str]:
        """Return the segments that a user is in, everyone first."""
        yield EVERYONE
        known = self.enrolled[user_id].context
        for segment in self.definition["segments"]:
            yield f"{segment['key']}={_label(known.get(segment['key']), segment['values'])}"

    def members(self, variant: str, label: str) -> list[Enrolled]:
        """Return a variant's users with that label."""
        if not self._members:
            for member in self.enrolled.values():
                for each in self.labels(member.user_id):
                    self._members.setdefault((member.variant, each), []).append(member)
        return self._members.get((variant, label), [])

    def days(self, member: Enrolled, event_type: str) -> dict[int, Total]:
        """Return what a user did per UTC day."""
        if member.user_id not in self._days:
            self._days[member.user_id] = by_type = {}
            for event in self.within[member.user_id]:
                days = by_type.setdefault(event.type, {})
                before = days.get(event.at // DAY_MS, Total())
                days[event.at // DAY_MS] = Total(before.events + 1, before.total + event.value)
        return self._days[member.user_id].get(event_type, {})

    def covariate(self, metric: Metric, variant: str) -> Covariate:
        """Return CUPED's sums of a metric."""
        sums = Covariate(0, 0, 0)
        for member in self.members(variant, EVERYONE):
            x = total_of(metric.kind, self.of_type(self.before, member, metric.type))
            y = total_of(metric.kind, self.of_type(self.within, member, metric.type))
            sums = Covariate(sums.x + x, sums.xx + x * x, sums.xy + x * y)
        return sums

    def of_type(self, events: dict[str, list[Sent]], member: Enrolled, event_type: str) -> list[Sent]:
        """Return a user's events of one type."""
        return [event for event in events[member.user_id] if event.type == event_type]


def total_of(kind: str, events: Iterable[Sent]) -> int:
    """Return a user's total as the metric's kind takes it; values in 1e-4."""
    values = [event.value for event in events]
    if kind == "value":
        return sum(values)
    return len(values) if kind == "count" else min(1, len(values))


def figures(users: Iterable[tuple[int, dict[int, Total]]], first: int, last: int) -> Figures:
    """Join users - the day of the assignment and the totals by day - over the days of a window."""
    enrolled = converters = events = total = squared_events = squared_total = 0
    for assigned, days in users:
        enrolled += assigned <= last
        inside = [each for day, each in days.items() if first <= day <= last]
        if inside:
            n, s = sum(each.events for each in inside), sum(each.total for each in inside)
            converters, events, total = converters + 1, events + n, total + s
            squared_events, squared_total = squared_events + n * n, squared_total + s * s
    return Figures(enrolled, converters, events, total, squared_events, squared_total)


def truths(
    told: Told,
    experiments: dict[str, Document],
    history: dict[str, list[Document]],
    events: Iterable[Sent],
    people: dict[str, Document],
) -> dict[str, Truth]:
    """Return what is true of every experiment; `events` are those that were stored.

    Of several that could have enrolled a user, the context shown of the person says which was the first.
    """
    contexts = {
        (user_id, each["experiment_id"]): (each["context"], each["imported"])
        for user_id, person in people.items()
        for each in person["assignments"]
    }
    by_user: dict[str, list[Sent]] = defaultdict(list)
    for event in events:
        by_user[event.user_id].append(event)
    found: dict[str, Truth] = {}
    for name, shown in experiments.items():
        found[name] = truth = Truth(
            name,
            told.definitions[name],
            [each["key"] for each in told.definitions[name]["variants"]],
            list(_metrics(shown, history[name])),
            None if shown["started_at"] is None else ms_of(shown["started_at"]),
            None if shown["ended_at"] is None else ms_of(shown["ended_at"]),
        )
        for answer in told.answers:
            if answer.experiment_id == name and answer.at is not None and answer.variant is not None:
                of_person = contexts.get((answer.user_id, name), ({}, False))
                truth.enrolled[answer.user_id] = Enrolled(
                    answer.user_id, answer.variant, answer.at, *of_person
                )
        for member in truth.enrolled.values():
            for event in by_user[member.user_id]:
                if event.at < member.at:
                    if event.at // DAY_MS >= member.at // DAY_MS - truth.definition["cuped_days"]:
                        truth.before[member.user_id].append(event)
                elif truth.ended_at is None or event.at < truth.ended_at:
                    truth.within[member.user_id].append(event)
    return found


def contradictions(answers: Iterable[Answered]) -> Iterator[str]:
    """Say where one caller was told something else than another, or nothing although it was known."""
    first: dict[tuple[str, str], Answered] = {}
    given = sorted(answers, key=lambda each: each.given)
    for answer in given:
        if answer.at is not None:
            known = first.setdefault((answer.experiment_id, answer.user_id), answer)
            if (known.variant, known.at) != (answer.variant, answer.at):
                yield f"told {known}, then {answer}"
    for answer in given:
        kept = first.get((answer.experiment_id, answer.user_id))
        # What is drawn stays the same, so it may be told by a read that lags behind the enrolment.
        known_by = answer.asked - (STALE_MS if answer.reason == "drawn" else 0)
        if answer.at is None and answer.reason != "override" and kept and kept.given < known_by:
            yield f"told {kept}, then {answer}"


def _metrics(shown: Document, history: list[Document]) -> Iterator[Metric]:
    """Yield the metrics; an added one was there before the start if the history says so."""
    changes = [(entry["version"], each) for entry in history for each in entry["changes"]]
    added = {
        key: version
        for version, each in changes
        if each["field"] == "metrics"
        for key in {m["key"] for m in each["to"]} - {m["key"] for m in each["from"]}
    }
    started = next((version for version, each in changes if each["field"] == "started_at"), None)
    for each in shown["metrics"]:
        is_early = started is not None and added.get(each["key"], 0) < started
        yield Metric(each["key"], each["event_type"], each["kind"], is_early)


def _label(value: object, values: list[str]) -> str:
    text = {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)
    return text if value is not None and text in values else "other"
