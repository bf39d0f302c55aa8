"""The ledger's windows equal a brute-force join over the raw events, whatever happened in which order."""

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experimentation.domain.clock import DAY_MS, day_number
from experimentation.domain.counting import compaction
from experimentation.domain.counting.compaction import LONG_AGO, compact
from experimentation.domain.counting.counters import (
    EVERYONE,
    add_all,
    add_counters,
    assignment_adds,
    before_key,
    day_key,
    event_adds,
    hour_key,
    labels,
)
from experimentation.domain.counting.event import Event
from experimentation.domain.counting.ledger import (
    END,
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
from experimentation.domain.counting.stored import day_of
from experimentation.domain.counting.windows import window
from experimentation.domain.experiment import Experiment, Kind, Metric, Segment, Status, Variant

START = 20_000 * DAY_MS
MIDNIGHT = START + 10 * DAY_MS
NOON = MIDNIGHT + DAY_MS // 2
TYPES = ("buy", "view")
CUPED_DAYS = {"a": 1, "b": 2, "c": 4}


@pytest.fixture(autouse=True, scope="module")
def _short_history():
    """Let compaction keep no more days than these experiments look back, so that it has something to do."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(compaction, "MAX_CUPED_DAYS", max(CUPED_DAYS.values()))
        yield


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


step = st.tuples(
    st.sampled_from(
        ["assign", "import", "event", "event", "event", "late", "late", "end", "away", "compact"]
    ),
    st.sampled_from(["a", "b", "c"]),
    st.integers(0, 2 * DAY_MS),
    st.sampled_from(TYPES),
    st.integers(-30_000, 50_000),
    st.sampled_from(["DE", "FR"]),
)


def play(steps) -> User:
    user = User({name: experiment(name) for name in "abc"})
    now = START + 1
    for action, name, gap, event_type, value, country in steps:
        chosen = user.experiments[name]
        if action == "assign":
            now += gap // 8
            user.assign(now, name, country)
        elif action == "import":
            now += gap // 8
            user.assign(now, name, country, made_at=max(now - gap, 1))
        elif action == "event":
            now += gap // 4
            user.record(now, now, event_type, value)
        elif action == "late":
            user.record(now, max(now - 2 * gap, 0), event_type, value)
        elif action == "end" and chosen.ended_at is None and name in user.assigned:
            user.experiments[name] = replace(chosen, ended_at=max(now, user.assigned[name][0]) + 12_000)
            now += 12_000 + gap // 8
        elif action == "away":
            user.put_away(now - DAY_MS)
        elif action == "compact":
            user.compact(now - 5 * DAY_MS)  # an event is late by 4 days at most
    return user


def assert_windows_hold(user, first, length):
    """Compare every window of the rollups with a join over the raw events."""
    for name, (_, marks) in user.assigned.items():
        for event_type in TYPES:
            for segment in (EVERYONE, *marks):
                days = {
                    day: day_of(user.rollups[name, key])
                    for day in range(-60, 60)
                    if (name, key := day_key(segment, event_type, day, "t")) in user.rollups
                }
                rows = user.truth(name, event_type, first, first + length)
                totals = window(days, first, first + length)

                assert totals.converters == (1 if rows else 0)
                assert totals.count == len(rows)
                assert totals.sum == sum(value for _, value in rows)
                assert totals.sum_squares == sum(value for _, value in rows) ** 2
                assert totals.count_squares == len(rows) ** 2


def assert_covariates_hold(user, name):
    """Compare an experiment's covariate sums with what came in the days before its assignment."""
    x = user.history(name, "buy")
    y = [value for _, value in user.truth(name, "buy", -1000, 1000)]
    expected = {
        "xv": sum(x),
        "xvv": sum(x) ** 2,
        "xvy": sum(x) * sum(y),
        "xc": len(x),
        "xcc": len(x) ** 2,
        "xcy": len(x) * len(y),
        "xb": 1 if x else 0,
        "xby": 1 if x and y else 0,
    }

    assert user.covariates(name) == {n: v for n, v in expected.items() if v}


def assert_hours_hold(user, name):
    """Compare the hours of each day with the day."""
    for event_type in TYPES:
        for day in range(-60, 60):
            hours = user.rollups.get((name, hour_key(event_type, day, "t")), {})
            counters = user.rollups.get((name, day_key(EVERYONE, event_type, day, "t")), {})
            assert sum(v for n, v in hours.items() if n[0] == "n") == counters.get("n", 0)
            assert sum(v for n, v in hours.items() if n[0] == "s") == counters.get("s", 0)


def assert_boundaries_hold(user):
    """Look whether each has a place of its own, and whether only what was enrolled has ended."""
    boundaries = merged(user.head, user.past)
    assert [b.k for b in boundaries] == sorted({b.k for b in boundaries})
    assert all(b.variant != END or b.experiment_id in user.assigned for b in boundaries)


@settings(max_examples=300, deadline=None)
@given(st.lists(step, max_size=40), st.integers(-6, 6), st.integers(0, 8))
def test_any_window_equals_a_join_over_the_raw_events(steps, first, length):
    user = play(steps)

    assert_windows_hold(user, first, length)


@settings(max_examples=200, deadline=None)
@given(st.lists(step, max_size=40))
def test_covariate_sums_equal_what_came_before_the_assignment(steps):
    user = play(steps)

    for name in user.assigned:
        assert_covariates_hold(user, name)


@settings(max_examples=100, deadline=None)
@given(st.lists(step, max_size=40))
def test_hours_add_up_to_days_and_boundaries_stay_in_order(steps):
    user = play(steps)

    assert_boundaries_hold(user)
    for name in user.assigned:
        assert_hours_hold(user, name)


def test_days_of_long_ago_become_one_cell_but_those_of_a_living_experiment_stay():
    user = User({name: experiment(name) for name in "abc"})
    for day in range(10):
        user.record(START + day * DAY_MS, START + day * DAY_MS, "buy", 100)
    user.assign(START + 10 * DAY_MS, "a", "DE")
    for day in range(11, 40):
        user.record(START + day * DAY_MS, START + day * DAY_MS, "buy", 100)

    user.compact(START + 35 * DAY_MS)

    cells = user.head.ledgers["buy"]
    assert cells[LONG_AGO] == (6, 600)
    assert len(cells) == 1 + 4 + 29
    assert compact(Ledger(user.head, {}), ["buy"], START + 35 * DAY_MS).head == user.head


def test_compaction_keeps_the_days_that_the_first_enrolment_still_looks_back_at():
    user = User({name: experiment(name) for name in "abc"})
    for day in range(20):
        user.record(START + day * DAY_MS, START + day * DAY_MS, "buy", 100)
    user.assign(START + 20 * DAY_MS, "c", "DE")
    user.assign(START + 21 * DAY_MS, "a", "DE")

    user.compact(START + 40 * DAY_MS)

    assert sorted(user.head.ledgers["buy"]) == [
        LONG_AGO,
        *((day_number(START) + n, 0) for n in range(16, 20)),
    ]


def test_compaction_keeps_the_days_that_the_next_enrolment_may_look_back_at():
    user = User({name: experiment(name) for name in "abc"})
    for day in range(20):
        user.record(START + day * DAY_MS, START + day * DAY_MS, "buy", 100)

    user.compact(START + 15 * DAY_MS)  # the earliest assignment that may still come
    user.assign(START + 20 * DAY_MS, "c", "DE")

    assert sorted(user.head.ledgers["buy"]) == [
        LONG_AGO,
        *((day_number(START) + n, 0) for n in range(11, 20)),
    ]
    assert user.rollups["c", before_key("buy", "t")]["xc"] == 4


@pytest.mark.parametrize(
    ("at", "is_history"),
    [
        (NOON - 3 * DAY_MS, False),
        (MIDNIGHT - 2 * DAY_MS - 1, False),
        (MIDNIGHT - 2 * DAY_MS, True),
        (NOON - 2 * DAY_MS, True),
        (MIDNIGHT - 1, True),
        (MIDNIGHT, True),
        (NOON - 1, True),
    ],
)
def test_history_is_what_came_on_the_utc_days_before_the_assignment_and_up_to_it(at, is_history):
    early, late = (User({"b": experiment("b")}) for _ in range(2))

    early.record(at, at, "buy", 300)
    early.assign(NOON, "b", "DE")
    early.record(NOON + DAY_MS, NOON + DAY_MS, "buy", 200)
    late.assign(NOON, "b", "DE")
    late.record(NOON + DAY_MS, NOON + DAY_MS, "buy", 200)
    late.record(NOON + DAY_MS, at, "buy", 300)

    sums = {"xv": 300, "xvv": 90_000, "xvy": 60_000, "xc": 1, "xcc": 1, "xcy": 1, "xb": 1, "xby": 1}
    assert early.covariates("b") == late.covariates("b") == (sums if is_history else {})
