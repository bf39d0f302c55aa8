"""How long events are kept, and since when they are complete after that was raised."""

from typing import NamedTuple

from experimentation.domain.clock import DAY_MS, HOUR_MS

GRACE_DAYS = 30  # kept after the last day it is accepted: a replayed dead letter still meets its duplicate
DEPLOYED_WITHIN_MS = HOUR_MS  # a raise is noted by one function while others still store for fewer days
SHORTEST_DAYS = 1  # the least that the template's RetentionDays may be


class Retention(NamedTuple):
    """How many days back an event may have happened.

    A raise sets the other two: when every function knew of it (milliseconds), and for how many milliseconds
    events were kept until then. What was stored before it expires as it would have: an event of then that
    was accepted for the new number of days could not be told from a new one.
    """

    days: int
    raised_at: int = 0
    kept_ms: int = 0

    def oldest_accepted(self, now: int) -> int:
        """Return the time before which no event is accepted."""
        return self._since(now, 0)

    def kept_from(self, now: int) -> int:
        """Return the time from which every event is stored, and every ledger still is by day."""
        return self._since(now, GRACE_DAYS * DAY_MS)

    def whole_days_from(self, now: int) -> int:
        """Return the first midnight (UTC) from which every event is stored."""
        return -(-self.kept_from(now) // DAY_MS) * DAY_MS

    def _since(self, now: int, grace: int) -> int:
        return max(now - self.days * DAY_MS - grace, min(self.raised_at, now - self.kept_ms - grace))


def changed(retention: Retention, days: int, now: int) -> Retention:
    """Return the retention after the parameter became `days`.

    >>> changed(Retention(90), 7, now=100 * DAY_MS)
    Retention(days=7, raised_at=0, kept_ms=0)
    >>> raised = changed(Retention(7), 90, now=100 * DAY_MS)
    >>> [raised.oldest_accepted(day * DAY_MS) // DAY_MS for day in (100, 101, 107, 108, 190, 191)]
    [93, 94, 100, 100, 100, 101]
    """
    if days <= retention.days:
        return retention._replace(days=days)
    return Retention(days, now + DEPLOYED_WITHIN_MS, now - retention.oldest_accepted(now))
