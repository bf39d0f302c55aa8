"""The event types: first and last day, few writes, pages."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from experimentation.storage import event_types
from experimentation.storage.aws import client
from experimentation.storage.event_types import EventType, SeenTypes
from tests.wire import answering

pytestmark = pytest.mark.usefixtures("aws")


def test_first_and_last_day_widen() -> None:
    for day in (20_779, 20_781, 20_700, 20_780):
        SeenTypes().note("purchase", day)

    assert event_types.page(10) == ([EventType("purchase", 20_700, 20_781)], None)


def test_known_days_cost_no_write() -> None:
    seen = SeenTypes()
    for day in (20_779, 20_781):
        seen.note("purchase", day)
    writes: list[Any] = []

    def note(request: Any) -> bool:
        writes.append(request)
        return False

    with answering(client.dynamodb(), "UpdateItem", b"", when=note):
        for day in (20_779, 20_780, 20_781):
            seen.note("purchase", day)

    assert not writes


def test_another_environment_does_not_narrow_the_days() -> None:
    SeenTypes().note("purchase", 20_700)
    SeenTypes().note("purchase", 20_781)

    SeenTypes().note("purchase", 20_779)

    assert event_types.page(10)[0] == [EventType("purchase", 20_700, 20_781)]


def test_pages_go_on_by_name() -> None:
    for name in ("view", "purchase", "refund"):
        SeenTypes().note(name, 20_779)

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
        SeenTypes().note("purchase", 20_779)

    assert event_types.page(10) == ([], None)
