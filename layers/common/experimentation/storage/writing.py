"""Writing a planned transaction, and what its refusal says of each write."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from experimentation.domain.assignment import Assignment, Crossover
from experimentation.domain.counting.event import Event
from experimentation.domain.counting.writes import (
    CounterWrite,
    HeadWrite,
    LedgerWrite,
    PastWrite,
    Transaction,
    Uncounted,
    UserWrite,
    Write,
)
from experimentation.domain.experiment import Experiment
from experimentation.storage import assignments, crossovers, events, rollups, users
from experimentation.storage.aws import transactions
from experimentation.storage.aws.transactions import Action, CancelledError


class Shards(NamedTuple):
    """The shards that an experiment's counters are written to."""

    experiment: Experiment
    rollups: int
    enrolments: int


@dataclass
class Refusal:
    """Why nothing was written: writes whose condition failed, and those in conflict or throttled."""

    failed: list[UserWrite] = field(default_factory=list)
    conflicted: list[UserWrite] = field(default_factory=list)
    contended: set[str] = field(default_factory=set)
    """The experiments whose counters were in conflict."""


def write(transaction: Transaction, shards: Mapping[str, Shards], now: int) -> Refusal | None:
    """Write all of it, or nothing and return why; UnavailableError when the outcome is unknown.

    `shards` are by experiment, `now` (milliseconds) is noted as the time of its counters.
    """
    writes = list(transaction.all_writes())
    try:
        transactions.commit([_action(each, shards, now) for each in writes])
    except CancelledError as cancelled:
        return _refusal(writes, cancelled)
    return None


def _refusal(writes: list[Write], cancelled: CancelledError) -> Refusal:
    refusal = Refusal()
    for position, each in enumerate(writes):
        if isinstance(each, CounterWrite):
            if cancelled.conflicted(position):
                refusal.contended.add(each.experiment_id)
        elif cancelled.conflicted(position):
            refusal.conflicted.append(each)
        elif cancelled.condition_failed(position):
            refusal.failed.append(each)
    return refusal


def _action(each: Write, shards: Mapping[str, Shards], now: int) -> Action:
    if isinstance(each, CounterWrite):
        return rollups.add(_partition(each, shards[each.experiment_id]), each.key, each.counters, now)
    if isinstance(each, Event | Uncounted):
        return events.put(each) if isinstance(each, Event) else events.put(each.event, counted=False)
    if isinstance(each, Assignment | Crossover):
        return assignments.put(each) if isinstance(each, Assignment) else crossovers.put(each)
    match each:
        case HeadWrite():
            return users.put_head(each)
        case LedgerWrite():
            return users.put_ledger(each)
        case PastWrite():
            return users.put_past(each)


def _partition(counter: CounterWrite, shards: Shards) -> str:
    if counter.is_enrolment:
        return rollups.enrolment_partition(shards.experiment, shards.enrolments)
    # A transaction may touch an item once, but one key's counters may be two writes: each has its own shard.
    return rollups.partition(shards.experiment, (shards.rollups + counter.part) % shards.experiment.shards)
