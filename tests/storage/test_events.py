"""Event items: written once, and read a page at a time."""

import pytest

from experimentation.storage import events
from experimentation.storage.aws import client
from experimentation.storage.aws.transactions import CancelledError, commit
from tests.events import RECEIVED, made

pytestmark = pytest.mark.usefixtures("aws")


def test_an_event_is_read_as_it_was_written():
    event = made("e1", user_id="u#1", value=-5, properties='{"é":1}')
    commit([events.put(event)])

    assert events.page("u#1", 10) == events.EventPage([event], None, [event])


def test_the_first_content_of_an_event_stays():
    commit([events.put(made("e1", value=1))])

    with pytest.raises(CancelledError):
        commit([events.put(made("e1", value=2))])

    assert events.page("u1", 10).events[0].value == 1


def test_an_event_outlives_its_retention_and_any_replay():
    commit([events.put(made("e1"))])

    (item,) = client.dynamodb().scan(TableName="DataTable")["Items"]

    assert int(item["expires_at"]["N"]) == RECEIVED // 1000 + (90 + 30) * 86_400


def test_pages_go_on_after_the_last_event():
    commit([events.put(made(name)) for name in ("e1", "e2", "e3")])

    first = events.page("u1", 2)
    second = events.page("u1", 2, first.next_event)

    assert [event.event_id for event in first.events] == ["e1", "e2"]
    assert first.next_event == "e2"
    assert [event.event_id for event in second.events] == ["e3"]
    assert second.next_event is None


def test_an_event_that_is_not_counted_says_so():
    event = made("e1", user_id="u1")
    commit([events.put(event, counted=False)])

    assert events.page("u1", 10) == events.EventPage([event], None, [])
    assert events.of_users(["u1", "u2"], 10) == {"u1": [], "u2": []}


def test_more_events_than_wanted_are_none_at_all():
    commit([events.put(made(f"e{n}", user_id="u1")) for n in range(4)])

    assert [len(found or []) for found in events.of_users(["u1"], 4).values()] == [4]
    assert events.of_users(["u1"], 3) == {"u1": None}
