"""Messages: what is packed is unpacked, and anything else is poison."""

import json

import pytest

from experimentation.storage.queue_message import (
    MAX_BYTES,
    Message,
    PoisonError,
    pack,
    pack_exposures,
    unpack,
)
from tests.events import exposed, made


def test_what_is_packed_is_unpacked():
    events = [made("e1", user_id="ü 😀", properties='{"é": [1.5]}'), made("e2", value=-(10**13))]

    (text,) = pack(events, "request-1")

    assert unpack(text) == Message(tuple(events), "request-1")


def test_exposures_travel_in_messages_that_an_older_worker_refuses():
    sent = [exposed("ü 😀", context='{"country":"DE"}'), exposed("u2", variant="treatment")]

    (text,) = pack_exposures(sent, "request-1")

    assert unpack(text) == Message((), "request-1", tuple(sent))
    assert json.loads(text)["v"] == 2


def test_exposures_are_split_over_messages_within_the_limit():
    sent = [exposed(f"u{n}", context=json.dumps({"x": "😀" * 200})) for n in range(500)]

    messages = pack_exposures(sent, "r")

    assert len(messages) > 5
    assert all(len(text.encode()) <= MAX_BYTES for text in messages)
    assert [each for text in messages for each in unpack(text).exposures] == sent


def test_what_a_subscription_gave_up_on_is_unpacked_from_its_envelope():
    (text,) = pack([made("e1")], "request-1")
    envelope = {"Type": "Notification", "MessageId": "m", "TopicArn": "arn:aws:sns:x:1:t", "Message": text}

    assert unpack(json.dumps(envelope)) == Message((made("e1"),), "request-1")


def test_nothing_is_packed_into_no_message():
    assert pack([], "r") == []


def test_messages_stay_within_the_limit_and_keep_the_order():
    events = [made(f"e{n}", properties=json.dumps({"x": "😀" * 200})) for n in range(500)]

    messages = pack(events, "r")

    assert len(messages) > 5
    assert all(len(text.encode()) <= MAX_BYTES for text in messages)
    assert [event for text in messages for event in unpack(text).events] == events


def test_an_event_larger_than_the_limit_travels_alone():
    messages = pack([made("e1"), made("e2", properties="x" * 100), made("e3")], "r", max_bytes=150)

    assert [len(unpack(text).events) for text in messages] == [1, 1, 1]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "{}",
        '{"Type":"Notification"}',
        '{"Type":"Notification","Message":5}',
        '{"Type":"Notification","Message":"{}"}',
        "[" * 100_000,
        '{"v":2,"request_id":"r","events":[]}',
        '{"v":[],"request_id":"r","events":[]}',
        '{"v":2,"request_id":"r","exposures":[["e","u","control",1]]}',
        '{"v":2,"request_id":"r","exposures":[["e","u","control",1,1,"{}",0]]}',
        '{"v":2,"request_id":"r","exposures":[["e","u","control",1,1.5,"{}"]]}',
        '{"v":2,"request_id":"r","exposures":[["e",null,"control",1,1,"{}"]]}',
        '{"v":3,"request_id":"r","events":[],"exposures":[]}',
        '{"v":1,"request_id":"r"}',
        '{"v":1,"request_id":"r","events":5}',
        '{"v":1,"request_id":"r","events":[["u","e","t",1,1]]}',
        '{"v":1,"request_id":"r","events":[["u","e","t",1,1,1.5,"{}"]]}',
        '{"v":1,"request_id":"r","events":[["u","e","t",true,1,1,"{}"]]}',
        '{"v":1,"request_id":"r","events":[["u",1,"t",1,1,1,"{}"]]}',
    ],
)
def test_what_no_worker_can_read_is_poison(text):
    with pytest.raises(PoisonError):
        unpack(text)
