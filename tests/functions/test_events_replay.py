"""POST /events/dead-letters/replay."""

import os
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any

import pytest

from experimentation.storage import queues
from experimentation.storage.aws import client
from functions.events import replay
from tests.conftest import Headers
from tests.functions.callers import Answer, call
from tests.wire import BUSY_JSON, answering

DEAD, SOURCE = "COUNT_DEAD_LETTER_QUEUE_URL", "COUNT_QUEUE_URL"


def replayed(headers: Headers, body: object = None) -> Answer:
    return call(replay.handler, "POST", "/events/dead-letters/replay", body, headers=headers)


def bury(*bodies: str, queue: str = DEAD) -> None:
    queues.send(os.environ[queue], bodies)


def bodies(queue: str) -> list[str]:
    found: list[str] = []
    while messages := queues.receive(os.environ[queue], 10, hidden_seconds=30):
        found += [message.body for message in messages]
    return sorted(found)


def test_messages_move_back_to_their_queue(as_admin: Headers) -> None:
    bury("a", "b")

    answer = replayed(as_admin)

    assert answer.status == 200
    assert (answer.json["moved"], answer.json["left"]) == (2, 0)
    assert answer.json["queues"][0] == {"queue": "count", "moved": 2, "left": 0, "drained": True}
    assert bodies(SOURCE) == ["a", "b"]
    assert bodies(DEAD) == []


def test_every_dead_letter_queue_has_its_source(as_admin: Headers) -> None:
    for name in ("COUNT", "COUNT_SUBSCRIPTION", "ARCHIVE", "ARCHIVE_SUBSCRIPTION"):
        bury(name, queue=f"{name}_DEAD_LETTER_QUEUE_URL")

    answer = replayed(as_admin)

    assert answer.json["moved"] == 4
    assert bodies(SOURCE) == ["COUNT", "COUNT_SUBSCRIPTION"]
    assert bodies("ARCHIVE_QUEUE_URL") == ["ARCHIVE", "ARCHIVE_SUBSCRIPTION"]


def test_one_queue_can_be_named(as_admin: Headers) -> None:
    bury("a")
    bury("b", queue="ARCHIVE_DEAD_LETTER_QUEUE_URL")

    answer = replayed(as_admin, {"queue": "archive"})

    assert [each["queue"] for each in answer.json["queues"]] == ["archive"]
    assert bodies("ARCHIVE_QUEUE_URL") == ["b"]
    assert bodies(DEAD) == ["a"]


def test_no_more_than_asked_for_move(as_admin: Headers) -> None:
    bury(*map(str, range(23)))
    bury("x", queue="ARCHIVE_DEAD_LETTER_QUEUE_URL")

    first = replayed(as_admin, {"max_messages": 12})
    rest = replayed(as_admin, {})

    assert (first.json["moved"], first.json["left"]) == (12, 12)
    assert first.json["queues"][0]["drained"] is False
    assert (rest.json["moved"], rest.json["left"]) == (12, 0)


def test_what_the_queue_refuses_stays_dead(as_admin: Headers) -> None:
    bury("good", "bad" + "x" * 249_999)

    def bad(request: Any) -> bool:
        return b"bad" in request.body

    with answering(client.sqs(), "SendMessageBatch", BUSY_JSON, when=bad):
        answer = replayed(as_admin, {"queue": "count"})

    [queue] = answer.json["queues"]
    assert queue["moved"] + queue["left"] == 2
    assert queue["left"] >= 1
    assert queue["drained"] is False


def test_nothing_moves_when_the_time_is_up(as_admin: Headers, monkeypatch: pytest.MonkeyPatch) -> None:
    bury("a")
    monkeypatch.setattr(replay, "BUDGET_SECONDS", 0)

    answer = replayed(as_admin)

    assert (answer.json["moved"], answer.json["left"]) == (0, 1)


def test_two_at_once_move_every_message_once(as_admin: Headers, monkeypatch: pytest.MonkeyPatch) -> None:
    one_at_a_time, receive = Lock(), queues.receive  # moto gives a message to two that ask at the same moment

    def taken(*args: Any, **options: Any) -> list[queues.Received]:
        with one_at_a_time:
            return receive(*args, **options)

    monkeypatch.setattr(queues, "receive", taken)
    sent = sorted(f"{number:02d}" for number in range(40))
    bury(*sent)

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: replayed(as_admin, {"queue": "count"}), range(2)))

    assert sum(answer.json["moved"] for answer in answers) == 40
    assert bodies(SOURCE) == sent


def test_call_that_dies_before_it_deletes_loses_nothing(as_admin: Headers) -> None:
    bury("a")

    with answering(client.sqs(), "DeleteMessageBatch", BUSY_JSON):
        answer = replayed(as_admin)

    assert answer.status == 503
    assert bodies(SOURCE) == ["a"]
    assert queues.depth(os.environ[DEAD]).total == 1


def test_what_moved_is_counted(as_admin: Headers, capsys: pytest.CaptureFixture[str]) -> None:
    bury("a", "b")

    replayed(as_admin)

    assert '"MessagesReplayed":[2.0' in capsys.readouterr().out


@pytest.mark.parametrize(
    "body", [{"queue": "other"}, {"max_messages": 0}, {"max_messages": "1"}, {"all": True}, [], "count"]
)
def test_body_that_makes_no_sense_is_refused(as_admin: Headers, body: object) -> None:
    assert replayed(as_admin, body).status == 422


def test_only_administrators_may_replay(as_user: Headers) -> None:
    assert replayed(as_user).status == 403
    assert replayed({}).status == 401
