"""Waiting before a further attempt of something that failed for a transient reason."""

import time
from random import Random, SystemRandom

FIRST_SECONDS = 0.02
LONGEST_SECONDS = 2.0
SETTLING_SECONDS = 0.1
_rng = SystemRandom()  # environments restored from one snapshot would share the state of any other


def pause(attempt: int) -> None:
    """Wait before a further attempt; nothing before the first."""
    if attempt:
        time.sleep(backoff_seconds(attempt, _rng))


def settle() -> None:
    """Wait until a transaction that was half visible is so no more: DynamoDB takes milliseconds."""
    time.sleep(SETTLING_SECONDS)


def backoff_seconds(attempt: int, rng: Random) -> float:
    """Return how long to wait before attempt `attempt`, counted from 0: full jitter, doubled each time."""
    return rng.uniform(0, min(FIRST_SECONDS * 2**attempt, LONGEST_SECONDS))
