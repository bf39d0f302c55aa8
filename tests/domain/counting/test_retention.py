"""An event that is accepted again is still stored, and one that a recount looks for is as well."""

from hypothesis import given
from hypothesis import strategies as st

from experimentation.domain.clock import DAY_MS, HOUR_MS
from experimentation.domain.counting.retention import GRACE_DAYS, Retention, changed

START = 20_000 * DAY_MS
HALF_DAYS = st.integers(1, 200).map(lambda halves: START + halves * DAY_MS // 2)
REGIMES = st.lists(st.tuples(HALF_DAYS, st.integers(1, 90)), max_size=4).map(
    lambda changes: [(START, 7), *sorted(changes)]
)


def _regime(regimes: list[tuple[int, int]], at: int) -> Retention:
    """Return the retention at a time, of the days from each time on."""
    found = Retention(regimes[0][1])
    for since, days in regimes:
        if since <= at:
            found = changed(found, days, since)
    return found


@given(REGIMES, HALF_DAYS, HALF_DAYS, st.integers(0, 180), st.sampled_from([0, HOUR_MS - 1]))
def test_what_is_accepted_or_kept_has_not_expired(regimes, received, later, half_days_ago, behind):
    received, later = sorted((received, later))
    at = received - half_days_ago * DAY_MS // 2
    then, now = _regime(regimes, received), _regime(regimes, later)
    storing = _regime(regimes, received - behind)  # a function that was not deployed yet
    expires = received + (storing.days + GRACE_DAYS) * DAY_MS

    if at >= then.oldest_accepted(received) and at >= now.kept_from(later):
        assert expires >= later


@given(REGIMES, HALF_DAYS)
def test_a_change_refuses_no_more_than_the_shorter_of_both_would(regimes, at):
    days = min(days for _, days in regimes)

    assert _regime(regimes, at).oldest_accepted(at) <= at - days * DAY_MS
