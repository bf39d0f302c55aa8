"""Planning one transaction for as many events of a few users as fit it."""

from collections.abc import Iterable, Mapping, Sequence

from experimentation.domain.counting.compaction import compact
from experimentation.domain.counting.event import Event
from experimentation.domain.counting.recording import record
from experimentation.domain.counting.user import StoredUser, changed
from experimentation.domain.counting.writes import MAX_ACTIONS, Transaction, Uncounted, parts
from experimentation.domain.experiment import Experiment

MAX_TYPES = 200  # of one user, so that HEAD, which names them all, stays small


def by_user(events: Iterable[Event]) -> dict[str, list[Event]]:
    """Return the events of each user, in the order in which they came."""
    found: dict[str, list[Event]] = {}
    for event in events:
        found.setdefault(event.user_id, []).append(event)
    return found


def batch(
    events: Iterable[Event],
    users: Mapping[str, StoredUser],
    experiments: Mapping[str, Experiment],
    keep_after: int,
    compact_before: int,
) -> Transaction:
    """Return one transaction that records as many of the events as fit it, at least those of one user.

    Experiments that ended before `keep_after` are put away, cells older than `compact_before` are merged.
    """
    planned = Transaction()
    for user_id, user_events in by_user(events).items():
        one = recorded(users[user_id], user_events, experiments, keep_after, compact_before)
        joined = planned.joined(one)
        # The first user that does not fit ends it, and comes first in the next transaction.
        if planned.writes and not joined.fits():
            break
        planned = joined
    return planned


def recorded(
    user: StoredUser,
    events: Sequence[Event],
    experiments: Mapping[str, Experiment],
    keep_after: int,
    compact_before: int,
) -> Transaction:
    """Return the writes of one user's events, or of the first of them where not all fit one transaction.

    Events of more than MAX_TYPES types, and one that fits no transaction, are stored without being counted.
    """
    counted, uncounted = _by_room(user, events)
    apart = Transaction(tuple(map(Uncounted, uncounted)))
    if not counted:
        return apart
    one = _recorded(user, counted, experiments, keep_after, compact_before)
    joined = one.joined(apart)
    # Uncounted events that do not fit stay on the caller's list, for the next transaction.
    return joined if joined.fits() else one


def _by_room(user: StoredUser, events: Sequence[Event]) -> tuple[list[Event], list[Event]]:
    """Return the events of types for which the user has a ledger, or may have another, and the others."""
    types = {*user.head.ledgers, *user.head.spilled}
    counted: list[Event] = []
    uncounted: list[Event] = []
    for event in events:
        if event.type in types or len(types) < MAX_TYPES:
            types.add(event.type)
            counted.append(event)
        else:
            uncounted.append(event)
    return counted, uncounted


def _recorded(
    user: StoredUser,
    events: Sequence[Event],
    experiments: Mapping[str, Experiment],
    keep_after: int,
    compact_before: int,
) -> Transaction:
    while True:
        types = {event.type for event in events}
        after, adds = record(user.ledger, experiments, events, keep_after)
        after = compact(after, types, compact_before)
        # Ledgers leave HEAD as far as the events and their counters leave actions for it.
        room = MAX_ACTIONS - parts(adds) - len(events)
        transaction = Transaction((*changed(user, after, types, room), *events), adds)
        if transaction.fits():
            return transaction
        if len(events) == 1:
            return Transaction((Uncounted(events[0]),))
        # How many fit depends on the days that the user was active: halving finds it in a few steps.
        events = events[: len(events) // 2]
