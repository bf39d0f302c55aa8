"""Sealing: days that are over become one item a key, whatever is written or sealed meanwhile."""

import json

import pytest

from experimentation.domain.clock import DAY_MS
from experimentation.domain.errors import UnavailableError
from experimentation.storage import experiments, rollups, sealing_runs
from experimentation.storage.aws import client
from experimentation.storage.aws.transactions import commit
from experimentation.storage.sealing_runs import Run
from experimentation.usecases.sealing import Sealed, seal
from tests.cancelled import cancelling
from tests.counters import cells
from tests.experiments import experiment, running
from tests.usecases.conftest import NOW
from tests.wire import BUSY_JSON, answering

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
    return sum(cell.counters.get(name, 0) for cell in cells(chosen) if cell.key == OLD)


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


def test_a_run_whose_time_is_up_reads_no_further_counters(chosen):
    add(chosen, 0)
    enrolments = rollups.enrolment_partition(chosen, "sealed")
    queries = []

    def note(request):
        queries.append(request.body.decode())
        return False

    with answering(client.dynamodb(), "Query", b"", when=note):
        seal(chosen, NOW, lambda: False)

    assert queries
    assert not [each for each in queries if enrolments in each]


def test_a_run_is_noted_before_its_first_transaction_and_after_its_last(chosen, always):
    noted = []

    def note(actions):
        noted.extend(sealing_runs.read("e"))
        return ["None"] * len(actions)

    seal(chosen, NOW, always)
    assert sealing_runs.read("e") == []
    add(chosen, 0)

    with cancelling(note):
        seal(chosen, NOW, always)

    assert [run.has_ended for run in noted] == [False]
    assert sealing_runs.read("e") == [Run(noted[0].name, has_ended=True)]


def test_a_run_that_an_outage_ended_is_noted_as_going_on(chosen, always):
    add(chosen, 0)

    with answering(client.dynamodb(), "TransactWriteItems", BUSY_JSON, 500), pytest.raises(UnavailableError):
        seal(chosen, NOW, always)

    assert [run.has_ended for run in sealing_runs.read("e")] == [False]
