"""EVENT items: the record of an event, and the proof that it was counted."""

from typing import TYPE_CHECKING, Any, NamedTuple

from experimentation import settings
from experimentation.domain.counting.event import Event
from experimentation.storage.aws import client
from experimentation.storage.aws.failures import translated
from experimentation.storage.aws.transactions import put_new

if TYPE_CHECKING:
    from experimentation.storage.aws.transactions import Action, Item

GRACE_DAYS = 30  # a replay from a dead-letter queue (14 days) still meets the item
DAY_SECONDS = 86_400


class EventPage(NamedTuple):
    """Some of a user's events by event id; `next_key` is the sort key to go on after."""

    events: list[Event]
    next_key: str | None


def put(event: Event) -> "Action":
    """Return the write of an event that is not there yet."""
    item: Item = {
        "PK": {"S": f"USER#{event.user_id}"},
        "SK": {"S": f"EVENT#{event.event_id}"},
        "type": {"S": event.type},
        "at": {"N": str(event.at)},
        "received": {"N": str(event.received)},
        "value": {"N": str(event.value)},
        "properties": {"S": event.properties},
        "expires_at": {"N": str(event.received // 1000 + _kept_seconds())},
    }
    return put_new(item)


def page(user_id: str, limit: int, after: str | None = None) -> EventPage:
    """Return up to `limit` of a user's stored events."""
    start: dict[str, Any] = {} if after is None else {"ExclusiveStartKey": _key(user_id, after)}
    with translated():
        answer = client.dynamodb().query(
            TableName=settings.data_table(),
            KeyConditionExpression="PK = :pk AND begins_with(SK, :prefix)",
            ExpressionAttributeValues={":pk": {"S": f"USER#{user_id}"}, ":prefix": {"S": "EVENT#"}},
            Limit=limit,
            **start,
        )
    last = answer.get("LastEvaluatedKey")
    return EventPage([_event(item) for item in answer["Items"]], last["SK"]["S"] if last else None)


def _event(item: "Item") -> Event:
    return Event(
        item["PK"]["S"].removeprefix("USER#"),
        item["SK"]["S"].removeprefix("EVENT#"),
        item["type"]["S"],
        int(item["at"]["N"]),
        int(item["received"]["N"]),
        int(item["value"]["N"]),
        item["properties"]["S"],
    )


def _key(user_id: str, sort_key: str) -> "Item":
    return {"PK": {"S": f"USER#{user_id}"}, "SK": {"S": sort_key}}


def _kept_seconds() -> int:
    return (settings.retention_days() + GRACE_DAYS) * DAY_SECONDS
