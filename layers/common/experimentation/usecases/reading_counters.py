"""Reading an experiment's counters although days are being sealed: a query is no snapshot.

For some milliseconds a reader may find a transaction of the sealer half done, in any order: a key gone from
its shards and not yet in `sealed`, or in both. Its `w` shows it: sealing keeps a key's sum, and nothing else
lets it sink.
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

    Where a run was sealing meanwhile they are read again, until one reading bears out another.
    """
    # Before and after: a run is noted before its first transaction, so that one of the two knows of it.
    runs = sealing_runs.read(experiment_id)
    found = [rollups.read_slices(each.slices, consistent=each.consistent) for each in wanted]
    for _ in range(MAX_TRIES):
        before, runs = runs, sealing_runs.read(experiment_id)
        if runs == before and all(run.has_ended for run in runs):
            return _cells(found)
        pauses.settle()
        # All of it consistently: else an older replica may bear out what an older one said.
        earlier, found = found, [rollups.read_slices(each.slices, consistent=True) for each in wanted]
        if _bears_out(earlier, found):
            return _cells(found)
    raise UnavailableError("The counters are being sealed; try again.")


def _bears_out(earlier: Reading, found: Reading) -> bool:
    """Tell whether nothing that was there is missing, and nothing is more that is open and sealed as well."""
    before, writes = _writes(earlier), _writes(found)
    twice = {key for key, is_sealed, _ in _counted(found) if is_sealed}
    twice &= {key for key, is_sealed, _ in _counted(found) if not is_sealed}
    is_missing = any(writes[key] < n for key, n in before.items())
    return not is_missing and all(writes[key] == before[key] for key in twice)


def _writes(reading: Reading) -> Counter[Key]:
    writes: Counter[Key] = Counter()
    for key, _, n in _counted(reading):
        writes[key] += n
    return writes


def _counted(reading: Reading) -> Iterator[tuple[Key, bool, int]]:
    """Yield of each cell which counters they are, whether it is sealed, and its writes."""
    for slices in reading:
        for each, cells in slices.items():
            for cell in cells:
                yield (each.partition.rpartition("#")[0], cell.key), each.is_sealed, cell.writes


def _cells(reading: Reading) -> list[list[Cell]]:
    return [[cell for cells in slices.values() for cell in cells] for slices in reading]
