"""EVENT items: the record of an event, and the proof that it was counted."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from experimentation import settings
from experimentation.domain.counting.event import Event
from experimentation.domain.counting.retention import GRACE_DAYS
from experimentation.storage.aws.paged_query import in_partition, one_page
from experimentation.storage.aws.transactions import put_new

if TYPE_CHECKING:
    from experimentation.storage.aws.transactions import Action, Item

DAY_SECONDS = 86_400
PARALLEL = 8
PREFIX = "EVENT#"


class EventPage(NamedTuple):
    """Some of a user's events by event id; the next page starts after the id `next_event`.

    `counted` are those that entered the user's ledgers.
    """

    events: list[Event]
    next_event: str | None
    counted: list[Event]


def put(event: Event, *, counted: bool = True) -> "Action":
    """Return the write of a new event; one that is not counted is marked so."""
    item: Item = {
        **_key(event.user_id, event.event_id),
        "type": {"S": event.type},
        "at": {"N": str(event.at)},
        "received": {"N": str(event.received)},
        "value": {"N": str(event.value)},
        "properties": {"S": event.properties},
        # Longer than events are accepted: the item must outlive the last duplicate that it has to refuse.
        "expires_at": {"N": str(event.received // 1000 + _kept_seconds())},
    }
    if not counted:
        item["uncounted"] = {"BOOL": True}
    return put_new(item)


def page(user_id: str, limit: int, after_event: str | None = None, *, consistent: bool = False) -> EventPage:
    """Return up to `limit` of a user's stored events."""
    query = in_partition(settings.data_table(), f"USER#{user_id}", PREFIX, consistent=consistent)
    items, next_event = one_page(query, limit, after_event, PREFIX)
    events = [_event(item) for item in items]
    counted = [event for event, item in zip(events, items, strict=True) if "uncounted" not in item]
    return EventPage(events, next_event, counted)


def of_users(user_ids: Iterable[str], most: int) -> dict[str, list[Event] | None]:
    """Return all stored events of each user, read consistently; None for more than `most`."""
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - counting reads no events

    names = list(user_ids)
    with ThreadPoolExecutor(PARALLEL) as pool:
        return dict(zip(names, pool.map(lambda name: _all(name, most), names), strict=True))


def _all(user_id: str, most: int) -> list[Event] | None:
    found: list[Event] = []
    after: str | None = None
    while True:
        # One more than allowed, to tell that there are too many.
        _, after, counted = page(user_id, most + 1, after, consistent=True)
        found += counted
        if len(found) > most:
            return None
        if after is None:
            return found


def _event(item: "Item") -> Event:
    return Event(
        item["PK"]["S"].removeprefix("USER#"),
        item["SK"]["S"].removeprefix(PREFIX),
        item["type"]["S"],
        int(item["at"]["N"]),
        int(item["received"]["N"]),
        int(item["value"]["N"]),
        item["properties"]["S"],
    )


def _key(user_id: str, event_id: str) -> "Item":
    return {"PK": {"S": f"USER#{user_id}"}, "SK": {"S": PREFIX + event_id}}


def _kept_seconds() -> int:
    return (settings.retention_days() + GRACE_DAYS) * DAY_SECONDS
