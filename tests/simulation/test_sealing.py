"""A reader of results while days are sealed: every transaction is half visible for a moment, in any order."""

from unittest.mock import patch

import pytest

from experimentation.domain.clock import DAY_MS
from experimentation.storage import rollups
from experimentation.storage.rollups import Slice
from experimentation.usecases.reading_counters import Wanted, read_counters
from experimentation.usecases.sealing import seal
from tests.experiments import experiment
from tests.simulation.environments import ENVIRONMENT, installed
from tests.simulation.faults import Faults
from tests.simulation.schedule import Schedule
from tests.simulation.services import DynamoDB, Wire
from tests.simulation.table import Table

NOW = 20_000 * DAY_MS
LONG_AGO_MS = 2_000  # then no read lags behind the events any more
RUNNING = experiment(id="e", started_at=NOW - 9 * DAY_MS, shards=2)
PLACES = [rollups.partition(RUNNING, shard) for shard in rollups.shards_of(RUNNING)]


def totals_while_sealed(seed: int, runs: int) -> list[int]:
    """Return the events that readers see while `runs` runs seal the only day."""
    schedule = Schedule(seed, NOW)
    table = Table(schedule, page_items=20)
    client = DynamoDB(Wire(schedule, Faults(stale=0.5)), table)
    seen: list[object] = []

    def read() -> int:
        (found,) = read_counters("e", [Wanted([Slice(place) for place in PLACES])])
        return sum(cell.counters["n"] for cell in found)

    with patch.dict("os.environ", ENVIRONMENT), installed(schedule, {"dynamodb": client}, {}):
        for shard, place in enumerate(PLACES[:-1]):
            table.write("Update", rollups.add(place, "*#buy#0#control", {"n": 10 + shard}, NOW)["Update"])
        for _ in range(runs):
            begins = LONG_AGO_MS + schedule.chance.uniform(0, 40)
            schedule.after(
                begins, lambda: schedule.start(lambda: seal(RUNNING, int(schedule.now), lambda: True))
            )
        for _ in range(4):
            begins = LONG_AGO_MS + schedule.chance.uniform(0, 120)
            schedule.after(begins, lambda: schedule.start(read, seen.append))
        schedule.run()
    return seen


@pytest.mark.parametrize("runs", [1, 2])
def test_whoever_reads_while_a_day_is_sealed_sees_it_once(runs):
    wrong = {seed: seen for seed in range(150) if set(seen := totals_while_sealed(seed, runs)) != {21}}

    assert wrong == {}
