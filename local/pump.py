"""Polls a queue and feeds its worker function, as Lambda's event source mappings do."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from local.emulator import REGION
from local.pool import InvocationError
from local.template import Function

MAX_BATCH_BYTES = 6_000_000  # Lambda's payload
MAX_CALL = 10  # messages that one call to SQS receives or deletes
AFTER_A_FAULT_SECONDS = 1.0

Invoke = Callable[[Function, dict[str, Any], str], Awaitable[Any]]
Message = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Mapping:
    """An event source mapping with its values resolved."""

    function: Function
    queue_arn: str
    batch_size: int
    window_seconds: float
    concurrency: int


class Pump:
    """One poller of one queue."""

    def __init__(self, mapping: Mapping, sqs: Any, invoke: Invoke, log: Callable[[str], None]) -> None:
        self._mapping = mapping
        self._sqs = sqs
        self._invoke = invoke
        self._log = log
        name = mapping.queue_arn.rsplit(":", 1)[1]
        self._url = sqs.get_queue_url(QueueName=name)["QueueUrl"]

    async def run(self, stopping: asyncio.Event) -> None:
        """Deliver batches until told to stop; the batch in hand is finished first."""
        while not stopping.is_set():
            try:
                batch = await self._gather(stopping)
                if batch:
                    await self._deliver(batch)
            except Exception as error:  # noqa: BLE001 - a poller outlives what fails under it, as Lambda's do
                if not stopping.is_set():
                    self._log(f"{time.strftime('%H:%M:%S')} {self._mapping.function.name}: {error}")
                    await _pause(stopping, AFTER_A_FAULT_SECONDS)

    async def _gather(self, stopping: asyncio.Event) -> list[Message]:
        """Receive until the batch is full, or its window is over since the first message."""
        batch: list[Message] = []
        deadline = time.monotonic() + 1
        while len(batch) < self._mapping.batch_size and not stopping.is_set():
            most = min(MAX_CALL, self._mapping.batch_size - len(batch))
            received = await self._receive(most, wait_seconds=0 if batch else 1)
            if received and not batch:
                deadline = time.monotonic() + self._mapping.window_seconds
            batch += received
            full = sum(len(message["Body"]) for message in batch) > MAX_BATCH_BYTES - 300_000 * MAX_CALL
            if full or time.monotonic() >= deadline:
                break
            if not received:
                await _pause(stopping, min(0.1, max(0.0, deadline - time.monotonic())))
        return batch

    async def _receive(self, most: int, wait_seconds: int) -> list[Message]:
        answer = await asyncio.to_thread(
            self._sqs.receive_message,
            QueueUrl=self._url,
            MaxNumberOfMessages=most,
            WaitTimeSeconds=wait_seconds,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        messages: list[Message] = answer.get("Messages", [])
        return messages

    async def _deliver(self, batch: list[Message]) -> None:
        event = {"Records": [_record(message, self._mapping.queue_arn) for message in batch]}
        sent = {message["MessageId"] for message in batch}
        started = time.perf_counter()
        try:
            result = await self._invoke(self._mapping.function, event, "")
        except InvocationError as error:
            failed, note = sent, f" - {error}"
        else:
            failed, note = failures(result, sent), ""
        done = [message for message in batch if message["MessageId"] not in failed]
        await self._delete(done)
        milliseconds = (time.perf_counter() - started) * 1000
        outcome = f"{len(done)} of {len(batch)} messages"
        self._log(
            f"{time.strftime('%H:%M:%S')} {self._mapping.function.name} {outcome} {milliseconds:.0f} ms{note}"
        )

    async def _delete(self, messages: list[Message]) -> None:
        for start in range(0, len(messages), MAX_CALL):
            entries = [
                {"Id": str(i), "ReceiptHandle": message["ReceiptHandle"]}
                for i, message in enumerate(messages[start : start + MAX_CALL])
            ]
            await asyncio.to_thread(self._sqs.delete_message_batch, QueueUrl=self._url, Entries=entries)


def failures(result: Any, sent: set[str]) -> set[str]:
    """Which messages Lambda keeps on the queue; an answer it cannot read, or an unknown id, keeps all."""
    if result is None or result == {}:
        return set()
    listed = result.get("batchItemFailures") if isinstance(result, dict) else None
    if listed is None:
        return set()
    with contextlib.suppress(TypeError, KeyError):
        failed = {item["itemIdentifier"] for item in listed}
        if failed <= sent:
            return failed
    return set(sent)


def _record(message: Message, queue_arn: str) -> dict[str, Any]:
    attributes = {
        name[0].lower() + name[1:]: {part[0].lower() + part[1:]: value for part, value in attribute.items()}
        if isinstance(attribute, dict)
        else attribute
        for name, attribute in message.get("MessageAttributes", {}).items()
    }
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message.get("Attributes", {}),
        "messageAttributes": attributes,
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": REGION,
    }


async def _pause(stopping: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stopping.wait(), seconds)
