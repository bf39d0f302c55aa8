"""The edge of the workers: a batch from a queue, and the messages of it that Lambda should deliver again.

A message that cannot be read does not reach the work: it is delivered again until it is a dead letter.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from experimentation import telemetry
from experimentation.storage.queue_message import PoisonError

LAST_DELIVERY = 50  # the queues' maxReceiveCount: a message that fails then becomes a dead letter
RESERVED_SHARE = 0.2  # of the function's time, for an attempt in progress to finish


class LambdaContext(Protocol):
    """The part of Lambda's context object that the workers use."""

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until the function is stopped."""
        ...


def time_left(context: LambdaContext) -> Callable[[], bool]:
    """Return a function that tells whether there is time for another attempt."""
    reserve = context.get_remaining_time_in_millis() * RESERVED_SHARE
    return lambda: context.get_remaining_time_in_millis() > reserve


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message of the batch."""

    id: str
    body: str
    times: int = 1
    """How often it was delivered, this time included."""


type Work[Message] = Callable[[dict[str, Message], Callable[[], bool]], set[str]]
"""Messages by id, and whether there is time for another attempt -> ids of those to deliver again."""

type Handler = Callable[[Mapping[str, Any], LambdaContext], dict[str, Any]]


def queue_worker[Message](read: Callable[[str], Message]) -> Callable[[Work[Message]], Handler]:
    """Turn a function into the handler of an event source mapping with ReportBatchItemFailures.

    `read` parses a body, and raises PoisonError for one that is not a message.
    """
    return lambda work: _handler(read, work)


def _handler[Message](read: Callable[[str], Message], work: Work[Message]) -> Handler:
    def handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
        deliveries = [_delivery(record) for record in event["Records"]]
        failed = {delivery.id for delivery in deliveries}  # all of them, if the work raises
        try:
            messages = _messages(read, deliveries)
            poison = failed - messages.keys()
            failed = poison | work(messages, time_left(context))
            telemetry.logger.info("batch", extra={"messages": len(deliveries), "failed": len(failed)})
        finally:
            lost = sum(each.id in failed and each.times >= LAST_DELIVERY for each in deliveries)
            telemetry.count("MessagesDeadLettered", lost)
            telemetry.flush()
        return {"batchItemFailures": [{"itemIdentifier": each} for each in sorted(failed)]}

    return handler


def _messages[Message](read: Callable[[str], Message], deliveries: Sequence[Delivery]) -> dict[str, Message]:
    messages: dict[str, Message] = {}
    for delivery in deliveries:
        try:
            messages[delivery.id] = read(delivery.body)
        except PoisonError:
            telemetry.logger.error("poison message", extra={"message_id": delivery.id})
            telemetry.count("PoisonMessages")
    return messages


def _delivery(record: Mapping[str, Any]) -> Delivery:
    times = int(record.get("attributes", {}).get("ApproximateReceiveCount", 1))
    return Delivery(record["messageId"], record["body"], times)
