"""Rollup items: counters add up, sealing takes only what it read, and reading follows every page."""

from dataclasses import replace

import pytest

from experimentation.domain.errors import UnavailableError
from experimentation.storage import rollups
from experimentation.storage.aws import client
from experimentation.storage.aws.transactions import CancelledError, commit
from experimentation.storage.rollups import Cell, Slice
from tests.experiments import experiment

PLACE = "ROLLUP#checkout-button#0#0"
SEALED = "ROLLUP#checkout-button#0#sealed"

pytestmark = pytest.mark.usefixtures("aws")


def test_partitions_name_the_experiment_the_generation_and_the_shard():
    chosen = replace(experiment(), shards=2)

    assert rollups.partition(chosen, 1) == "ROLLUP#checkout-button#0#1"
    assert rollups.enrolment_partition(chosen, "sealed") == "ENROL#checkout-button#0#sealed"
    assert rollups.shards_of(chosen) == [0, 1, "sealed"]


def test_additions_make_the_item_and_add_up_without_losing_a_digit():
    huge = 10**26 + 1
    commit([rollups.add(PLACE, "*#buy#0#a", {"n": 1, "q0": huge, "p0.1": -1}, 5)])
    commit([rollups.add(PLACE, "*#buy#0#a", {"n": 1, "q0": huge}, 9)])

    assert rollups.read(PLACE) == [Cell("*#buy#0#a", {"n": 2, "q0": 2 * huge, "p0.1": -1}, 2, 9)]


def test_reading_follows_the_pages_and_the_prefix():
    for day in range(4):
        item = {
            "PK": {"S": PLACE},
            "SK": {"S": f"{'*' if day else 'h'}#buy#{day}#a"},
            "n": {"N": "1"},
            "w": {"N": "1"},
            "t": {"N": "1"},
            "padding": {"S": "x" * 390_000},
        }
        client.dynamodb().put_item(TableName="DataTable", Item=item)

    assert len(rollups.read(PLACE, consistent=True)) == 4
    assert [cell.key for cell in rollups.read(PLACE, "*#")] == ["*#buy#1#a", "*#buy#2#a", "*#buy#3#a"]


def test_slices_are_read_side_by_side():
    commit([rollups.add(PLACE, "a", {"n": 1}, 1), rollups.add(SEALED, "b", {"n": 2}, 1)])

    found = rollups.read_slices([Slice(PLACE), Slice(SEALED), Slice(PLACE, "x")])

    assert {each: [cell.counters for cell in cells] for each, cells in found.items()} == {
        Slice(PLACE): [{"n": 1}],
        Slice(SEALED): [{"n": 2}],
        Slice(PLACE, "x"): [],
    }


def test_a_key_that_is_sealed_between_the_reads_counts_once():
    commit([rollups.add(PLACE, "a", {"n": 3}, 1), rollups.add(PLACE, "b", {"n": 5}, 1)])
    late = [rollups.add(PLACE, "b", {"n": 1}, 2)]
    events = client.dynamodb().meta.events

    def seal_first(params, **_):
        if f'"{SEALED}"' in str(params["body"]):
            events.unregister("before-call.dynamodb.Query", seal_first)
            for cell in rollups.read(PLACE):
                commit([rollups.put_sealed(SEALED, None, cell), rollups.delete(PLACE, cell)])
            commit(late)

    events.register("before-call.dynamodb.Query", seal_first)

    found = rollups.read_slices([Slice(PLACE), Slice(SEALED)])

    assert rollups.merge(cell for cells in found.values() for cell in cells) == {"a": {"n": 3}, "b": {"n": 6}}


def test_merging_adds_the_counters_of_all_shards():
    cells = [Cell("a", {"n": 1, "u": 1}, 1, 1), Cell("a", {"n": 2}, 1, 1), Cell("b", {"n": 5}, 1, 1)]

    assert rollups.merge(cells) == {"a": {"n": 3, "u": 1}, "b": {"n": 5}}


def test_an_item_is_sealed_once_and_deleted_only_as_it_was_read():
    commit([rollups.add(PLACE, "a", {"n": 1}, 1)])
    (read,) = rollups.read(PLACE)
    commit([rollups.put_sealed(SEALED, None, read), rollups.delete(PLACE, read)])
    commit([rollups.add(PLACE, "a", {"n": 1}, 2), rollups.add(PLACE, "b", {"n": 1}, 2)])
    commit([rollups.add(PLACE, "a", {"n": 1}, 3)])

    with pytest.raises(CancelledError) as refused:
        commit([rollups.put_sealed(SEALED, None, read), rollups.delete(PLACE, read)])

    assert refused.value.failed_conditions() == [0, 1]
    assert rollups.read(SEALED) == [read]


def test_a_sealed_item_is_written_only_over_the_one_that_was_read():
    first, second = Cell("a", {"n": 1}, 1, 1), Cell("a", {"n": 3}, 2, 2)
    commit([rollups.put_sealed(SEALED, None, first)])
    commit([rollups.put_sealed(SEALED, first, second)])

    with pytest.raises(CancelledError):
        commit([rollups.put_sealed(SEALED, first, second)])

    assert rollups.read(SEALED) == [second]


def seal_late(sealed):
    """Move the open item of key a to the sealed one, as a run does."""
    (late,) = [cell for cell in rollups.read(PLACE) if cell.key == "a"]
    merged = Cell("a", rollups.merge([sealed, late])["a"], sealed.writes + late.writes, late.written_at)
    commit([rollups.put_sealed(SEALED, sealed, merged), rollups.delete(PLACE, late)])


@pytest.mark.parametrize("times", [1, 3])
def test_a_late_event_that_is_sealed_during_the_reads_is_not_lost(times):
    commit([rollups.put_sealed(SEALED, None, Cell("a", {"n": 5}, 5, 1))])
    commit([rollups.add(PLACE, "a", {"n": 10}, 2)])
    events = client.dynamodb().meta.events
    moves = []

    def move(**_):
        if len(moves) < times:
            moves.append(True)
            (sealed,) = rollups.read(SEALED)
            seal_late(sealed)
            if len(moves) < times:
                commit([rollups.add(PLACE, "a", {"n": 10 ** (1 + len(moves))}, 3)])

    events.register("before-call.dynamodb.BatchGetItem", move)
    try:
        found = rollups.read_slices([Slice(PLACE), Slice(SEALED)])
    finally:
        events.unregister("before-call.dynamodb.BatchGetItem", move)

    late = sum(10 ** (1 + n) for n in range(times))
    assert rollups.merge(cell for cells in found.values() for cell in cells) == {"a": {"n": 5 + late}}


def test_counters_that_never_stand_still_are_for_another_time():
    commit([rollups.put_sealed(SEALED, None, Cell("a", {"n": 5}, 5, 1))])
    commit([rollups.add(PLACE, "a", {"n": 1}, 2)])

    def move(**_):
        (sealed,) = rollups.read(SEALED)
        seal_late(sealed)
        commit([rollups.add(PLACE, "a", {"n": 1}, 3)])

    events = client.dynamodb().meta.events
    events.register("before-call.dynamodb.BatchGetItem", move)
    try:
        with pytest.raises(UnavailableError):
            rollups.read_slices([Slice(PLACE), Slice(SEALED)])
    finally:
        events.unregister("before-call.dynamodb.BatchGetItem", move)
