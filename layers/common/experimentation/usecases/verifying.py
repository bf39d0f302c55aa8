"""Verifying an experiment: events against ledgers, ledgers and assignments against the counters."""

from collections.abc import Iterator
from typing import NamedTuple

from experimentation import settings
from experimentation.domain.clock import DAY_MS, day_number
from experimentation.domain.counting.event import Event
from experimentation.domain.counting.ledger import Cells
from experimentation.domain.counting.recount import (
    Canonical,
    User,
    canonical_enrolment,
    canonical_rollup,
    expected_counters,
    expected_ledgers,
    stored_ledgers,
)
from experimentation.domain.counting.windows import add_counters
from experimentation.domain.errors import ConflictError
from experimentation.domain.experiment import Experiment
from experimentation.storage import assignments, events, experiments, rollups, users

PAGE = 500


class Difference(NamedTuple):
    """One counter that is not what it must be."""

    name: str
    expected: int
    stored: int


def differences(experiment_id: str, now: int) -> list[Difference]:
    """Return what differs in two readings alike: what traffic changes between them is no difference.

    ConflictError for an experiment that ended so long ago that its users' ledgers are kept by day no more.
    """
    experiment = experiments.read(experiment_id, consistent=True)
    kept_days = settings.retention_days() + events.GRACE_DAYS
    if experiment.ended_at is not None and experiment.ended_at < now - kept_days * DAY_MS:
        raise ConflictError(f"the experiment ended more than {kept_days} days ago and cannot be verified")
    first = set(_differences(experiment, now))
    if not first:
        return []
    return sorted(first & set(_differences(experiments.read(experiment_id, consistent=True), now)))


def _differences(experiment: Experiment, now: int) -> list[Difference]:
    kept_from = day_number(now) - settings.retention_days()
    expected: Canonical = {}
    found: list[Difference] = []
    for user_id, variant in _assigned(experiment.id):
        user = _user(user_id)
        add_counters(expected, expected_counters(experiment, user, kept_from))
        ledgers = expected_ledgers(user, kept_from), stored_ledgers(user, kept_from)
        found += _compared(*ledgers, f"user {user_id}: ")
        boundary = user.head.assignment(experiment.id)
        if boundary is not None and boundary.variant != variant:
            found.append(Difference(f"user {user_id}: variant {variant}, head {boundary.variant}", 1, 0))
    return found + _compared(expected, _stored(experiment, kept_from), "")


def _stored(experiment: Experiment, kept_from: int) -> Canonical:
    stored: Canonical = {}
    zero = day_number(experiment.started_at or 0)
    for shard in rollups.shards_of(experiment):
        for cell in rollups.read(rollups.partition(experiment, shard)):
            if not _is_old_hours(cell.key, kept_from - zero):
                add_counters(stored, canonical_rollup(cell.key, cell.counters))
        for cell in rollups.read(rollups.enrolment_partition(experiment, shard)):
            add_counters(stored, canonical_enrolment(cell.key, cell.counters))
    return stored


def _is_old_hours(key: str, kept_from: int) -> bool:
    segment, _, day, _ = key.split("#")
    return segment == "h" and int(day) < kept_from


def _compared(expected: Canonical, stored: Canonical, prefix: str) -> list[Difference]:
    names = expected.keys() | stored.keys()
    pairs = ((name, expected.get(name, 0), stored.get(name, 0)) for name in names)
    return [Difference(prefix + name, wanted, is_) for name, wanted, is_ in pairs if wanted != is_]


def _assigned(experiment_id: str) -> Iterator[tuple[str, str]]:
    for partition in range(assignments.PARTITIONS):
        after: str | None = None
        while True:
            page = assignments.page(experiment_id, partition, PAGE, after)
            yield from ((each.user_id, each.variant) for each in page.assignments)
            after = page.next_user
            if after is None:
                break


def _user(user_id: str) -> User:
    head = users.read_head(user_id, consistent=True)
    spilled = users.read_spilled((user_id, event_type) for event_type in head.spilled)
    apart: dict[str, Cells] = {event_type: each.cells for (_, event_type), each in spilled.items()}
    past = users.read_past(user_id) if head.past_until else ()
    return User(head, past, {**head.ledgers, **apart}, tuple(_events(user_id)))


def _events(user_id: str) -> Iterator[Event]:
    after: str | None = None
    while True:
        page = events.page(user_id, PAGE, after)
        yield from page.events
        after = page.next_event
        if after is None:
            return
