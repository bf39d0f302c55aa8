"""What is kept of an erased user is what he added: the counters that `verify` expects of a user."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from experimentation.domain.clock import DAY_MS, HOUR_MS, day_number
from experimentation.domain.counting.counters import DayTotal, add_counters
from experimentation.domain.counting.erasing import (
    Erasure,
    Leaving,
    Stage,
    contribution,
    groups,
    position,
)
from experimentation.domain.counting.event import Event
from experimentation.domain.counting.ledger import Boundary, merged, ordinal
from experimentation.domain.counting.recount import (
    User,
    canonical_enrolment,
    canonical_rollup,
    expected_counters,
)
from experimentation.domain.counting.writes import MAX_COUNTERS
from tests.domain.counting.test_ledger_properties import START, experiment, play, step


def leaving(user) -> Leaving:
    boundaries = merged(user.head, user.past)
    hours: dict[str, dict[tuple[int, int, int], DayTotal]] = {}
    for kind, at, value in user.happened:
        place = day_number(at), at % DAY_MS // HOUR_MS, ordinal(user.head, boundaries, at)
        found = hours.setdefault(kind, {})
        count, total = found.get(place, DayTotal(0, 0))
        found[place] = DayTotal(count + 1, total + value)
    return Leaving(boundaries, user.head.ledgers, hours)


def canonical(writes):
    found = {}
    for each in writes:
        read = canonical_enrolment if each.is_enrolment else canonical_rollup
        add_counters(found, read(each.key, each.counters))
    return {name: amount for name, amount in found.items() if amount}


@settings(max_examples=500, deadline=None)
@given(st.lists(step, max_size=40))
def test_what_is_kept_of_a_user_is_what_is_expected_of_him(steps):
    user = play(steps)
    events = tuple(
        Event("u1", f"e{n}", kind, at, at, value) for n, (kind, at, value) in enumerate(user.happened)
    )
    whole = User(user.head, user.past, user.head.ledgers, events)

    for chosen in user.experiments.values():
        kept = list(contribution(chosen, leaving(user)))

        assert canonical(kept) == expected_counters(chosen, whole, 0)
        assert [position(each) for each in kept] == sorted({position(each) for each in kept})


@settings(max_examples=200, deadline=None)
@given(st.lists(step, max_size=40), st.integers(1, 20), st.integers(0, 60))
def test_kept_counters_are_the_same_after_a_resumption_at_any_position(steps, most, resumed):
    user = play(steps)
    writes = [each for name in "abc" for each in contribution(user.experiments[name], leaving(user))]

    whole = list(groups(iter(writes), "", most))
    done = whole[:resumed]
    rest = groups(iter(writes), position(done[-1][-1]) if done else "", most)

    assert [each for group in whole for each in group] == writes
    assert done + list(rest) == whole
    assert all(len(group) <= most for group in whole)


def test_a_user_of_1000_active_days_is_kept_in_parts_that_fit():
    chosen = replace(experiment("a"), segments=())
    cells = {(day_number(START) + day, 1): (2, 30_000) for day in range(1_000)}
    writes = list(contribution(chosen, Leaving((Boundary(1, START, "a", "t"),), {"buy": cells}, {})))

    kept = list(groups(iter(writes), "", 99))

    assert max(len(each.counters) for each in writes) == MAX_COUNTERS
    assert max(each.part for each in writes) == 7
    assert all(len({(each.key, each.is_enrolment) for each in group}) == len(group) for group in kept)
    assert canonical(writes)["* buy t sums 0 999"] == 30_000**2


def test_an_experiment_whose_ledgers_are_kept_by_day_no_more_keeps_no_counters():
    erasure = Erasure("0" * 32, START + 200 * DAY_MS, START + 110 * DAY_MS, 1, Stage.COUNTERS, "u1")
    ended = {day: replace(experiment("a"), ended_at=START + day * DAY_MS) for day in (79, 80)}

    assert erasure.keeps_counters(experiment("a"))
    assert {day: erasure.keeps_counters(each) for day, each in ended.items()} == {79: False, 80: True}
