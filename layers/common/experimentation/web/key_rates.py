"""Rate limits of API keys: a token bucket in each execution environment, without a read or write."""

from collections import OrderedDict
from typing import NamedTuple

from experimentation.domain.errors import TooManyRequestsError

BURST_SECONDS = 10
MAX_BUCKETS = 1_000


class _Bucket(NamedTuple):
    tokens: float
    filled_at: int


_buckets: OrderedDict[str, _Bucket] = OrderedDict()


def take(key_id: str, rate: int, now: int) -> None:
    """Count one request; TooManyRequestsError above `rate` a minute, after a burst of 10 s' worth."""
    capacity = max(1.0, rate * BURST_SECONDS / 60)
    bucket = _buckets.pop(key_id, None) or _Bucket(capacity, now)
    # A clock that is set back must not take tokens away.
    filled = bucket.tokens + max(0, now - bucket.filled_at) * rate / 60_000
    tokens = min(capacity, filled)
    is_allowed = tokens >= 1
    _buckets[key_id] = _Bucket(tokens - is_allowed, max(now, bucket.filled_at))
    if len(_buckets) > MAX_BUCKETS:
        _buckets.popitem(last=False)
    if not is_allowed:
        raise TooManyRequestsError("This API key calls too often.", int((1 - tokens) * 60 / rate) + 1)


def forget() -> None:
    """Start with full buckets."""
    _buckets.clear()
