"""A user who is enrolled in the past counts as if it had been known then, in any history."""

from dataclasses import replace
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experimentation.domain.clock import DAY_MS
from experimentation.domain.counting import placing
from experimentation.domain.counting.counters import labels
from experimentation.domain.counting.enrolling import Enrolment
from experimentation.domain.counting.event import Event
from experimentation.domain.counting.late import TornEventsError, enrol_late
from experimentation.domain.counting.ledger import Boundary, apply_ends
from experimentation.domain.counting.recording import Ledger
from experimentation.domain.counting.user import StoredUser
from tests.domain.counting.test_ledger_properties import (
    START,
    User,
    assert_boundaries_hold,
    assert_covariates_hold,
    assert_hours_hold,
    assert_windows_hold,
    experiment,
    step,
)

FEW_ACTIONS = 5  # so that histories of some steps do not fit


class LateUser(User):
    """A user whose imports may lie before events that are recorded."""

    def events(self):
        return [
            Event("u1", f"e{n:04}", kind, at, at, value) for n, (kind, at, value) in enumerate(self.happened)
        ]

    def assign(self, now, name, country, made_at=None):
        chosen = self.experiments[name]
        if made_at is None or made_at > self.head.last or name in self.assigned:
            return super().assign(now, name, country, made_at)
        if made_at < self.head.past_until or (chosen.ended_at is not None and chosen.ended_at <= made_at):
            return None
        self.head = apply_ends(self.head, self.ended(), now)
        marks = labels(chosen.segments, {"country": country})
        boundary = Boundary(0, made_at, name, "t", marks)
        ledger = Ledger(self.head, {}, self.past)
        found = enrol_late(ledger, chosen, boundary, self.events())
        with patch.object(placing, "MAX_ACTIONS", FEW_ACTIONS):
            could_fit = placing.may_fit(StoredUser("u1", ledger), Enrolment(chosen, "t", {}, made_at))
        assert could_fit or len(found.adds) > FEW_ACTIONS
        self.head = found.ledger.head
        self.assigned[name] = (made_at, marks)
        self.add(found.adds)
        return None


def play(steps) -> LateUser:
    user = LateUser({name: experiment(name) for name in "abc"})
    now = START + 10 * DAY_MS
    for action, name, gap, event_type, value, country in steps:
        chosen = user.experiments[name]
        if action == "assign":
            now += gap // 8
            user.assign(now, name, country)
        elif action == "import":
            now += gap // 8
            user.assign(now, name, country, made_at=max(now - 2 * gap, START))
        elif action == "event":
            now += gap // 4
            user.record(now, now, event_type, value)
        elif action == "late":
            user.record(now, max(now - 2 * gap, 0), event_type, value)
        elif action == "end" and chosen.ended_at is None:
            user.experiments[name] = replace(chosen, ended_at=now + 12_000)
            now += 12_000 + gap // 8
        elif action == "away":
            user.put_away(now - DAY_MS)
    return user


@settings(max_examples=1_500, deadline=None)
@given(st.lists(step, max_size=40), st.integers(-6, 16), st.integers(0, 8))
def test_any_window_equals_a_join_over_the_raw_events(steps, first, length):
    user = play(steps)

    assert_windows_hold(user, first, length)


@settings(max_examples=800, deadline=None)
@given(st.lists(step, max_size=40))
def test_covariate_sums_equal_those_of_the_raw_events_and_hours_those_of_days(steps):
    user = play(steps)

    for name in user.assigned:
        assert_covariates_hold(user, name)
        assert_hours_hold(user, name)
    assert_boundaries_hold(user)


def test_events_of_another_moment_are_refused():
    user = LateUser({name: experiment(name) for name in "abc"})
    for hour in range(3):
        user.record(START + hour, START + hour, "buy", 100)
    boundary = Boundary(0, START + 1, "a", "t")

    newer = Event("u1", "new", "view", START + DAY_MS, START + DAY_MS, 1)
    for events in (user.events()[:-1], [*user.events(), user.events()[0]], [*user.events(), newer], []):
        with pytest.raises(TornEventsError):
            enrol_late(Ledger(user.head, {}), user.experiments["a"], boundary, events)
