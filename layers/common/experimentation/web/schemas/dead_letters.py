"""Dead letters: the messages in the dead-letter queues, and what a replay moved."""

from typing import Annotated, Literal

from pydantic import Field

from experimentation.web.schemas.model import RequestModel, ResponseModel

QueueName = Literal["count", "archive", "count-subscription", "archive-subscription"]


class ReplayRequest(RequestModel):
    """What to replay: everything by default, as far as the time of one call allows."""

    queue: QueueName | None = Field(None, description="One dead-letter queue; all of them by default.")
    max_messages: Annotated[int, Field(ge=1, le=100_000)] | None = Field(
        None, description="At most so many messages in this call."
    )


class DeadLetter(ResponseModel):
    """One message, without what says whom it is about; the numbers are null when nobody can read it."""

    message_id: str
    sent_at: str
    receive_count: int = Field(description="Goes up by one with every look; it decides nothing here.")
    bytes: int
    events: int | None = Field(description="How many events it carries.")
    exposures: int | None = Field(description="How many exposures it carries.")
    types: list[str]


class DeadLetterQueue(ResponseModel):
    """One dead-letter queue."""

    queue: QueueName
    waiting: int = Field(description="Roughly, by SQS's own count.")
    in_flight: int = Field(description="Hidden for the moment, by a replay for example.")
    oldest_age_seconds: int | None = Field(
        description="Of the oldest message in the sample: the queue's own when the sample is the whole queue."
    )
    sample: list[DeadLetter]


class DeadLettersReport(ResponseModel):
    """All dead-letter queues."""

    queues: list[DeadLetterQueue]


class ReplayedQueue(ResponseModel):
    """What one call moved back; `drained` says that no message was left to receive."""

    queue: QueueName
    moved: int
    left: int = Field(description="Roughly, by SQS's own count, which trails by up to a minute.")
    drained: bool


class ReplayReport(ResponseModel):
    """What one call moved back to the queues; call again while something is left."""

    moved: int
    left: int
    queues: list[ReplayedQueue]
