"""Experiments with many events, put into rollup items through the ledger code; no user is stored."""

from collections.abc import Iterator
from itertools import batched
from random import Random
from typing import Any

from benchmarks.rig import data_table, now
from experimentation.domain.clock import DAY_MS
from experimentation.domain.counting.counters import add_counters, enrolment_adds
from experimentation.domain.counting.event import UNIT, Event
from experimentation.domain.counting.ledger import Head, enrol_now
from experimentation.domain.counting.recording import Ledger, record
from experimentation.domain.experiment import Experiment
from experimentation.storage import rollups
from experimentation.storage.aws import client

SEED = 20_261_122
PUT_LIMIT = 25  # BatchWriteItem takes no more

type Items = dict[tuple[str, str], dict[str, int]]


def load(experiment: Experiment, users: int, events_a_user: int, days: int) -> int:
    """Store the counters of users with events on random days; return how many counters they fill.

    Each user's counters go to one shard, as an environment's would.
    """
    random = Random(SEED)
    items: Items = {}
    started = experiment.started_at or 0
    metric = experiment.metrics[0].event_type
    for number in range(users):
        variant = experiment.keys[number % len(experiment.keys)]
        shard = random.randrange(experiment.shards)
        head = enrol_now(Head(), started + random.randrange(DAY_MS // 2), experiment.id, variant, ())
        at = head.boundaries[-1].at
        _add(
            items, rollups.enrolment_partition(experiment, shard), enrolment_adds(experiment, variant, (), at)
        )
        latest = started + days * DAY_MS - at
        happened = [
            _event(metric, at + random.randrange(latest), UNIT * random.randrange(1, 50))
            for _ in range(events_a_user)
        ]
        _, adds = record(Ledger(head, {}), {experiment.id: experiment}, happened, keep_after=0)
        _add(items, rollups.partition(experiment, shard), adds)
    _store(items)
    return sum(map(len, items.values()))


def _event(metric: str, at: int, value: int) -> Event:
    return Event("", "", metric, at, at, value)


def _add(items: Items, partition: str, adds: dict[tuple[str, str], dict[str, int]]) -> None:
    for (_, key), counters in adds.items():
        add_counters(items.setdefault((partition, key), {}), counters)


def _store(items: Items) -> None:
    for batch in batched(_requests(items), PUT_LIMIT, strict=False):
        client.dynamodb().batch_write_item(RequestItems={data_table(): [*batch]})


def _requests(items: Items) -> Iterator[Any]:
    written = str(now())
    for (partition, key), counters in items.items():
        item = {name: {"N": str(amount)} for name, amount in counters.items()}
        item |= {"PK": {"S": partition}, "SK": {"S": key}, "w": {"N": "1"}, "t": {"N": written}}
        yield {"PutRequest": {"Item": item}}
