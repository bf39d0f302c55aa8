"""Enrolling users at times that may lie before their events: what is read, and what is planned."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from experimentation.domain.counting.enrolling import Enrolment, covariate_types
from experimentation.domain.counting.event import Event
from experimentation.domain.counting.late import TornEventsError
from experimentation.domain.counting.ledger import Head
from experimentation.domain.counting.placing import Placed, Times, may_fit, place
from experimentation.domain.counting.user import StoredUser
from experimentation.domain.experiment import Experiment
from experimentation.domain.packing import packed
from experimentation.storage import events, users
from experimentation.usecases.runtime import Runtime

MAX_EVENTS = 5_000  # of one user, to be replayed
MAX_LATE = 20  # users whose events are read and replayed at once,
MAX_REPLAYED = 10_000  # and who have so many together: four seconds of a function of 512 MB
SPILLED_EVENTS = 1_000  # assumed for a ledger that is apart: HEAD does not tell its number


class Loaded(NamedTuple):
    """The users, the events of those who have some since, and the experiments they are in."""

    users: Mapping[str, StoredUser]
    events: Mapping[str, list[Event] | None]
    experiments: Mapping[str, Experiment]


def load(wanted: Mapping[str, Enrolment], heads: Mapping[str, Head], runtime: Runtime) -> Loaded:
    """Read the ledgers that are looked into, the events to replay, and then the experiments."""
    stored = users.read_users(_need(user_id, each, heads[user_id]) for user_id, each in wanted.items())
    # After the heads: an event that is recorded in between changes the head, and the write is refused.
    late = sorted(_late(wanted, heads))
    fitting = [user_id for user_id in late if may_fit(stored[user_id], wanted[user_id])]
    replayed = events.of_users(fitting, MAX_EVENTS) if fitting else {}
    living = dict.fromkeys(name for user_id in wanted for name in heads[user_id].living())
    return Loaded(stored, replayed, runtime.experiments.read_many(living, runtime.clock()))


def _need(user_id: str, wanted: Enrolment, head: Head) -> users.Need:
    types = frozenset(head.spilled) if _is_late(wanted, head) else covariate_types([wanted.experiment])
    return users.Need(user_id, head, types, past=bool(head.past_until))


def in_turn(wanted: Mapping[str, Enrolment], heads: Mapping[str, Head]) -> Iterator[Mapping[str, Enrolment]]:
    """Yield the users whose events are not needed, and then the late ones, a turn at a time."""
    late = _late(wanted, heads)
    prompt = {user_id: each for user_id, each in wanted.items() if user_id not in late}
    if prompt:
        yield prompt
    for turn in _turns(late):
        yield {user_id: wanted[user_id] for user_id in turn}


def first_turn(wanted: Mapping[str, Enrolment], heads: Mapping[str, Head]) -> dict[str, Enrolment]:
    """Return the users whose events are not needed, and the first turn of the late ones."""
    late = _late(wanted, heads)
    postponed = late.keys() - next(_turns(late), [])
    return {user_id: each for user_id, each in wanted.items() if user_id not in postponed}


def _late(wanted: Mapping[str, Enrolment], heads: Mapping[str, Head]) -> dict[str, Head]:
    """Return the heads of the users who have events since their enrolment: all their events are needed."""
    return {user_id: heads[user_id] for user_id, each in wanted.items() if _is_late(each, heads[user_id])}


def _is_late(wanted: Enrolment, head: Head) -> bool:
    return (wanted.at or 0) <= head.last and head.assignment(wanted.experiment.id) is None


def _turns(late: Mapping[str, Head]) -> Iterator[list[str]]:
    """Yield the users in turns whose events can be replayed within a function's time."""
    return packed(((user_id, _most_events(head)) for user_id, head in late.items()), MAX_REPLAYED, MAX_LATE)


def _most_events(head: Head) -> int:
    counted = sum(count for cells in head.ledgers.values() for count, _ in cells.values())
    return min(counted + SPILLED_EVENTS * len(head.spilled), MAX_EVENTS)


def plan(wanted: Mapping[str, Enrolment], loaded: Loaded, times: Times) -> dict[str, Placed]:
    """Return each user's placement; users whose reads are torn, or who are being erased, are left out."""
    planned: dict[str, Placed] = {}
    for user_id, each in wanted.items():
        user = loaded.users[user_id]
        if user.is_torn() or user.head.erasing:
            continue
        try:
            planned[user_id] = place(user, each, loaded.experiments, loaded.events.get(user_id), times)
        except TornEventsError:
            continue
    return planned
