"""Enrolling users at times that may lie before their events: what is read for it, and what is planned."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from experimentation.domain.counting.enrolling import Enrolment, covariate_types
from experimentation.domain.counting.event import Event
from experimentation.domain.counting.late import TornEventsError
from experimentation.domain.counting.ledger import Head
from experimentation.domain.counting.placing import Placed, Times, may_fit, place
from experimentation.domain.counting.user import StoredUser
from experimentation.domain.experiment import Experiment
from experimentation.storage import events, users
from experimentation.usecases.runtime import Runtime

MAX_EVENTS = 5_000  # of one user, to be replayed
MAX_LATE = 20  # users whose events are read and replayed at once,
MAX_REPLAYED = 10_000  # and who have so many together: four seconds of a function of 512 MB
SPILLED_EVENTS = 1_000  # taken for a ledger that is apart, of which HEAD tells no number


class Loaded(NamedTuple):
    """The users, the events of those who have some since, and the experiments they are in."""

    users: Mapping[str, StoredUser]
    events: Mapping[str, list[Event] | None]
    experiments: Mapping[str, Experiment]


def load(wanted: Mapping[str, Enrolment], heads: Mapping[str, Head], runtime: Runtime) -> Loaded:
    """Read the ledgers that are looked into, the events to replay, and then the experiments."""
    late = {user_id for user_id, each in wanted.items() if is_late(each, heads[user_id])}
    found = users.read_users(
        users.Need(
            user_id,
            heads[user_id],
            frozenset(heads[user_id].spilled) if user_id in late else covariate_types([each.experiment]),
            past=bool(heads[user_id].past_until),
        )
        for user_id, each in wanted.items()
    )
    # After the heads: an event that is recorded in between changes the head, and the write is refused.
    fitting = sorted(user_id for user_id in late if may_fit(found[user_id], wanted[user_id]))
    replayed = events.of_users(fitting, MAX_EVENTS) if fitting else {}
    living = dict.fromkeys(name for user_id in wanted for name in heads[user_id].living())
    return Loaded(found, replayed, runtime.experiments.read_many(living, runtime.clock()))


def in_turn(wanted: Mapping[str, Enrolment], heads: Mapping[str, Head]) -> Iterator[Mapping[str, Enrolment]]:
    """Yield the users whose events are not needed, and then the others, a few at a time."""
    late = {user_id: heads[user_id] for user_id, each in wanted.items() if is_late(each, heads[user_id])}
    if prompt := {user_id: each for user_id, each in wanted.items() if user_id not in late}:
        yield prompt
    for some in turns(late):
        yield {user_id: wanted[user_id] for user_id in some}


def turns(late: Mapping[str, Head]) -> Iterator[list[str]]:
    """Yield the users a few at a time: the events of some can be replayed within a function's time."""
    some: list[str] = []
    replayed = 0
    for user_id, head in late.items():
        counted = sum(count for cells in head.ledgers.values() for count, _ in cells.values())
        most = min(counted + SPILLED_EVENTS * len(head.spilled), MAX_EVENTS)
        if some and (len(some) == MAX_LATE or replayed + most > MAX_REPLAYED):
            yield some
            some, replayed = [], 0
        some.append(user_id)
        replayed += most
    if some:
        yield some


def plan(wanted: Mapping[str, Enrolment], loaded: Loaded, times: Times) -> dict[str, Placed]:
    """Return what becomes of each user's enrolment; torn reads, and who is being erased, are left out."""
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


def is_late(wanted: Enrolment, head: Head) -> bool:
    """Tell whether events are recorded since, so that all of the user's are needed."""
    return (wanted.at or 0) <= head.last and head.assignment(wanted.experiment.id) is None
