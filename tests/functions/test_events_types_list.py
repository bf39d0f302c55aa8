"""GET /events/types."""

import pytest

from experimentation.storage.event_types import Seen, SeenTypes
from functions.events.types_list import handler
from tests.conftest import Headers
from tests.functions.callers import Answer, call

TODAY = 20_779  # 2026-11-22


def listed(headers: Headers, **query: object) -> Answer:
    return call(handler, "GET", "/events/types", query=query, headers=headers)


def test_types_have_their_first_and_last_day(as_user: Headers) -> None:
    seen = SeenTypes()
    for name, day in (("view", TODAY), ("purchase", TODAY - 1), ("purchase", TODAY)):
        seen.note([Seen(name, day)], lambda: True)

    answer = listed(as_user)

    assert answer.status == 200
    assert answer.json == {
        "types": [
            {"type": "purchase", "first_day": "2026-11-21", "last_day": "2026-11-22", "partial": False},
            {"type": "view", "first_day": "2026-11-22", "last_day": "2026-11-22", "partial": False},
        ],
        "next_cursor": None,
    }


def test_pages_hold_every_type_once(as_user: Headers) -> None:
    seen = SeenTypes()
    for number in range(5):
        seen.note([Seen(f"type-{number}", TODAY)], lambda: True)

    first = listed(as_user, limit=3).json
    second = listed(as_user, limit=3, cursor=first["next_cursor"]).json

    names = [each["type"] for each in first["types"] + second["types"]]
    assert names == [f"type-{number}" for number in range(5)]
    assert second["next_cursor"] is None


def test_no_types_yet(as_user: Headers) -> None:
    assert listed(as_user).json == {"types": [], "next_cursor": None}


@pytest.mark.parametrize(
    "query", [{"limit": 0}, {"limit": "many"}, {"cursor": "nonsense"}, {"user_id": "u1"}]
)
def test_query_that_makes_no_sense_is_refused(as_user: Headers, query: dict[str, object]) -> None:
    assert listed(as_user, **query).status == 422


def test_caller_needs_the_scope(as_key: object) -> None:
    headers = as_key(["events:write"])  # type: ignore[operator]

    assert listed(headers).status == 403
