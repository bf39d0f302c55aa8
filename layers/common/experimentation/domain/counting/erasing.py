"""Erasing a person: their counters, kept apart so that results stay as they are, and the progress made."""

import json
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from itertools import batched, combinations, pairwise
from typing import NamedTuple

from experimentation.domain.clock import DAY_MS, day_number, hour_of_day, moment
from experimentation.domain.counting.counters import (
    EVERYONE,
    NOTHING,
    Adds,
    DayTotal,
    add_counters,
    before_key,
    day_key,
    days_of,
    enrolment_adds,
    hour_key,
)
from experimentation.domain.counting.event import Event
from experimentation.domain.counting.ledger import Boundary, Cells, Head, Ownership, ordinal, ownership_in
from experimentation.domain.counting.recount import covariates
from experimentation.domain.counting.retention import GRACE_DAYS
from experimentation.domain.counting.stored import covariate_counters
from experimentation.domain.counting.writes import MAX_COUNTERS, CounterWrite
from experimentation.domain.experiment import Experiment

KEPT_DAYS = GRACE_DAYS + 14  # beyond the retention: a dead letter is 14 days old at most
DEAD_LETTER_DAYS = 14
WAITING_DAYS = DEAD_LETTER_DAYS + 4  # in a queue before
# Longer than any function that writes a user's items lives (30 s) after its environment learned of erasures
# (30 s): whoever read, before the erasure began, that there is no HEAD has ended by then.
HEAD_STAYS_MS = 90_000

type Hours = Mapping[tuple[int, int, int], DayTotal]
"""(UTC day number, hour, ordinal) -> what the user did then, of one event type."""


class Stage(StrEnum):
    """The stages of an erasure, in order."""

    ASSIGNMENTS = "assignments"
    COUNTERS = "counters"
    OVERRIDES = "overrides"
    ITEMS = "items"
    ARCHIVE = "archive"
    DONE = "done"


IN_TABLES = frozenset({Stage.ASSIGNMENTS, Stage.COUNTERS, Stage.OVERRIDES, Stage.ITEMS})


class Erasure(NamedTuple):
    """How far the erasure of one person is; every step that is written raises `step`.

    `pseudonym` is a keyed hash of the user id, which itself is kept until the tables are done. What was
    received up to `erased_at` (milliseconds) is erased; events were accepted from `accepted_since` on.
    `head_version` is the one at which HEAD ended, `after` how far the stage is, and `archive_from` the UTC
    day from which the archive is to be looked through.
    """

    pseudonym: str
    erased_at: int
    accepted_since: int
    head_version: int
    stage: Stage
    user_id: str | None
    after: str = ""
    step: int = 1
    archive_from: str = ""

    @property
    def hours_from(self) -> int:
        """The UTC day from which on every event is stored, and stays so while the erasure lasts."""
        return day_number(self.accepted_since - 1) + 1

    def at(self, stage: Stage, after: str = "") -> "Erasure":
        """Return the erasure one step further."""
        user_id = self.user_id if stage in IN_TABLES else None
        return self._replace(stage=stage, after=after, step=self.step + 1, user_id=user_id)

    def concerns(self, day: str) -> bool:
        """Tell whether the archive of that UTC day is still to be searched."""
        return self.archive_from <= day <= self.last_day

    @property
    def last_day(self) -> str:
        """The UTC day in whose folder of the archive the last of what is erased lies."""
        return _day(self.erased_at)

    def looked_through(self, began: int) -> "Erasure":
        """Return the erasure after a pass over the archive that began then: done, or due for another pass.

        A message that waited in a queue or among the dead letters may have been archived since, by a worker
        that did not know of the erasure.
        """
        if began >= self.erased_at + (DEAD_LETTER_DAYS + 1) * DAY_MS:
            return self.at(Stage.DONE)
        return self.at(self.stage)._replace(archive_from=_day(self.erased_at - WAITING_DAYS * DAY_MS))

    def keeps_counters(self, experiment: Experiment) -> bool:
        """Tell whether the ledgers still show what the user added; if not, nothing can be verified either."""
        ended_at = experiment.ended_at
        return ended_at is None or ended_at >= self.accepted_since - GRACE_DAYS * DAY_MS


class Leaving(NamedTuple):
    """All that a person's counters can be computed from; `ledgers` and `hours` are by event type."""

    boundaries: tuple[Boundary, ...]
    ledgers: Mapping[str, Cells]
    hours: Mapping[str, Hours]


def hours_of(
    events: Iterable[Event], head: Head, boundaries: tuple[Boundary, ...], from_day: int
) -> Mapping[str, Hours]:
    """Return what the events add up to by event type and hour, for UTC days from `from_day` on."""
    found: dict[str, dict[tuple[int, int, int], DayTotal]] = {}
    for event in events:
        day = day_number(event.at)
        if day >= from_day:
            hours = found.setdefault(event.type, {})
            cell = day, hour_of_day(event.at), ordinal(head, boundaries, event.at)
            hours[cell] = hours.get(cell, NOTHING).plus(1, event.value)
    return found


def contribution(experiment: Experiment, leaving: Leaving) -> Iterator[CounterWrite]:
    """Yield what the person added to the experiment's counters, always in the same order."""
    owned = ownership_in(leaving.boundaries, experiment.id)
    if owned is None:
        return
    adds = enrolment_adds(experiment, owned.variant, owned.labels, owned.assigned_at)
    yield from enrolment_writes(adds)
    for event_type in sorted(leaving.ledgers):
        cells, hours = leaving.ledgers[event_type], leaving.hours.get(event_type, {})
        yield from _writes(_of_type(experiment, owned, event_type, cells, hours), is_enrolment=False)


def enrolment_writes(adds: Adds) -> Iterator[CounterWrite]:
    """Yield the writes of enrolment counters."""
    return _writes(adds, is_enrolment=True)


def position(write: CounterWrite) -> str:
    """Return the text that stands for the last counter kept, in the erasure's progress."""
    return json.dumps(_order(write), separators=(",", ":"), ensure_ascii=False)


def groups(writes: Iterable[CounterWrite], after: str, most: int) -> Iterator[list[CounterWrite]]:
    """Yield the writes after a position, as many at a time as one transaction takes, each item once."""
    group: dict[tuple[str, str, bool], CounterWrite] = {}
    last = json.loads(after) if after else []
    for write in writes:
        # Kept by an earlier step, in a run that may have died since: the writes come in this order.
        if _order(write) <= last:
            continue
        item = write.experiment_id, write.key, write.is_enrolment
        # A transaction takes an item once: the next part of its counters waits for the next one.
        if item in group or len(group) == most:
            yield list(group.values())
            group = {}
        group[item] = write
    if group:
        yield list(group.values())


def _day(at: int) -> str:
    return moment(at).date().isoformat()


def _order(write: CounterWrite) -> list[str | int]:
    event_type = "" if write.is_enrolment else write.key.split("#")[1]
    return [write.experiment_id, event_type, write.key, write.part]


def _writes(adds: Adds, *, is_enrolment: bool) -> Iterator[CounterWrite]:
    for experiment_id, key in sorted(adds):
        counters = adds[experiment_id, key].items()
        for part, some in enumerate(batched(counters, MAX_COUNTERS, strict=False)):
            yield CounterWrite(experiment_id, key, dict(some), is_enrolment, part)


def _of_type(experiment: Experiment, owned: Ownership, event_type: str, cells: Cells, hours: Hours) -> Adds:
    zero = day_number(experiment.started_at or 0)
    days = {day - zero: total for day, total in sorted(days_of(cells, owned).items())}
    adds: Adds = {}
    for day, counters in _by_day(days).items():
        for segment in (EVERYONE, *owned.labels):
            adds[experiment.id, day_key(segment, event_type, day, owned.variant)] = counters
    sums = covariate_counters(covariates(experiment, owned, event_type, cells, days.values()))
    if any(sums.values()):
        adds[experiment.id, before_key(event_type, owned.variant)] = sums
    for (day, hour, k), (events, total) in hours.items():
        if owned.holds(k):
            counters = adds.setdefault((experiment.id, hour_key(event_type, day - zero, owned.variant)), {})
            add_counters(counters, {f"n{hour:02d}": events, f"s{hour:02d}": total})
    return adds


def _by_day(days: Mapping[int, DayTotal]) -> dict[int, dict[str, int]]:
    """Return each day's counters; a product of two days stands with the later one."""
    found: dict[int, dict[str, int]] = {}
    for day, (events, total) in days.items():
        found[day] = {"n": events, "s": total, "u": 1, f"q{day}": total**2, f"c{day}": events**2}
    for first, last in combinations(days, 2):
        found[last][f"q{first}"] = days[first].total * days[last].total
        found[last][f"c{first}"] = days[first].events * days[last].events
    for first, last in pairwise(days):
        found[last][f"p{first}.{last}"] = 1
    return found
