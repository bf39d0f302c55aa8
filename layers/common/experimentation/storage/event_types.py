"""TYPES items: every event type ever seen, with the first and the last day."""

from typing import NamedTuple

from botocore.exceptions import ClientError

from experimentation import settings
from experimentation.storage.aws import client
from experimentation.storage.aws.failures import condition_failed, translated

PARTITION = {"S": "TYPES"}


class EventType(NamedTuple):
    """One type; days are UTC day numbers since 1970."""

    name: str
    first_day: int
    last_day: int


class SeenTypes:
    """What one environment knows to be written: a type costs a write a day, not one an event."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[int, int]] = {}

    def note(self, name: str, day: int) -> None:
        """Widen the stored days of a type where this one is outside what is known."""
        first, last = self._seen.get(name, (day + 1, day - 1))
        if day < first:
            _widen(name, "first_day", "first_day > :day", day)
        if day > last:
            _widen(name, "last_day", "last_day < :day", day)
        self._seen[name] = (min(first, day), max(last, day))


def page(limit: int, after: str | None = None) -> tuple[list[EventType], str | None]:
    """Return up to `limit` types by name, and the name to go on after."""
    start = {} if after is None else {"ExclusiveStartKey": {"PK": PARTITION, "SK": {"S": after}}}
    with translated():
        answer = client.dynamodb().query(
            TableName=settings.data_table(),
            KeyConditionExpression="PK = :types",
            ExpressionAttributeValues={":types": PARTITION},
            Limit=limit,
            **start,  # type: ignore[arg-type]
        )
    found = [
        EventType(item["SK"]["S"], int(item["first_day"]["N"]), int(item["last_day"]["N"]))
        for item in answer["Items"]
        if "first_day" in item and "last_day" in item
    ]
    last = answer.get("LastEvaluatedKey")
    return found, last["SK"]["S"] if last else None


def _widen(name: str, attribute: str, condition: str, day: int) -> None:
    with translated():
        try:
            client.dynamodb().update_item(
                TableName=settings.data_table(),
                Key={"PK": PARTITION, "SK": {"S": name}},
                UpdateExpression=f"SET {attribute} = :day",
                ConditionExpression=f"attribute_not_exists({attribute}) OR {condition}",
                ExpressionAttributeValues={":day": {"N": str(day)}},
            )
        except ClientError as error:
            if not condition_failed(error):
                raise
