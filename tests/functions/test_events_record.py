"""POST /events and POST /events/batch: everything is checked first, accepted means that the queue has it."""

import json

import pytest

from experimentation import settings
from experimentation.domain.clock import DAY_MS, rfc3339
from experimentation.storage.aws import client
from experimentation.storage.queue_message import unpack
from functions.events import record, record_batch
from tests.conftest import Headers, now
from tests.factory import REQUEST_ID, Context, event
from tests.functions.callers import Answer, call
from tests.wire import answering

BUSY = b"<ErrorResponse><Error><Code>Throttled</Code></Error></ErrorResponse>"
PURCHASE = {"user_id": "u1", "type": "purchase"}


def send(headers: Headers, body: object = None, **parts: object) -> Answer:
    return call(record.handler, "POST", "/events", body, headers=headers, **parts)


def send_batch(headers: Headers, *events: object, **more: object) -> Answer:
    return call(record_batch.handler, "POST", "/events/batch", {"events": events, **more}, headers=headers)


def waiting():
    answer = client.sqs().receive_message(QueueUrl=settings.queue_url("count"), MaxNumberOfMessages=10)
    return [unpack(message["Body"]) for message in answer.get("Messages", [])]


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    for module in (record, record_batch):
        monkeypatch.setattr(module.runtime, "sleep", lambda _: None)


def test_an_event_is_accepted_when_the_queue_has_it(as_user: Headers) -> None:
    began = now()

    answer = send(as_user, PURCHASE | {"value": 12.5, "event_id": "e1", "properties": {"plan": "pro"}})

    assert (answer.status, answer.json) == (202, {"accepted": 1, "event_ids": ["e1"]})
    ((message,)) = waiting()
    (stored,) = message.events
    assert message.request_id == REQUEST_ID
    assert (stored.value, stored.properties) == (125_000, '{"plan":"pro"}')
    assert began <= stored.at == stored.received <= now()


def test_a_batch_is_accepted_with_its_ids_in_order(as_user: Headers) -> None:
    answer = send_batch(as_user, PURCHASE | {"event_id": "b"}, PURCHASE | {"event_id": "a"}, PURCHASE)

    assert answer.status == 202
    assert answer.json["accepted"] == 3
    assert answer.json["event_ids"][:2] == ["b", "a"]
    assert len(answer.json["event_ids"][2]) == 36


def test_the_sending_time_of_a_batch_corrects_a_wrong_clock(as_user: Headers) -> None:
    device = now() + DAY_MS
    late = PURCHASE | {"timestamp": rfc3339(device - 60_000)}

    send_batch(as_user, late, late | {"sent_at": rfc3339(device - 30_000)}, sent_at=rfc3339(device))

    ((message,)) = waiting()
    first, second = message.events
    assert first.received - first.at == 60_000
    assert second.received - second.at == 30_000


def test_the_sending_time_of_a_clock_that_began_anew_is_one(as_user: Headers) -> None:
    began = rfc3339(0)

    answer = send_batch(as_user, PURCHASE | {"timestamp": began, "sent_at": began}, sent_at=rfc3339(now()))

    assert answer.status == 202


@pytest.mark.parametrize("send_one", [True, False])
def test_a_topic_that_does_not_answer_is_503_with_the_ids(as_user: Headers, send_one: bool) -> None:
    with answering(client.sns(), "Publish", BUSY, 400):
        answer = send(as_user, PURCHASE) if send_one else send_batch(as_user, PURCHASE)

    assert answer.status == 503
    assert answer.headers["Retry-After"] == "2"
    assert len(answer.json["event_ids"]) == 1
    assert waiting() == []


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("value", 1.00001),
        ("value", 1_000_000_000.5),
        ("value", -1_000_000_001),
        ("value", "1"),
        ("value", True),
        ("value", None),
        ("user_id", ""),
        ("user_id", "é" * 129),
        ("user_id", "a\nb"),
        ("type", ""),
        ("type", "-x"),
        ("type", "x" * 65),
        ("event_id", "a b"),
        ("event_id", "x" * 65),
        ("timestamp", "2026-11-22T07:00:00"),
        ("timestamp", 1_795_330_800),
        ("timestamp", "2026-W48-3T07:00:00Z"),
        ("timestamp", "20261122T070000.000Z"),
        ("timestamp", "2026-11-22x07:00:00Z"),
        ("timestamp", "2026-11-22T07:00:00,5Z"),
        ("timestamp", "2026-11-22T07:00:00+01"),
        ("timestamp", "2020-01-01T00:00:00Z"),
        ("sent_at", "yesterday"),
        ("properties", {"text": "x" * 2_050}),
        ("properties", {"a": {"b": {"c": {}}}}),
        ("properties", {"a": [[[1]]]}),
        ("properties", []),
        ("unknown", 1),
    ],
)
def test_one_bad_event_refuses_the_batch_and_is_named(as_user: Headers, part: str, value: object) -> None:
    answer = send_batch(as_user, PURCHASE, PURCHASE | {part: value})

    assert answer.status == 422
    assert answer.json["errors"][0]["pointer"].startswith(f"/events/1/{part}")
    assert waiting() == []


def test_a_single_event_is_pointed_at_without_an_index(as_user: Headers) -> None:
    answer = send(as_user, PURCHASE | {"timestamp": "2020-01-01T00:00:00Z"})

    assert answer.status == 422
    assert answer.json["errors"][0]["pointer"] == "/timestamp"


@pytest.mark.parametrize("value", [0.1, 0.0001, 999_999_999.9999, -1e9, 123_456.7891, 0, -0.0, 1e3])
def test_four_decimals_are_kept_exactly(as_user: Headers, value: float) -> None:
    send(as_user, PURCHASE | {"value": value})

    ((message,)) = waiting()
    assert message.events[0].value == round(value * 10_000)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e400", "-1e400", "9" * 5_000])
def test_numbers_that_are_none_are_refused(as_user: Headers, number: str) -> None:
    body = f'{{"events": [{{"user_id": "u1", "type": "purchase", "value": {number}}}]}}'

    answer = record_batch.handler(event("POST", "/events/batch", raw_body=body, headers=as_user), Context())

    assert answer["statusCode"] in {400, 422}
    assert json.loads(answer["body"])["title"]
    assert waiting() == []


def test_the_same_id_twice_in_a_batch_is_refused(as_user: Headers) -> None:
    answer = send_batch(as_user, PURCHASE | {"event_id": "x"}, PURCHASE | {"event_id": "x"})

    assert answer.status == 422
    assert [error["pointer"] for error in answer.json["errors"]] == ["/events/1/event_id"]


def test_two_users_may_have_the_same_event_id_in_one_batch(as_user: Headers) -> None:
    signup = PURCHASE | {"type": "signup", "event_id": "signup"}

    answer = send_batch(as_user, signup | {"user_id": "ann"}, signup | {"user_id": "bob"})

    assert (answer.status, answer.json) == (202, {"accepted": 2, "event_ids": ["signup", "signup"]})


def test_500_events_are_accepted_and_501_are_not(as_user: Headers) -> None:
    assert send_batch(as_user, *[PURCHASE] * 500).status == 202
    assert send_batch(as_user, *[PURCHASE] * 501).status == 422
    assert send_batch(as_user).status == 422


def test_a_body_above_one_megabyte_is_413(as_user: Headers) -> None:
    events = [PURCHASE | {"properties": {"text": "x" * 2_000}}] * 500

    assert send_batch(as_user, *events).status == 413


def test_properties_nest_three_levels(as_user: Headers) -> None:
    assert send(as_user, PURCHASE | {"properties": {"a": {"b": [1, 2]}}}).status == 202


def test_writing_needs_the_scope(as_key) -> None:
    assert send(as_key("events:read"), PURCHASE).status == 403
    assert send(as_key("events:write"), PURCHASE).status == 202
