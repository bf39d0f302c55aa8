"""Reading an experiment's counters while days are being sealed: a query is no snapshot.

For some milliseconds a reader may see a sealing transaction half done, in any order: a key that is gone from
its shards and not yet in `sealed`, or that is in both. The key's `w` shows it: sealing keeps its sum over all
items, and nothing else lets it fall.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from experimentation.domain.errors import UnavailableError
from experimentation.storage import rollups, sealing_runs
from experimentation.storage.aws import pauses
from experimentation.storage.rollups import Cell, Slice

MAX_TRIES = 8

type Reading = list[dict[Slice, list[Cell]]]
type Key = tuple[str, str]
"""A partition without its shard, and the sort key."""


class Wanted(NamedTuple):
    """Slices that are read together, the open shards consistently or not."""

    slices: Sequence[Slice]
    consistent: bool = False


def read_counters(experiment_id: str, wanted: Sequence[Wanted]) -> list[list[Cell]]:
    """Return the cells of each of the wanted, in their order.

    If a run was sealing meanwhile they are read again, until one reading confirms the one before.
    """
    # Before and after: a run is noted before its first transaction, so one of the two reads sees it.
    runs = sealing_runs.read(experiment_id)
    reading = [rollups.read_slices(each.slices, consistent=each.consistent) for each in wanted]
    for _ in range(MAX_TRIES):
        before, runs = runs, sealing_runs.read(experiment_id)
        if runs == before and all(run.has_ended for run in runs):
            return _cells(reading)
        pauses.settle()
        # All of it consistently: else a replica that lags could confirm what another one showed.
        earlier, reading = reading, [rollups.read_slices(each.slices, consistent=True) for each in wanted]
        if _confirms(reading, earlier):
            return _cells(reading)
    raise UnavailableError("The counters are being sealed; try again.")


def _confirms(reading: Reading, earlier: Reading) -> bool:
    """Tell whether no key has lost writes, and none that is both open and sealed has gained any."""
    before, writes = _writes(earlier), _writes(reading)
    if before - writes:
        return False
    sealed_keys = {key for key, is_sealed, _ in _counted(reading) if is_sealed}
    open_keys = {key for key, is_sealed, _ in _counted(reading) if not is_sealed}
    return all(writes[key] == before[key] for key in sealed_keys & open_keys)


def _writes(reading: Reading) -> Counter[Key]:
    writes: Counter[Key] = Counter()
    for key, _, n in _counted(reading):
        writes[key] += n
    return writes


def _counted(reading: Reading) -> Iterator[tuple[Key, bool, int]]:
    """Yield each cell's key, whether it is sealed, and its writes."""
    for slices in reading:
        for each, cells in slices.items():
            for cell in cells:
                yield (each.partition.rpartition("#")[0], cell.key), each.is_sealed, cell.writes


def _cells(reading: Reading) -> list[list[Cell]]:
    return [[cell for cells in slices.values() for cell in cells] for slices in reading]
