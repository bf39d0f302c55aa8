"""For how long events are kept, and since when they are complete although that was once shorter."""

from typing import NamedTuple

from experimentation.domain.clock import DAY_MS

GRACE_DAYS = 30  # kept on after an event is too old to be sent: a replay of a dead letter still meets it


class Retention(NamedTuple):
    """How many days back an event may have happened; `complete_from` (milliseconds) moves with a raise only.

    What is older than `complete_from` was counted under fewer days: its events have expired or will before
    their time, so one that is sent again could not be told from a new one.
    """

    days: int
    complete_from: int = 0

    def oldest_accepted(self, now: int) -> int:
        """Return the time before which no event is accepted."""
        return max(now - self.days * DAY_MS, self.complete_from)

    def kept_from(self, now: int) -> int:
        """Return the time from which every event is stored, and every ledger still is by day."""
        return self.oldest_accepted(now) - GRACE_DAYS * DAY_MS


def changed(retention: Retention, days: int, now: int) -> Retention:
    """Return the retention after the parameter became `days`.

    >>> changed(Retention(90), 7, now=100 * DAY_MS)
    Retention(days=7, complete_from=0)
    >>> changed(Retention(7), 90, now=100 * DAY_MS).complete_from // DAY_MS
    93
    """
    if days <= retention.days:
        return Retention(days, retention.complete_from)
    return Retention(days, retention.oldest_accepted(now))
