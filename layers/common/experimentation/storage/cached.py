"""Values that an execution environment caches for a bounded time."""

from collections import OrderedDict
from collections.abc import Callable, Iterable

from experimentation.domain.errors import UnavailableError

MOST = 1_000


class Cached[Key, Value]:
    """Values by key, none used beyond `max_age_ms`; above 1,000 the least recently used go.

    `now` is the caller's time before the read, so an age is never underestimated; a clock that is set back
    makes a value stale.
    """

    def __init__(self, max_age_ms: int) -> None:
        self._max_age_ms = max_age_ms
        self._values: OrderedDict[Key, tuple[int, Value]] = OrderedDict()

    def fresh(self, key: Key, now: int, max_age_ms: int | None = None) -> Value | None:
        """Return the value if it is cached and not too old, else None."""
        read_at, value = self._values.get(key, (None, None))
        limit = self._max_age_ms if max_age_ms is None else max_age_ms
        if read_at is None or not 0 <= now - read_at < limit:
            return None
        self._values.move_to_end(key)
        return value

    def fresh_among(self, keys: Iterable[Key], now: int) -> dict[Key, Value]:
        """Return the values of those keys that are cached and not too old."""
        return {key: known for key in keys if (known := self.fresh(key, now)) is not None}

    def last(self, key: Key) -> Value | None:
        """Return the cached value, however old, else None."""
        return self._values.get(key, (0, None))[1]

    def read(self, key: Key, now: int, reading: Callable[[], Value], max_age_ms: int | None = None) -> Value:
        """Return the fresh value, else read it; while the store does not answer, return the last value."""
        fresh = self.fresh(key, now, max_age_ms)
        if fresh is not None:
            return fresh
        try:
            return self.keep(key, now, reading())
        except UnavailableError:
            last = self.last(key)
            if last is None:
                raise
            return last

    def keep(self, key: Key, now: int, value: Value) -> Value:
        """Cache a value that was read at `now`, and return it."""
        self._values[key] = (now, value)
        self._values.move_to_end(key)
        if len(self._values) > MOST:
            self._values.popitem(last=False)
        return value

    def change(self, key: Key, changed: Callable[[Value], Value]) -> None:
        """Replace a cached value without making it younger."""
        if key in self._values:
            read_at, value = self._values[key]
            self._values[key] = (read_at, changed(value))

    def drop(self, key: Key) -> None:
        """Forget one key."""
        self._values.pop(key, None)

    def clear(self) -> None:
        """Forget everything."""
        self._values.clear()
