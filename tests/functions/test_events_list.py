"""GET /events."""

import pytest

from experimentation.storage import events
from experimentation.storage.aws import client
from functions.events.list import handler
from tests.conftest import Headers
from tests.events import RECEIVED, made
from tests.functions.callers import Answer, call


def store(*stored: object) -> None:
    for event in stored:
        client.dynamodb().put_item(**events.put(event)["Put"])  # type: ignore[arg-type]


def listed(headers: Headers, **query: object) -> Answer:
    return call(handler, "GET", "/events", query=query, headers=headers)


def test_event_is_shown_as_it_was_sent(as_user: Headers) -> None:
    store(made("e1", at=RECEIVED - 1_000, value=125_000, properties='{"plan":"pro","n":10.0}'))

    answer = listed(as_user, user_id="u1")

    assert answer.status == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json == {
        "events": [
            {
                "event_id": "e1",
                "user_id": "u1",
                "type": "purchase",
                "value": 12.5,
                "timestamp": "2026-11-22T06:59:59.000Z",
                "received_at": "2026-11-22T07:00:00.000Z",
                "properties": {"plan": "pro", "n": 10.0},
            }
        ],
        "next_cursor": None,
    }


@pytest.mark.parametrize(
    ("value", "shown"), [(10_000, 1), (-1, -0.0001), (10**13 - 1, 999_999_999.9999), (0, 0)]
)
def test_value_is_exact(as_user: Headers, value: int, shown: float) -> None:
    store(made("e1", value=value))

    assert repr(listed(as_user, user_id="u1").json["events"][0]["value"]) == repr(shown)


def test_pages_hold_every_event_once(as_user: Headers) -> None:
    store(*(made(f"e{number}") for number in range(5)))

    first = listed(as_user, user_id="u1", limit=3).json
    second = listed(as_user, user_id="u1", limit=3, cursor=first["next_cursor"]).json

    assert [event["event_id"] for event in first["events"]] == ["e0", "e1", "e2"]
    assert [event["event_id"] for event in second["events"]] == ["e3", "e4"]
    assert second["next_cursor"] is None


def test_other_items_and_other_users_are_not_shown(as_user: Headers) -> None:
    store(made("e1"), made("e2", user_id="u10"))
    client.dynamodb().put_item(TableName="DataTable", Item={"PK": {"S": "USER#u1"}, "SK": {"S": "HEAD"}})

    shown = listed(as_user, user_id="u1").json["events"]

    assert [(event["user_id"], event["event_id"]) for event in shown] == [("u1", "e1")]


def test_user_id_may_hold_any_character(as_user: Headers) -> None:
    store(made("e1", user_id="a/b?c#d größe"))

    [shown] = listed(as_user, user_id="a/b?c#d größe").json["events"]

    assert shown["user_id"] == "a/b?c#d größe"


def test_unknown_user_has_no_events(as_user: Headers) -> None:
    assert listed(as_user, user_id="nobody").json == {"events": [], "next_cursor": None}


def test_cursor_of_another_user_is_refused(as_user: Headers) -> None:
    store(made("e1"), made("e2"))
    cursor = listed(as_user, user_id="u1", limit=1).json["next_cursor"]

    answer = listed(as_user, user_id="u2", cursor=cursor)

    assert answer.status == 422
    assert answer.json["errors"][0]["pointer"] == "/cursor"


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"user_id": ""},
        {"user_id": "u" * 257},
        {"user_id": "u1", "limit": 0},
        {"user_id": "u1", "limit": 101},
        {"user_id": "u1", "cursor": "nonsense"},
        {"user_id": "u1", "type": "purchase"},
    ],
)
def test_query_that_makes_no_sense_is_refused(as_user: Headers, query: dict[str, object]) -> None:
    assert listed(as_user, **query).status == 422


def test_caller_needs_the_scope(as_key: object) -> None:
    headers = as_key(["events:write"])  # type: ignore[operator]

    assert listed(headers, user_id="u1").status == 403
    assert listed({}, user_id="u1").status == 401
