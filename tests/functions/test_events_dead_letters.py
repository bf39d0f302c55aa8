"""GET /events/dead-letters."""

import os
import time

from experimentation.storage import queues
from experimentation.storage.aws import client
from experimentation.storage.queue_message import pack
from functions.events.dead_letters import handler
from tests.conftest import Headers
from tests.events import made
from tests.functions.callers import Answer, call
from tests.wire import BUSY_JSON, answering

DEAD = "COUNT_DEAD_LETTER_QUEUE_URL"


def looked(headers: Headers) -> Answer:
    return call(handler, "GET", "/events/dead-letters", headers=headers)


def bury(*bodies: str, queue: str = DEAD) -> None:
    queues.send(os.environ[queue], bodies)


def test_empty_queues_are_listed_all_the_same(as_admin: Headers) -> None:
    answer = looked(as_admin)

    names = [queue["queue"] for queue in answer.json["queues"]]
    assert answer.status == 200
    assert names == ["count", "archive", "count-subscription", "archive-subscription"]
    assert answer.json["queues"][0] == {
        "queue": "count",
        "waiting": 0,
        "in_flight": 0,
        "oldest_age_seconds": None,
        "sample": [],
    }


def test_sample_says_what_but_not_who(as_admin: Headers) -> None:
    events = [
        made("e1", user_id="ann@example.com", properties='{"card":"4111"}'),
        made("e2", type="view", user_id="ann@example.com"),
    ]
    bury(*pack(events, "request"))

    answer = looked(as_admin)

    [letter] = answer.json["queues"][0]["sample"]
    assert (letter["events"], letter["exposures"]) == (2, 0)
    assert letter["types"] == ["purchase", "view"]
    assert letter["bytes"] > 100
    assert set(letter) == {"message_id", "sent_at", "receive_count", "bytes", "events", "exposures", "types"}
    assert "ann@example.com" not in str(answer.json)
    assert "4111" not in str(answer.json)


def test_message_that_nobody_can_read_is_shown_as_such(as_admin: Headers) -> None:
    bury("not ours: ann@example.com")

    answer = looked(as_admin)

    [letter] = answer.json["queues"][0]["sample"]
    assert (letter["events"], letter["exposures"], letter["types"]) == (None, None, [])
    assert "ann@example.com" not in str(answer.json)


def test_every_queue_has_its_own_depth(as_admin: Headers) -> None:
    bury("a", "b", queue="ARCHIVE_SUBSCRIPTION_DEAD_LETTER_QUEUE_URL")
    bury("c", queue="COUNT_SUBSCRIPTION_DEAD_LETTER_QUEUE_URL")

    waiting = {queue["queue"]: queue["waiting"] for queue in looked(as_admin).json["queues"]}

    assert waiting == {"count": 0, "archive": 0, "count-subscription": 1, "archive-subscription": 2}


def test_looking_takes_nothing_away(as_admin: Headers) -> None:
    bury(*map(str, range(3)))

    looked(as_admin)
    again = looked(as_admin).json["queues"][0]

    assert (again["waiting"], again["in_flight"]) == (3, 0)
    assert {letter["receive_count"] for letter in again["sample"]} == {2}
    assert len(queues.receive(os.environ[DEAD], 10, hidden_seconds=30)) == 3


def test_hidden_messages_are_counted_but_not_shown(as_admin: Headers) -> None:
    bury("a")
    queues.receive(os.environ[DEAD], 10, hidden_seconds=30)

    queue = looked(as_admin).json["queues"][0]

    assert (queue["waiting"], queue["in_flight"], queue["sample"]) == (0, 1, [])


def test_sample_is_ten_messages_at_most(as_admin: Headers) -> None:
    bury(*map(str, range(12)))

    queue = looked(as_admin).json["queues"][0]

    assert queue["waiting"] == 12
    assert len({letter["message_id"] for letter in queue["sample"]}) == 10


def test_age_is_that_of_the_oldest_in_the_sample(as_admin: Headers) -> None:
    bury("old")
    time.sleep(1.1)
    bury("young")

    assert looked(as_admin).json["queues"][0]["oldest_age_seconds"] in {1, 2}


def test_busy_queues_are_an_outage(as_admin: Headers) -> None:
    with answering(client.sqs(), "GetQueueAttributes", BUSY_JSON):
        answer = looked(as_admin)

    assert answer.status == 503


def test_only_administrators_may_look(as_user: Headers) -> None:
    assert looked(as_user).status == 403
    assert looked({}).status == 401
