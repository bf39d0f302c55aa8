"""The event types: first and last day, few writes, pages."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from experimentation.storage import event_types
from experimentation.storage.aws import client
from experimentation.storage.event_types import EventType, Seen, SeenTypes
from tests.wire import BUSY_JSON, answering

pytestmark = pytest.mark.usefixtures("aws")


def note(seen: SeenTypes, name: str, day: int, counted: bool = True) -> None:
    seen.note([Seen(name, day, counted)], lambda: True)


def test_first_and_last_day_widen() -> None:
    for day in (20_779, 20_781, 20_700, 20_780):
        note(SeenTypes(), "purchase", day)

    assert event_types.page(10) == ([EventType("purchase", 20_700, 20_781)], None)


def test_known_days_cost_no_write() -> None:
    seen = SeenTypes()
    for day in (20_779, 20_781):
        note(seen, "purchase", day)
    writes: list[Any] = []

    def written(request: Any) -> bool:
        writes.append(request)
        return False

    with answering(client.dynamodb(), "UpdateItem", b"", when=written):
        for day in (20_779, 20_780, 20_781):
            note(seen, "purchase", day)

    assert not writes


def test_another_environment_does_not_narrow_the_days() -> None:
    note(SeenTypes(), "purchase", 20_700)
    note(SeenTypes(), "purchase", 20_781)

    note(SeenTypes(), "purchase", 20_779)

    assert event_types.page(10)[0] == [EventType("purchase", 20_700, 20_781)]


def test_pages_go_on_by_name() -> None:
    for name in ("view", "purchase", "refund"):
        note(SeenTypes(), name, 20_779)

    first, after = event_types.page(2)
    second, end = event_types.page(2, after)

    assert [each.name for each in first + second] == ["purchase", "refund", "view"]
    assert (after, end) == ("refund", None)


def test_type_whose_days_are_half_written_is_left_out() -> None:
    def last_day(request: Any) -> bool:
        return b"SET last_day" in request.body

    refusal = b'{"__type":"ValidationException"}'
    with (
        answering(client.dynamodb(), "UpdateItem", refusal, 400, last_day),
        pytest.raises(ClientError, match="ValidationException"),
    ):
        note(SeenTypes(), "purchase", 20_779)

    assert event_types.page(10) == ([], None)


def test_what_the_store_does_not_take_waits_for_the_next_event() -> None:
    with answering(client.dynamodb(), "UpdateItem", BUSY_JSON):
        note(SeenTypes(), "purchase", 20_779)

    assert event_types.page(10) == ([], None)


def test_a_batch_of_new_types_is_noted_as_far_as_there_is_time_and_room() -> None:
    many = [Seen(f"type-{number:03}", 20_779) for number in range(60)]
    time_left = iter([True, True, False])
    seen = SeenTypes()

    SeenTypes().note(many, lambda: next(time_left))
    late = len(event_types.page(100)[0])
    seen.note(many, lambda: True)
    first = len(event_types.page(100)[0])
    seen.note(many, lambda: True)

    assert (late, first, len(event_types.page(100)[0])) == (2, 50, 60)


def test_an_environment_remembers_a_bounded_number_of_types(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_types, "MAX_SEEN", 3)
    seen = SeenTypes()
    for number in range(8):
        note(seen, f"type-{number}", 20_779, counted=False)

    assert len(seen._days) <= 3
    assert len(seen._partial) <= 3
    assert all(each.partial for each in event_types.page(10)[0])
