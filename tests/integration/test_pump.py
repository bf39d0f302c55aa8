"""The local pump against real queues: batches, windows, partial failures, redelivery."""

import asyncio
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from local.pool import InvocationError
from local.pump import Mapping, Pump
from local.template import Function
from tests.integration.conftest import Emulated

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("emulator")]
WORKER = Function("Worker", "x.handler", 30, 128, {}, (), (), (), ())

type Work = Callable[[list[dict[str, Any]]], Any]


class Queue:
    """A queue of the test's own, whose messages come back after two seconds."""

    def __init__(self, emulator: Emulated) -> None:
        self.sqs = emulator.client("sqs")
        created = self.sqs.create_queue(QueueName=str(uuid.uuid4()), Attributes={"VisibilityTimeout": "2"})
        self.url = created["QueueUrl"]
        attributes = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["QueueArn"])
        self.arn = attributes["Attributes"]["QueueArn"]

    def send(self, *bodies: str) -> None:
        for body in bodies:
            self.sqs.send_message(QueueUrl=self.url, MessageBody=body)

    def depth(self) -> int:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)["Attributes"]
        return sum(int(found[name]) for name in names)

    def pump(self, work: Work, batches: int, size: int = 10, window_seconds: float = 0) -> list[list[str]]:
        """Pump until so many batches were delivered; return their bodies."""
        delivered: list[list[str]] = []

        async def run() -> None:
            stopping = asyncio.Event()

            async def invoke(_function: Function, event: dict[str, Any], _request_id: str) -> Any:
                delivered.append([record["body"] for record in event["Records"]])
                if len(delivered) == batches:
                    stopping.set()
                return work(event["Records"])

            mapping = Mapping(WORKER, self.arn, size, window_seconds, 1)
            await asyncio.wait_for(Pump(mapping, self.sqs, invoke, lambda _: None).run(stopping), 30)

        asyncio.run(run())
        return delivered


@pytest.fixture
def queue(emulator: Emulated) -> Queue:
    return Queue(emulator)


def test_a_batch_that_succeeds_is_deleted(queue: Queue) -> None:
    queue.send("a", "b", "c")

    delivered = queue.pump(lambda _: None, batches=1, window_seconds=0.3)

    assert sorted(delivered[0]) == ["a", "b", "c"]
    assert queue.depth() == 0


def test_a_batch_is_never_larger_than_the_mapping_says(queue: Queue) -> None:
    queue.send(*"abcde")

    delivered = queue.pump(lambda _: None, batches=3, size=2)

    assert [len(batch) for batch in delivered] == [2, 2, 1]


def test_only_what_failed_comes_back_after_its_visibility(queue: Queue) -> None:
    def fail_b(records: list[dict[str, Any]]) -> dict[str, Any]:
        first = [r for r in records if r["attributes"]["ApproximateReceiveCount"] == "1"]
        failed = [{"itemIdentifier": r["messageId"]} for r in first if r["body"] == "b"]
        return {"batchItemFailures": failed}

    queue.send("a", "b", "c")
    started = time.monotonic()

    delivered = queue.pump(fail_b, batches=2, window_seconds=0.3)

    assert (sorted(delivered[0]), delivered[1]) == (["a", "b", "c"], ["b"])
    assert time.monotonic() - started >= 2
    assert queue.depth() == 0


def test_a_worker_that_raises_keeps_its_batch_on_the_queue(queue: Queue) -> None:
    def fail(_records: list[dict[str, Any]]) -> None:
        raise InvocationError("the table is away")

    queue.send("a", "b")

    queue.pump(fail, batches=1, window_seconds=0.3)

    assert queue.depth() == 2


def test_records_look_as_lambda_makes_them(queue: Queue) -> None:
    seen: list[dict[str, Any]] = []
    queue.send("a")

    queue.pump(seen.extend, batches=1)

    assert set(seen[0]) == {
        "messageId",
        "receiptHandle",
        "body",
        "attributes",
        "messageAttributes",
        "md5OfBody",
        "eventSource",
        "eventSourceARN",
        "awsRegion",
    }
    assert (seen[0]["eventSource"], seen[0]["eventSourceARN"]) == ("aws:sqs", queue.arn)
    assert {"ApproximateReceiveCount", "SentTimestamp"} <= set(seen[0]["attributes"])
