"""Sealing: days that are over become one item a key, whatever is written or sealed meanwhile."""

import json

import pytest

from experimentation.domain.clock import DAY_MS
from experimentation.storage import experiments, rollups
from experimentation.storage.aws import client
from experimentation.storage.aws.transactions import commit
from experimentation.usecases.sealing import Sealed, seal
from tests.cancelled import cancelling
from tests.experiments import experiment, running
from tests.usecases.conftest import NOW
from tests.wire import answering

OLD, RECENT = "*#purchase#0#control", "*#purchase#3#control"

pytestmark = pytest.mark.usefixtures("aws")


@pytest.fixture
def chosen(runtime):
    """An experiment that started five days ago."""
    return running("e", NOW - 5 * DAY_MS)


def add(chosen, shard, key=OLD, value=1):
    commit([rollups.add(rollups.partition(chosen, shard), key, {"n": 1, "s": value}, NOW)])


def held(chosen, shard):
    return {cell.key: cell.counters for cell in rollups.read(rollups.partition(chosen, shard))}


def total(chosen, name):
    cells = [held(chosen, shard).get(OLD, {}).get(name, 0) for shard in rollups.shards_of(chosen)]
    return sum(cells)


def test_old_days_move_into_one_item_and_recent_days_stay(chosen, always):
    add(chosen, 0)
    add(chosen, 3)
    add(chosen, 3, RECENT)
    add(chosen, 1, "*#purchase#x#control")
    place = rollups.enrolment_partition(chosen, 2)
    commit([rollups.add(place, "*#0#control", {"n": 1}, NOW)])

    assert seal(chosen, NOW, always) == Sealed(2, 0, finished=True)

    assert held(chosen, "sealed") == {OLD: {"n": 2, "s": 2}}
    assert held(chosen, 3) == {RECENT: {"n": 1, "s": 1}}
    assert held(chosen, 1) == {"*#purchase#x#control": {"n": 1, "s": 1}}
    (enrolled,) = rollups.read(rollups.enrolment_partition(chosen, "sealed"))
    assert enrolled.counters == {"n": 1}


def test_what_comes_late_is_added_to_what_is_sealed(chosen, always):
    add(chosen, 0)
    seal(chosen, NOW, always)
    add(chosen, 0)

    seal(chosen, NOW, always)

    assert held(chosen, "sealed") == {OLD: {"n": 2, "s": 2}}
    assert seal(chosen, NOW, always) == Sealed(0, 0, finished=True)


def test_an_item_that_was_written_meanwhile_waits_for_the_next_run(chosen, always):
    add(chosen, 0)

    with cancelling(lambda actions: ["None"] + ["ConditionalCheckFailed"] * (len(actions) - 1)):
        assert seal(chosen, NOW, always) == Sealed(0, 1, finished=True)

    assert total(chosen, "n") == 1


def test_two_runs_at_once_and_a_late_event_lose_and_double_nothing(chosen, always):
    add(chosen, 0, value=5)
    raced = []

    def race(request):
        if "#sealed" in json.dumps(json.loads(request.body)) and not raced:
            raced.append(True)
            seal(chosen, NOW, always)
            add(chosen, 0, value=7)
        return False

    with answering(client.dynamodb(), "Query", b"", when=race):
        seal(chosen, NOW, always)

    assert raced
    assert (total(chosen, "n"), total(chosen, "s")) == (2, 12)


def test_it_stops_when_there_is_no_time_and_skips_what_never_started(chosen, always):
    add(chosen, 0)

    assert seal(chosen, NOW, lambda: False) == Sealed(0, 0, finished=False)
    assert seal(experiment(), NOW, always) == Sealed(0, 0, finished=True)
    assert experiments.read("e").shards == 4
