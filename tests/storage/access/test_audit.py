"""The record of who did what to access."""

import pytest

from experimentation.domain.clock import DAY_MS
from experimentation.storage.access import audit
from experimentation.storage.access.audit import Deed, Origin
from experimentation.storage.aws import client
from experimentation.storage.aws.transactions import CancelledError, commit

NOW = 1_795_330_800_000
pytestmark = pytest.mark.usefixtures("aws")


def write(name: str, now: int = NOW) -> None:
    audit.write(Deed.LOGIN, Origin(name, "203.0.113.7", "tests", now), name)


def everybody(limit: int, now: int) -> list[str]:
    found: list[str] = []
    after: str | None = None
    for _ in range(100):
        page = audit.page(limit, after, now)
        assert len(page.entries) <= limit
        found += [entry.target for entry in page.entries]
        after = page.next_after
        if after is None:
            return found
    raise AssertionError("the record does not end")


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
def test_pages_hold_every_entry_once_newest_first(limit: int) -> None:
    for number in range(7):
        write(f"p{number}", NOW + number * DAY_MS // 2)
    write("long ago", NOW - 100 * DAY_MS)

    found = everybody(limit, NOW + 4 * DAY_MS)

    assert found == [*(f"p{number}" for number in reversed(range(7))), "long ago"]


def test_cursor_of_a_time_to_come_costs_no_more_than_none() -> None:
    write("ann")
    read: list[object] = []
    events = client.dynamodb().meta.events
    events.register("before-call.dynamodb.Query", lambda **_: read.append(1), unique_id="counted")

    found = audit.page(100, f"{NOW // audit.PERIOD_MS + 500}#", NOW)
    events.unregister("before-call.dynamodb.Query", unique_id="counted")

    assert [entry.target for entry in found.entries] == ["ann"]
    assert len(read) == 2 * (audit.PERIODS + 1)


def test_entry_says_who_and_from_where() -> None:
    audit.write(Deed.KEY_ENDED, Origin("ada", "203.0.113.7", "x" * 900, NOW), "k1", "collector")

    (entry,) = audit.page(10, None, NOW).entries

    assert entry == (NOW, "key_ended", "ada", "k1", "collector", "203.0.113.7", "x" * 200)


def test_entry_is_never_overwritten() -> None:
    record = audit.writing(Deed.LOGIN, Origin("ada", "", "", NOW), "ada")
    commit([record])

    with pytest.raises(CancelledError):
        commit([record])


def refuse(name: str, route: str, now: int) -> None:
    audit.write_refusal(Origin(name, "203.0.113.7", "tests", now), route, "person: no")


def test_refusals_of_a_caller_are_one_entry_for_each_route_and_quarter_of_an_hour() -> None:
    window = audit.REFUSAL_WINDOW_MS
    start = NOW // window * window
    for moment in range(start, start + 2 * window, window // 100):
        if moment % 2:
            audit.forget()  # another environment
        for name in ("ada", "bob"):
            refuse(name, "GET /audit", moment)
            refuse(name, "POST /accounts", moment)

    found = audit.page(100, None, start + 2 * window).entries

    assert len(found) == 8
    assert {(each.actor, each.target, each.at) for each in found} == {
        (name, route, moment)
        for name in ("ada", "bob")
        for route in ("GET /audit", "POST /accounts")
        for moment in (start, start + window)
    }


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_refusals_stand_among_the_rest_by_their_time(limit: int) -> None:
    window = audit.REFUSAL_WINDOW_MS
    start = NOW // window * window
    for number in range(4):
        write(f"p{number}", start + number * window + 5)
        refuse("eve", f"r{number}", start + number * window + 9)

    found = everybody(limit, start + 5 * window)

    assert found == [name for number in (3, 2, 1, 0) for name in (f"p{number}", f"r{number}")]
