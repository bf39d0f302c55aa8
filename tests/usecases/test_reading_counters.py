"""Reading counters: once while nothing is sealed, and else until one reading bears out another."""

import json

import pytest

from experimentation.domain.errors import UnavailableError
from experimentation.storage import rollups, sealing_runs
from experimentation.storage.aws import client, pauses
from experimentation.storage.aws.transactions import commit
from experimentation.storage.rollups import Slice
from experimentation.usecases.reading_counters import MAX_TRIES, Wanted, read_counters
from tests.experiments import experiment
from tests.usecases.conftest import NOW
from tests.wire import answering

KEY = "*#purchase#0#control"
EXPERIMENT = experiment(id="e")
PLACES = [rollups.partition(EXPERIMENT, shard) for shard in (0, rollups.SEALED)]
WANTED = [Wanted([Slice(place) for place in PLACES])]

pytestmark = pytest.mark.usefixtures("aws")


@pytest.fixture(autouse=True)
def settled(monkeypatch):
    """The pauses before further readings, which take no time."""
    waited = []
    monkeypatch.setattr(pauses, "settle", lambda: waited.append(True))
    return waited


def add(shard, n=1):
    commit([rollups.add(PLACES[shard], KEY, {"n": n}, NOW)])


def events():
    (cells,) = read_counters("e", WANTED)
    return sum(cell.counters["n"] for cell in cells)


def remove(shard):
    client.dynamodb().delete_item(TableName="DataTable", Key={"PK": {"S": PLACES[shard]}, "SK": {"S": KEY}})


def before_each_reading(change):
    """Call `change` with the number of the reading, from 0, before its first query."""
    numbers = iter(range(100))

    def when(request):
        if f'"{PLACES[0]}"' in json.dumps(json.loads(request.body)):
            change(next(numbers))
        return False

    return answering(client.dynamodb(), "Query", b"", when=when)


def test_it_is_read_once_where_no_run_has_sealed_meanwhile(settled):
    add(0)
    sealing_runs.end("e", sealing_runs.begin("e", NOW), NOW)

    assert events() == 1
    assert settled == []


def test_what_is_missing_while_a_run_goes_on_is_read_again(settled):
    add(0)
    sealing_runs.begin("e", NOW)

    def gone_once(reading):
        if reading == 1:
            remove(0)
        if reading == 2:
            add(1)

    with before_each_reading(gone_once):
        assert events() == 1

    assert len(settled) == 2


def test_what_is_twice_there_while_a_run_goes_on_is_read_again(settled):
    add(0)
    sealing_runs.begin("e", NOW)

    def twice_once(reading):
        if reading == 1:
            add(1)
        if reading == 2:
            remove(0)

    with before_each_reading(twice_once):
        assert events() == 1

    assert len(settled) == 3


def test_a_run_that_began_and_ended_between_is_noticed(settled):
    add(0)

    def whole_run(reading):
        if reading == 0:
            sealing_runs.end("e", sealing_runs.begin("e", NOW), NOW)

    with before_each_reading(whole_run):
        assert events() == 1

    assert len(settled) == 1


def test_events_that_come_meanwhile_do_not_hold_it_up(settled):
    add(0)
    sealing_runs.begin("e", NOW)

    with before_each_reading(lambda reading: add(0)):
        assert events() == 3

    assert len(settled) == 1


def test_counters_that_never_stand_still_are_for_another_time(settled):
    for _ in range(MAX_TRIES + 2):
        add(0)
    sealing_runs.begin("e", NOW)

    def sinking(reading):
        remove(0)
        for _ in range(MAX_TRIES + 1 - reading):
            add(0)

    with before_each_reading(sinking), pytest.raises(UnavailableError):
        events()

    assert len(settled) == MAX_TRIES
