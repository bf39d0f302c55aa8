"""Every EVENT item, by a parallel scan of the whole table: for operators, never for a request."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from experimentation import settings
from experimentation.storage.aws import client
from experimentation.storage.aws.failures import translated
from experimentation.storage.events import PREFIX


class StoredEvent(NamedTuple):
    """What identifies a stored event, and when it was received in milliseconds."""

    user_id: str
    event_id: str
    received: int


def scan(segment: int, segments: int) -> Iterator[StoredEvent]:
    """Yield the events of one of the table's segments; no index lists them, because no request needs it."""
    start: dict[str, Any] = {}
    while True:
        with translated():
            answer = client.dynamodb().scan(
                TableName=settings.data_table(),
                Segment=segment,
                TotalSegments=segments,
                FilterExpression="begins_with(SK, :event)",
                ExpressionAttributeValues={":event": {"S": PREFIX}},
                ProjectionExpression="PK, SK, received",
                **start,
            )
        for item in answer["Items"]:
            yield StoredEvent(
                item["PK"]["S"].removeprefix("USER#"),
                item["SK"]["S"].removeprefix(PREFIX),
                int(item["received"]["N"]),
            )
        if "LastEvaluatedKey" not in answer:
            return
        start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
