"""TYPES items: every event type ever seen, with the first and the last day.

A list for people: it may lag, but it may neither fail nor delay the counting of events.
"""

from collections.abc import Callable, Iterable
from itertools import islice
from typing import NamedTuple
from zlib import crc32

from botocore.exceptions import ClientError

from experimentation import settings, telemetry
from experimentation.domain.errors import UnavailableError
from experimentation.storage.aws import client
from experimentation.storage.aws.batch_read import read_items
from experimentation.storage.aws.failures import condition_failed, translated
from experimentation.storage.aws.paged_query import in_partition, one_page

PARTITIONS = 8  # of 1,000 writes a second each
MAX_NEW = 50  # types to write after one batch; the others wait for the next
MAX_SEEN = 10_000  # types that an environment remembers


class EventType(NamedTuple):
    """One type; days are UTC day numbers since 1970. Some events of a `partial` one are not counted."""

    name: str
    first_day: int
    last_day: int
    partial: bool = False


class Seen(NamedTuple):
    """An event's type and day, and whether it was counted."""

    name: str
    day: int
    counted: bool = True


class SeenTypes:
    """The types that one environment has written: a type costs a write a day, not one an event."""

    def __init__(self) -> None:
        self._days: dict[str, tuple[int, int]] = {}
        self._partial: set[str] = set()
        self._waiting: dict[Seen, None] = {}

    def note(self, seen: Iterable[Seen], has_time: Callable[[], bool]) -> None:
        """Widen the stored days of the types, as far as the time allows.

        Types without time left, or that the store refuses, wait for the next batch.
        """
        waiting = self._waiting | dict.fromkeys(seen)
        written = 0
        try:
            for each in list(waiting):
                if written >= MAX_NEW or not has_time():
                    break
                written += self._noted(each)
                del waiting[each]
        except UnavailableError:
            telemetry.logger.warning("event types wait for the next batch", exc_info=True)
        self._waiting = dict(islice(waiting.items(), MAX_SEEN))

    def _noted(self, seen: Seen) -> bool:
        """Write what is new; tell whether anything was."""
        name, day, counted = seen
        first, last = self._days.get(name, (day + 1, day - 1))
        is_new = not first <= day <= last
        if day < first:
            _widen(name, "first_day", "first_day > :day", day)
        if day > last:
            _widen(name, "last_day", "last_day < :day", day)
        if len(self._days) >= MAX_SEEN:
            self._days.clear()
        self._days[name] = (min(first, day), max(last, day))
        if counted or name in self._partial:
            return is_new
        _mark_partial(name)
        if len(self._partial) >= MAX_SEEN:
            self._partial.clear()
        self._partial.add(name)
        return True


def page(limit: int, after: str | None = None) -> tuple[list[EventType], str | None]:
    """Return up to `limit` types by name, and the name to go on after."""
    found: list[EventType] = []
    for partition in range(PARTITIONS):
        found += _some(partition, limit + 1, after)
    found.sort()
    return found[:limit], found[limit - 1].name if len(found) > limit else None


def partial_among(names: Iterable[str]) -> frozenset[str]:
    """Return those of the types with events that are not counted."""
    items = read_items(_key(name) for name in dict.fromkeys(names))
    return frozenset(item["SK"]["S"] for item in items if "partial" in item)


def _some(partition: int, limit: int, after: str | None) -> list[EventType]:
    query = in_partition(settings.data_table(), f"TYPES#{partition}", consistent=False)
    items, _ = one_page(query, limit, after)
    return [
        EventType(item["SK"]["S"], int(item["first_day"]["N"]), int(item["last_day"]["N"]), "partial" in item)
        for item in items
        if "first_day" in item and "last_day" in item
    ]


def _widen(name: str, attribute: str, condition: str, day: int) -> None:
    with translated():
        try:
            client.dynamodb().update_item(
                TableName=settings.data_table(),
                Key=_key(name),
                UpdateExpression=f"SET {attribute} = :day",
                ConditionExpression=f"attribute_not_exists({attribute}) OR {condition}",
                ExpressionAttributeValues={":day": {"N": str(day)}},
            )
        except ClientError as error:
            if not condition_failed(error):
                raise


def _mark_partial(name: str) -> None:
    with translated():
        client.dynamodb().update_item(
            TableName=settings.data_table(),
            Key=_key(name),
            UpdateExpression="SET #partial = :true",
            ExpressionAttributeNames={"#partial": "partial"},
            ExpressionAttributeValues={":true": {"BOOL": True}},
        )


def _key(name: str) -> dict[str, dict[str, str]]:
    return {"PK": {"S": f"TYPES#{crc32(name.encode()) % PARTITIONS}"}, "SK": {"S": name}}
