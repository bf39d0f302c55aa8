"""A user as the ledger keeps them, beside the raw events that a brute-force join reads."""

from dataclasses import dataclass, field, replace

from experimentation.domain.clock import DAY_MS, day_number
from experimentation.domain.counting.compaction import compact
from experimentation.domain.counting.counters import (
    EVERYONE,
    add_all,
    add_counters,
    assignment_adds,
    before_key,
    event_adds,
    labels,
)
from experimentation.domain.counting.event import Event
from experimentation.domain.counting.ledger import (
    Boundary,
    Head,
    apply_ends,
    enrol_at,
    enrol_now,
    merged,
    ordinal,
    ownerships,
    put_away,
)
from experimentation.domain.counting.recording import Ledger
from experimentation.domain.experiment import Experiment, Kind, Metric, Segment, Status, Variant

START = 20_000 * DAY_MS
MIDNIGHT = START + 10 * DAY_MS
NOON = MIDNIGHT + DAY_MS // 2
TYPES = ("buy", "view")
CUPED_DAYS = {"a": 1, "b": 2, "c": 4}


def experiment(name: str) -> Experiment:
    return Experiment(
        id=name,
        name=name,
        variants=(Variant("c", 500_000), Variant("t", 500_000)),
        control="c",
        salt=name,
        created_at=START,
        created_by="x",
        updated_at=START,
        started_at=START,
        status=Status.RUNNING,
        segments=(Segment("country", ("DE",)),),
        metrics=tuple(Metric(kind, "buy", kind) for kind in Kind),
        cuped_days=CUPED_DAYS[name],
    )


@dataclass
class User:
    """One user's ledger as the workers keep it, beside what really happened."""

    experiments: dict[str, Experiment]
    head: Head = field(default_factory=Head)
    past: tuple[Boundary, ...] = ()
    rollups: dict[tuple[str, str], dict[str, int]] = field(default_factory=dict)
    happened: list[tuple[str, int, int]] = field(default_factory=list)
    assigned: dict[str, tuple[int, tuple[str, ...]]] = field(default_factory=dict)

    def add(self, adds):
        add_all(self.rollups, adds)

    def ended(self):
        return {e.id: e.ended_at for e in self.experiments.values() if e.ended_at is not None}

    def assign(self, now, name, country, made_at=None):
        chosen = self.experiments[name]
        if name in self.assigned or (chosen.ended_at is not None and chosen.ended_at <= now):
            return
        marks = labels(chosen.segments, {"country": country})
        self.head = apply_ends(self.head, self.ended(), now)
        if made_at is None:
            self.head = enrol_now(self.head, now, name, "t", marks)
        else:
            try:
                self.head = enrol_at(self.head, made_at, name, "t", marks)
            except ValueError:
                return
        boundary = self.head.assignment(name)
        self.assigned[name] = (boundary.at, marks)
        self.add(assignment_adds(chosen, boundary, self.head.ledgers))

    def record(self, now, at, event_type, value):
        self.head = apply_ends(self.head, self.ended(), now)
        boundaries = merged(self.head, self.past)
        k = ordinal(self.head, boundaries, at)
        if at >= self.head.past_until:
            assert k == ordinal(self.head, self.head.boundaries, at)
        cells = dict(self.head.ledgers.get(event_type, {}))
        event = Event("u", "e", event_type, at, at, value)
        self.add(event_adds(self.experiments, ownerships(boundaries), cells, event, k))
        cell = (day_number(at), k)
        n, s = cells.get(cell, (0, 0))
        cells[cell] = (n + 1, s + value)
        self.head = replace(
            self.head, last=max(self.head.last, at), ledgers={**self.head.ledgers, event_type: cells}
        )
        self.happened.append((event_type, at, value))

    def put_away(self, before):
        self.head, self.past = put_away(self.head, self.past, before)

    def compact(self, before):
        ledger = compact(Ledger(self.head, {}, self.past), list(self.head.ledgers), before)
        self.head = ledger.head

    def history(self, name, event_type):
        """Return the values of what the experiment looks back at."""
        at_most = self.assigned[name][0]
        first = day_number(at_most) - self.experiments[name].cuped_days
        return [
            value
            for kind, at, value in self.happened
            if kind == event_type and at < at_most and day_number(at) >= first
        ]

    def covariates(self, name):
        """Return CUPED's sums of the type `buy`, zeros left out."""
        sums: dict[str, int] = {}
        for (owner, key), counters in self.rollups.items():
            if owner == name and (key == before_key("buy", "t") or key.startswith(f"{EVERYONE}#buy#")):
                add_counters(sums, {n: v for n, v in counters.items() if n.startswith("x")})
        return {counter: amount for counter, amount in sums.items() if amount}

    def truth(self, name, event_type, first, last):
        at_least, ended = self.assigned[name][0], self.experiments[name].ended_at
        return [
            (at, value)
            for kind, at, value in self.happened
            if kind == event_type
            and at >= at_least
            and (ended is None or at < ended)
            and first <= day_number(at) - day_number(START) <= last
        ]
