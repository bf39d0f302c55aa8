"""Receiving, sending and deleting in batches."""

import json
import os
from typing import Any

import pytest

from experimentation.storage import queues
from experimentation.storage.aws import client
from tests.wire import BUSY_JSON, answering

pytestmark = pytest.mark.usefixtures("aws")


@pytest.fixture
def url(aws: None) -> str:
    return os.environ["COUNT_QUEUE_URL"]


def test_what_was_sent_is_received(url: str) -> None:
    accepted = queues.send(url, ["one", "two"])

    found = queues.receive(url, 10, hidden_seconds=30)
    assert accepted == {0, 1}
    assert {message.body for message in found} == {"one", "two"}
    assert all(message.receive_count == 1 and message.sent_at > 0 for message in found)
    assert queues.depth(url) == (0, 2)


def test_looking_hides_nothing_and_counts_one_receive(url: str) -> None:
    queues.send(url, ["one"])

    [first] = queues.receive(url, 10, hidden_seconds=0)
    [second] = queues.receive(url, 10, hidden_seconds=0)

    assert first.id == second.id
    assert (first.receive_count, second.receive_count) == (1, 2)
    assert queues.depth(url).total == 1


def test_more_than_ten_go_in_several_calls(url: str) -> None:
    accepted = queues.send(url, [str(number) for number in range(23)])

    assert accepted == set(range(23))
    assert queues.depth(url).waiting == 23


def test_large_messages_do_not_share_a_call(url: str) -> None:
    sizes: list[int] = []

    def note(request: Any) -> bool:
        sizes.append(len(json.loads(request.body)["Entries"]))
        return False

    with answering(client.sqs(), "SendMessageBatch", b"", when=note):
        accepted = queues.send(url, ["a" * 200_000, "b" * 200_000, "c", "ü" * 100_000])

    assert accepted == {0, 1, 2, 3}
    assert sizes == [1, 2, 1]


def test_only_what_the_queue_accepted_counts_as_sent(url: str) -> None:
    answer = {
        "Successful": [{"Id": "1", "MessageId": "x", "MD5OfMessageBody": "b8a9f715dbb64fd5c56e7783c6820a61"}],
        "Failed": [{"Id": "0", "Code": "InternalError", "SenderFault": False}],
    }
    with answering(client.sqs(), "SendMessageBatch", json.dumps(answer).encode(), status=200):
        accepted = queues.send(url, ["one", "two"])

    assert accepted == {1}


def test_busy_queue_accepts_what_came_before(url: str) -> None:
    def late(request: Any) -> bool:
        return b"late" in request.body

    with answering(client.sqs(), "SendMessageBatch", BUSY_JSON, when=late):
        accepted = queues.send(url, [*map(str, range(10)), "late", *map(str, range(10))])

    assert accepted == set(range(10))


def test_deleted_messages_are_gone(url: str) -> None:
    queues.send(url, ["one", "two"])
    found = queues.receive(url, 10, hidden_seconds=30)

    queues.delete(url, found)
    queues.delete(url, [])

    assert queues.depth(url).total == 0


def test_empty_queue_gives_nothing(url: str) -> None:
    assert queues.receive(url, 10, hidden_seconds=30) == []
    assert queues.send(url, []) == set()
