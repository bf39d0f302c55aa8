"""Ingesting: accepted when the topic has every message; else a retry with the same ids is safe."""

import json
import random

import pytest

from experimentation import settings
from experimentation.domain.clock import DAY_MS
from experimentation.domain.counting.event import Submission
from experimentation.domain.errors import InvalidError, UnavailableError
from experimentation.storage import retention
from experimentation.storage.aws import client
from experimentation.storage.queue_message import unpack
from experimentation.usecases.ingesting import RETRY_AFTER_SECONDS, TRIES, ingest
from tests.usecases.conftest import NOW
from tests.wire import BUSY_JSON, answering

BUSY = b"<ErrorResponse><Error><Code>Throttled</Code></Error></ErrorResponse>"

pytestmark = pytest.mark.usefixtures("aws")


def sent(name="count"):
    """Return the events that wait in a queue of the topic, by id."""
    found = {}
    while True:
        answer = client.sqs().receive_message(QueueUrl=settings.queue_url(name), MaxNumberOfMessages=10)
        if "Messages" not in answer:
            return found
        for message in answer["Messages"]:
            found |= {event.event_id: event for event in unpack(message["Body"]).events}


def test_an_event_is_stamped_and_sent_to_both_queues(runtime):
    (event,) = ingest([Submission("u1", "purchase")], NOW, "request-1", runtime)

    assert (event.at, event.received, event.value) == (NOW, NOW, 10_000)
    assert sent() == {event.event_id: event}
    assert sent("archive") == {event.event_id: event}


def test_generated_ids_rise_with_time_and_differ(runtime):
    events = ingest([Submission("u1", "purchase")] * 50, NOW, "r", runtime)

    assert len({event.event_id for event in events}) == 50
    assert {event.event_id[:13].replace("-", "") for event in events} == {f"{NOW:012x}"}
    assert {event.event_id[14] for event in events} == {"7"}


def test_a_large_batch_goes_in_several_messages(runtime):
    text = json.dumps({"text": "😀" * 150})
    submissions = [Submission("u1", "purchase", event_id=f"e{n}", properties=text) for n in range(500)]

    ingest(submissions, NOW, "r", runtime)

    assert sent().keys() == {f"e{n}" for n in range(500)}


def test_what_the_topic_refuses_is_sent_again_alone(runtime, clock):
    chance = random.Random(1)
    published = []

    def sometimes(request):
        published.append(request)
        return chance.random() < 0.3

    text = json.dumps({"text": "😀" * 150})
    submissions = [Submission("u1", "purchase", event_id=f"e{n}", properties=text) for n in range(400)]
    with answering(client.sns(), "Publish", BUSY, 400, sometimes):
        ingest(submissions, NOW, "r", runtime)

    assert clock.pauses
    assert sent().keys() == {f"e{n}" for n in range(400)}


def test_a_topic_that_stays_away_is_told_with_the_ids_for_the_retry(runtime, clock):
    with (
        answering(client.sns(), "Publish", BUSY, 400),
        pytest.raises(UnavailableError) as refused,
    ):
        ingest([Submission("u1", "a", event_id="mine"), Submission("u1", "b")], NOW, "r", runtime)

    assert refused.value.retry_after_seconds == RETRY_AFTER_SECONDS
    assert refused.value.extra["event_ids"][0] == "mine"
    assert len(refused.value.extra["event_ids"]) == 2
    assert len(clock.pauses) == TRIES - 1


def test_one_bad_event_refuses_the_batch_and_names_each(runtime):
    batch = [
        Submission("u1", "a", event_id="same"),
        Submission("u1", "a", event_id="same", timestamp=NOW - 91 * DAY_MS),
        Submission("u1", "a", timestamp=NOW - 90 * DAY_MS),
    ]

    with pytest.raises(InvalidError) as refused:
        ingest(batch, NOW, "r", runtime)

    pointers = [error.pointer for error in refused.value.errors]
    assert pointers == ["/events/1/timestamp", "/events/1/event_id"]
    assert sent() == {}


@pytest.mark.parametrize(
    ("timestamp", "sent_at", "at"),
    [
        (None, None, NOW),
        (NOW - 5, None, NOW - 5),
        (NOW + 5, None, NOW),
        (NOW - 1_005, NOW - 1_000, NOW - 5),
        (NOW + 995, NOW + 1_000, NOW - 5),
        (None, NOW + 1_000, NOW),
        (NOW, NOW - 1_000, NOW),
    ],
)
def test_the_time_of_an_event_is_clamped_and_corrected(runtime, timestamp, sent_at, at):
    (event,) = ingest([Submission("u1", "a", timestamp=timestamp, sent_at=sent_at)], NOW, "r", runtime)

    assert event.at == at


def test_what_happened_under_a_shorter_retention_is_refused_after_a_raise(runtime, monkeypatch):
    monkeypatch.setenv("RETENTION_DAYS", "7")
    retention.note(NOW)
    monkeypatch.setenv("RETENTION_DAYS", "90")
    retention.note(NOW)

    ingest([Submission("u1", "purchase", timestamp=NOW - 7 * DAY_MS)], NOW, "request-1", runtime)
    with pytest.raises(InvalidError) as refused:
        ingest([Submission("u1", "purchase", timestamp=NOW - 7 * DAY_MS - 1)], NOW, "request-1", runtime)

    assert "kept for fewer days" in refused.value.errors[0].detail


def test_an_event_of_now_costs_no_read(runtime):
    with answering(client.dynamodb(), "GetItem", BUSY_JSON):
        ingest([Submission("u1", "purchase", timestamp=NOW - DAY_MS)], NOW, "request-1", runtime)
        with pytest.raises(UnavailableError):
            ingest([Submission("u1", "purchase", timestamp=NOW - 2 * DAY_MS)], NOW, "request-1", runtime)
