"""The retention that was noted: lowering it holds at once, raising it never reaches back."""

import pytest

from experimentation.domain.clock import DAY_MS, HOUR_MS
from experimentation.domain.counting.retention import Retention
from experimentation.storage import retention
from experimentation.storage.aws.transactions import commit, put_if

NOW = 20_000 * DAY_MS

pytestmark = pytest.mark.usefixtures("aws")


@pytest.fixture
def days(monkeypatch):
    """Deploy with another RetentionDays."""
    return lambda number: monkeypatch.setenv("RETENTION_DAYS", str(number))


def test_nothing_noted_is_what_the_environment_says(days):
    days(7)

    assert retention.stored() is None
    assert retention.current() == Retention(7)


def test_a_raise_holds_once_it_is_noted_and_does_not_reach_back(days):
    days(7)
    retention.note(NOW)
    days(90)

    assert retention.current() == Retention(7)
    retention.note(NOW + DAY_MS)
    assert retention.current() == Retention(90, NOW + DAY_MS + HOUR_MS, 7 * DAY_MS)
    assert retention.current().oldest_accepted(NOW + 200 * DAY_MS) == NOW + 110 * DAY_MS


def test_lowering_holds_at_once_and_a_raise_after_it_starts_there(days):
    days(90)
    retention.note(NOW)
    days(7)

    assert retention.current() == Retention(7)
    retention.note(NOW)
    days(30)
    retention.note(NOW + DAY_MS)
    days(90)
    retention.note(NOW + DAY_MS)
    assert retention.current() == Retention(90, NOW + DAY_MS + HOUR_MS, 7 * DAY_MS)


def test_of_two_that_note_at_once_the_first_does(days):
    days(7)
    retention.note(NOW)
    item = retention.KEY | {"days": {"N": "8"}, "raised_at": {"N": "5"}, "kept_ms": {"N": "3"}}
    commit([put_if(item, "days", 7)])
    days(8)

    retention.note(NOW)

    assert retention.stored() == Retention(8, 5, 3)
