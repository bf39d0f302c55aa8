"""What DynamoDB answers when it cancels a transaction, for one or more of its calls."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from experimentation.storage.aws import client
from tests.wire import answering

type Reasons = Callable[[list[Any]], list[str]]
"""The actions of a transaction -> a reason for each."""


@contextmanager
def cancelling(reasons: Reasons, times: int = 1) -> Iterator[list[list[Any]]]:
    """Cancel the next transactions that have a reason; gives the actions of every one that is sent."""
    seen: list[list[Any]] = []
    left = times
    body = bytearray()

    def when(request: Any) -> bool:
        nonlocal left
        actions = json.loads(request.body)["TransactItems"]
        seen.append(actions)
        found = reasons(actions)
        if not left or set(found) <= {"None"}:
            return False
        left -= 1
        body[:] = json.dumps(
            {
                "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
                "CancellationReasons": [{"Code": reason} for reason in found],
            }
        ).encode()
        return True

    with answering(client.dynamodb(), "TransactWriteItems", body, 400, when):
        yield seen


def conflict_on(text: str) -> Reasons:
    """Return reasons that blame a conflict on every action that has this text in it."""
    return lambda actions: ["TransactionConflict" if text in json.dumps(a) else "None" for a in actions]


def keys_of(actions: list[Any]) -> list[str]:
    """Return partition and sort key of each action."""
    found = []
    for action in actions:
        (body,) = action.values()
        key = body.get("Key", body.get("Item"))
        found.append(f"{key['PK']['S']} {key['SK']['S']}")
    return found
