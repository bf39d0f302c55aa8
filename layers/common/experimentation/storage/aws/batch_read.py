"""Reading many items by their keys, consistently, however many DynamoDB gives at a time."""

from collections.abc import Iterable

from experimentation import settings
from experimentation.domain.errors import UnavailableError
from experimentation.storage.aws import client, pauses
from experimentation.storage.aws.failures import translated
from experimentation.storage.aws.transactions import Item

MAX_TRIES = 8
BATCH_GET_LIMIT = 100


def read_items(wanted: Iterable[Item]) -> list[Item]:
    """Return those of the items that exist; UnavailableError when DynamoDB keeps leaving some out."""
    table, keys = settings.data_table(), list(wanted)
    items: list[Item] = []
    fruitless = 0
    while keys:
        with translated():
            answer = client.dynamodb().batch_get_item(
                RequestItems={table: {"Keys": keys[:BATCH_GET_LIMIT], "ConsistentRead": True}}
            )
        items += answer["Responses"].get(table, [])
        # Left out is what an answer of 16 MB has no room for, and what is throttled.
        unread = answer.get("UnprocessedKeys", {}).get(table, {"Keys": []})["Keys"]
        keys = [dict(key) for key in unread] + keys[BATCH_GET_LIMIT:]
        if unread:
            fruitless += 1
            if fruitless == MAX_TRIES:
                raise UnavailableError("The store is busy; try again.")
            pauses.pause(fruitless)
    return items
