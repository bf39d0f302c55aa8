"""Running totals equal the window from the first day to each day, whatever the counters are."""

from hypothesis import given
from hypothesis import strategies as st

from experimentation.domain.counting.counters import add_counters
from experimentation.domain.counting.stored import Day, day_of
from experimentation.domain.counting.windows import cumulative, window

DAY = st.integers(-5, 12)
AMOUNT = st.integers(-(10**20), 10**20)


@st.composite
def counters(draw):
    """One day's counters: plain ones, products with other days, pairs of days in order, CUPED's sums."""
    found = draw(st.dictionaries(st.sampled_from(["n", "s", "u", "xv", "xvv", "xby"]), AMOUNT))
    found |= draw(st.dictionaries(st.builds("{}{}".format, st.sampled_from("qc"), DAY), AMOUNT, max_size=5))
    pairs = draw(st.dictionaries(st.tuples(DAY, DAY).filter(lambda pair: pair[0] < pair[1]), AMOUNT))
    return found | {f"p{first}.{second}": amount for (first, second), amount in pairs.items()}


days = st.dictionaries(DAY, counters().map(day_of), max_size=8)


@given(days, DAY, st.integers(0, 12))
def test_running_totals_equal_windows(counted, first, length):
    running = cumulative(counted, first, first + length)

    assert list(running) == list(range(first, first + length + 1))
    for day, totals in running.items():
        assert totals == window(counted, first, day)


@given(st.lists(counters(), max_size=6))
def test_shards_add_up_in_any_order_and_by_name_as_they_are_stored(shards):
    forwards, backwards, stored = Day(), Day(), {}
    for each, other in zip(shards, reversed(shards), strict=True):
        forwards.add(each)
        backwards.add(other)
        add_counters(stored, each)

    assert forwards == backwards == day_of(stored)
