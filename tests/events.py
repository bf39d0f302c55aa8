"""Makes events, and the batches of messages that Lambda hands to the workers."""

from collections.abc import Iterable
from typing import Any

from experimentation.domain.counting.event import UNIT, Event
from experimentation.domain.counting.exposure import Exposure

RECEIVED = 1_795_330_800_000  # 2026-11-22T07:00:00Z


def made(event_id: str, **parts: Any) -> Event:
    """Return an event of user u1 that was received at RECEIVED."""
    usual = {"user_id": "u1", "type": "purchase", "at": RECEIVED, "received": RECEIVED, "value": UNIT}
    return Event(**{"event_id": event_id, **usual, **parts})


def exposed(user_id: str = "u1", **parts: Any) -> Exposure:
    """Return an exposure of the user to the control, received at RECEIVED."""
    usual = {"experiment_id": "e", "variant": "control", "at": RECEIVED, "received": RECEIVED}
    return Exposure(**{"user_id": user_id, **usual, **parts})


def batch(bodies: Iterable[str]) -> dict[str, Any]:
    """Return the event of a queue's batch; the messages are called m0, m1, ..."""
    return {
        "Records": [
            {"messageId": f"m{index}", "receiptHandle": f"r{index}", "body": body}
            for index, body in enumerate(bodies)
        ]
    }


def failed(answer: dict[str, Any]) -> set[str]:
    """Return the messages that a worker wants delivered again."""
    return {each["itemIdentifier"] for each in answer["batchItemFailures"]}
