"""Verifying an experiment: events against ledgers, ledgers and assignments against the counters."""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import NamedTuple

from experimentation import settings
from experimentation.domain.assignment import Assignment
from experimentation.domain.clock import day_number, rfc3339
from experimentation.domain.counting.counters import HOURS, add_counters
from experimentation.domain.counting.recount import (
    Canonical,
    User,
    canonical_enrolment,
    canonical_rollup,
    expected_counters,
    expected_crossover,
    expected_ledgers,
    stored_ledgers,
)
from experimentation.domain.counting.retention import Retention
from experimentation.domain.counting.stored import rollup_key
from experimentation.domain.errors import ConflictError
from experimentation.domain.experiment import Experiment
from experimentation.storage import (
    assignments,
    crossovers,
    erasures,
    experiments,
    queues,
    retention,
    rollups,
    users,
)
from experimentation.usecases.user_history import read_all, read_events

PAGE = 500
READINGS = 3
ERASING = "Somebody is being erased: the counters can be verified when that is done, in a few minutes."


class Difference(NamedTuple):
    """A counter with another value than expected."""

    name: str
    expected: int
    stored: int


def differences(experiment_id: str, now: int) -> list[Difference]:
    """Return the counters that differ in each of several readings: live traffic between them is not an error.

    The expected counters include what erased users did. ConflictError for an experiment that ended so long
    ago that its users' ledgers are not kept by day any more.
    """
    experiment = experiments.read(experiment_id, consistent=True)
    # The retention that the functions noted, not this environment's: events were dropped and merged by it.
    kept = retention.stored() or Retention(settings.retention_days())
    _require_days(experiment, kept.kept_from(now))
    days_from = day_number(kept.oldest_accepted(now) - 1) + 1
    latest_erasure = _latest_erasure()
    lasting = _differences(experiment, days_from)
    for _ in range(READINGS - 1):
        if not lasting:
            break
        again = _differences(experiments.read(experiment_id, consistent=True), days_from)
        lasting = {name: each for name, each in again.items() if name in lasting}
    if lasting and _latest_erasure() != latest_erasure:
        raise ConflictError(ERASING)
    return sorted(lasting.values())


def _require_days(experiment: Experiment, kept_from: int) -> None:
    if experiment.ended_at is not None and experiment.ended_at < kept_from:
        day = rfc3339(kept_from)
        raise ConflictError(
            f"The experiment ended before {day}, and its ledgers are not kept by day any more."
        )


def _latest_erasure() -> int:
    """Return when somebody was erased last; ConflictError while that erasure is in the tables."""
    if erasures.in_tables():
        raise ConflictError(ERASING)
    return erasures.pseudonyms().latest


def given_up() -> int:
    """Return how many dead letters counting gave up: accepted, and in no counter."""
    urls = [settings.dead_letter_queue_url(name) for name, fed in queues.SOURCES.items() if fed == "count"]
    return sum(queues.depth(url).total for url in urls)


def _differences(experiment: Experiment, from_day: int) -> dict[str, Difference]:
    """Return what differs; single events are compared from the UTC day `from_day` on."""
    expected: Canonical = {}
    found: list[Difference] = []
    add_counters(expected, _stored(experiment, from_day, [rollups.ERASED]))
    # The counters before and after the users: what is counted while the users are read lies between the two.
    shards = rollups.shards_of(experiment)
    before = _stored(experiment, from_day, shards)
    for each in crossovers.of_experiment(experiment.id):
        add_counters(expected, expected_crossover(experiment, each))
    for assignment in _assigned(experiment.id):
        user_id, variant = assignment.user_id, assignment.variant
        user = _user(user_id)
        add_counters(expected, expected_counters(experiment, user, from_day, late=assignment.late))
        made, stored = expected_ledgers(user, from_day), stored_ledgers(user, from_day)
        found += _compared(f"user {user_id}: ", made, stored, stored)
        boundary = user.head.assignment(experiment.id)
        if boundary is not None and boundary.variant != variant:
            found.append(Difference(f"user {user_id}: variant {variant}, head {boundary.variant}", 1, 0))
    found += _compared("", expected, before, _stored(experiment, from_day, shards))
    return {each.name: each for each in found}


def _stored(experiment: Experiment, from_day: int, shards: Sequence[int | str]) -> Canonical:
    stored: Canonical = {}
    zero = day_number(experiment.started_at or 0)
    counters, enrolments = (
        rollups.read_slices(rollups.slices(partition_of, experiment, shards), consistent=True)
        for partition_of in (rollups.partition, rollups.enrolment_partition)
    )
    for cell in chain.from_iterable(counters.values()):
        if not _is_old_hours(cell.key, from_day - zero):
            add_counters(stored, canonical_rollup(cell.key, cell.counters))
    for cell in chain.from_iterable(enrolments.values()):
        add_counters(stored, canonical_enrolment(cell.key, cell.counters))
    return stored


def _is_old_hours(key: str, from_day: int) -> bool:
    segment, _, day, _ = rollup_key(key)
    return segment == HOURS and day is not None and day < from_day


def _compared(prefix: str, expected: Canonical, before: Canonical, after: Canonical) -> list[Difference]:
    """Return the counters whose expected value is outside the range of the two readings."""
    found: list[Difference] = []
    for name in expected.keys() | before.keys() | after.keys():
        wanted, first, last = expected.get(name, 0), before.get(name, 0), after.get(name, 0)
        if not min(first, last) <= wanted <= max(first, last):
            found.append(Difference(prefix + name, wanted, last))
    return found


def _assigned(experiment_id: str) -> Iterator[Assignment]:
    for partition in range(assignments.PARTITIONS):
        after: str | None = None
        while True:
            page = assignments.page(experiment_id, partition, PAGE, after)
            yield from page.assignments
            after = page.next_user
            if after is None:
                break


def _user(user_id: str) -> User:
    """Return all that is stored of a user at one moment, if the user's head stands still for long enough."""
    for _ in range(READINGS):
        head = users.read_head(user_id, consistent=True)
        stored = read_all(user_id, head)
        user = User(head, stored.ledger.past, stored.ledger.all_cells, tuple(read_events(user_id)))
        if not stored.is_torn() and users.read_head(user_id, consistent=True).version == head.version:
            break
    return user
