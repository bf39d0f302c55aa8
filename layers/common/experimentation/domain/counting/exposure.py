"""An exposure: a client that decided by itself tells that a user met a variant."""

from typing import NamedTuple


class Exposure(NamedTuple):
    """An accepted exposure: `at` is when it happened, never later than `received`; `context` is JSON text."""

    experiment_id: str
    user_id: str
    variant: str
    at: int
    received: int
    context: str = "{}"
