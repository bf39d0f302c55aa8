"""The ledger's windows equal a brute-force join over the raw events, whatever happened in which order."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experimentation.domain.clock import DAY_MS, day_number
from experimentation.domain.counting import compaction
from experimentation.domain.counting.compaction import LONG_AGO, compact
from experimentation.domain.counting.counters import (
    EVERYONE,
    before_key,
    day_key,
    hour_key,
)
from experimentation.domain.counting.ledger import (
    END,
    merged,
)
from experimentation.domain.counting.recording import Ledger
from experimentation.domain.counting.stored import day_of
from experimentation.domain.counting.windows import window
from tests.domain.counting.modelled_user import CUPED_DAYS, MIDNIGHT, NOON, START, TYPES, User, experiment


@pytest.fixture(autouse=True, scope="module")
def _short_history():
    """Let compaction keep no more days than these experiments look back, so that it has something to do."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(compaction, "MAX_CUPED_DAYS", max(CUPED_DAYS.values()))
        yield


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
