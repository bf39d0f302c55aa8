"""What is stored of a user beside HEAD: boundaries that were put away, ledgers of their own, events."""

from collections.abc import Iterable, Iterator

from experimentation.domain.counting.event import Event
from experimentation.domain.counting.ledger import Head
from experimentation.domain.counting.user import StoredUser
from experimentation.domain.errors import UnavailableError
from experimentation.storage import events, users
from experimentation.usecases.runtime import Runtime

EVENTS_AT_ONCE = 500
MAX_TRIES = 8


def read_all(user_id: str, head: Head) -> StoredUser:
    """Return the user with PAST and every spilled ledger, which may be of another moment than the head."""
    need = users.Need(user_id, head, frozenset(head.spilled), past=bool(head.past_until))
    return users.read_users([need])[user_id]


def read_user(user_id: str, runtime: Runtime) -> StoredUser:
    """Return the user with PAST, as `read_users` does."""
    return read_users([user_id], frozenset(), runtime)[user_id]


def read_users(user_ids: Iterable[str], types: frozenset[str], runtime: Runtime) -> dict[str, StoredUser]:
    """Return the users with PAST and the spilled ledgers of these types, each as of one moment.

    Of a user who is being erased, only what is left. Raises UnavailableError if a user stays torn.
    """
    settled: dict[str, StoredUser] = {}
    waiting = list(user_ids)
    for _ in runtime.attempts(MAX_TRIES):
        found = _read_once(waiting, types)
        # Torn: a transaction became visible in HEAD and not yet in the other items, or between the reads.
        waiting = [key for key, user in found.items() if user.is_torn() and not user.head.erasing]
        settled |= found  # those who wait are overwritten
        if not waiting:
            return settled
    raise UnavailableError("This user is being changed by too many requests at once; try again.")


def _read_once(user_ids: Iterable[str], types: frozenset[str]) -> dict[str, StoredUser]:
    heads = users.read_heads(user_ids)
    return users.read_users(
        users.Need(user_id, head, types, past=bool(head.past_until)) for user_id, head in heads.items()
    )


def read_events(user_id: str, *, consistent: bool = False) -> Iterator[Event]:
    """Yield the user's events that entered the ledgers."""
    after: str | None = None
    while True:
        page = events.page(user_id, EVENTS_AT_ONCE, after, consistent=consistent)
        yield from page.counted
        after = page.next_event
        if after is None:
            return
