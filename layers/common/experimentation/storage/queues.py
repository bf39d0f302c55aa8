"""SQS queues: how many messages wait, and receiving, sending and deleting them in batches."""

from collections.abc import Sequence
from typing import NamedTuple

from experimentation.domain.errors import UnavailableError
from experimentation.domain.packing import packed
from experimentation.storage.aws import client
from experimentation.storage.aws.failures import translated

SOURCES = {
    "count": "count",
    "archive": "archive",
    "count-subscription": "count",
    "archive-subscription": "archive",
}
"""Dead-letter queue -> the queue that its messages were meant for, as settings.py names them."""

MAX_BATCH = 10  # messages in one call
MAX_BATCH_BYTES = 250_000  # of the 256 KB that one call may carry


class Depth(NamedTuple):
    """Roughly how many messages a queue holds, by SQS's own count."""

    waiting: int
    in_flight: int

    @property
    def total(self) -> int:
        """Return all of them."""
        return self.waiting + self.in_flight


class Received(NamedTuple):
    """A message and the handle that deletes it; `sent_at` in milliseconds."""

    id: str
    handle: str
    body: str
    receive_count: int
    sent_at: int


def depth(url: str) -> Depth:
    """Return how many messages the queue holds; the count trails by up to a minute."""
    with translated():
        answer = client.sqs().get_queue_attributes(
            QueueUrl=url,
            AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
        )
    numbers = answer["Attributes"]
    return Depth(
        int(numbers["ApproximateNumberOfMessages"]), int(numbers["ApproximateNumberOfMessagesNotVisible"])
    )


def receive(url: str, limit: int, hidden_seconds: int, wait_seconds: int = 0) -> list[Received]:
    """Return up to ten messages, hidden from other receivers for that long.

    `hidden_seconds` 0 looks without taking: the message stays visible, its receive count goes up by one.
    """
    with translated():
        answer = client.sqs().receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=min(limit, MAX_BATCH),
            VisibilityTimeout=hidden_seconds,
            WaitTimeSeconds=wait_seconds,
            MessageSystemAttributeNames=["ApproximateReceiveCount", "SentTimestamp"],
        )
    return [
        Received(
            message["MessageId"],
            message["ReceiptHandle"],
            message["Body"],
            int(message["Attributes"]["ApproximateReceiveCount"]),
            int(message["Attributes"]["SentTimestamp"]),
        )
        for message in answer.get("Messages", [])
    ]


def send(url: str, bodies: Sequence[str]) -> set[int]:
    """Send messages; return the positions of those that the queue is known to have."""
    accepted: set[int] = set()
    sized = ((position, len(body.encode())) for position, body in enumerate(bodies))
    for positions in packed(sized, MAX_BATCH_BYTES, MAX_BATCH):
        entries = [{"Id": str(position), "MessageBody": bodies[position]} for position in positions]
        try:
            with translated():
                answer = client.sqs().send_message_batch(QueueUrl=url, Entries=entries)  # type: ignore[arg-type]
        except UnavailableError:
            break
        accepted |= {int(entry["Id"]) for entry in answer.get("Successful", [])}
    return accepted


def delete(url: str, messages: Sequence[Received]) -> None:
    """Delete up to ten messages; one that could not be deleted comes back."""
    if messages:
        entries = [
            {"Id": str(index), "ReceiptHandle": message.handle} for index, message in enumerate(messages)
        ]
        with translated():
            client.sqs().delete_message_batch(QueueUrl=url, Entries=entries)  # type: ignore[arg-type]
