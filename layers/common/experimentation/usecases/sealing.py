"""Sealing days that are over: the shards' items of one key become one item in the shard `sealed`."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from experimentation.domain.clock import day_number
from experimentation.domain.counting.stored import day_in
from experimentation.domain.experiment import Experiment
from experimentation.storage import rollups, sealing_runs
from experimentation.storage.aws.transactions import CancelledError, commit
from experimentation.storage.rollups import SEALED, Cell

OPEN_DAYS = 2  # a day stays in its shards until late events have become rare


class Sealed(NamedTuple):
    """How many keys were sealed; how many were written meanwhile, and wait for the next run."""

    keys: int
    contested: int
    finished: bool


class _Key(NamedTuple):
    """One key's item in the target partition, and its items in the shards with their partitions."""

    target: str
    sealed: Cell | None
    shards: list[tuple[str, Cell]]


def seal(experiment: Experiment, now: int, has_time: Callable[[], bool]) -> Sealed:
    """Seal the experiment's days older than two days, one transaction a key, while there is time."""
    if experiment.started_at is None:
        return Sealed(0, 0, finished=True)
    last_day = day_number(now) - day_number(experiment.started_at) - OPEN_DAYS - 1
    run = ""
    finished = True
    sealed: Counter[bool] = Counter()
    for key in _keys(experiment, last_day):
        if not has_time():
            finished = False
            break
        # Before the first transaction: a reader that overlaps with this run then reads the counters again.
        run = run or sealing_runs.begin(experiment.id, now)
        sealed[_seal(key)] += 1
    if run:
        sealing_runs.end(experiment.id, run, now)
    return Sealed(sealed[True], sealed[False], finished)


def _keys(experiment: Experiment, last_day: int) -> Iterator[_Key]:
    """Yield the keys that have open items of days up to `last_day`."""
    for partition in (rollups.partition, rollups.enrolment_partition):
        shards = [partition(experiment, shard) for shard in range(experiment.shards)]
        target = partition(experiment, SEALED)
        # Read the sealed items before the open ones. A concurrent run that seals a key after this read
        # changes the sealed item's `w`, so our condition fails, even if a late event re-creates a shard item
        # whose `w` equals the deleted one's.
        sealed = {cell.key: cell for cell in rollups.read(target, consistent=True)}
        open_cells = _by_key(shards, last_day)
        yield from (_Key(target, sealed.get(key), cells) for key, cells in open_cells.items())


def _by_key(shards: Iterable[str], last_day: int) -> dict[str, list[tuple[str, Cell]]]:
    found: defaultdict[str, list[tuple[str, Cell]]] = defaultdict(list)
    for shard in shards:
        # Consistently: a count of writes that is out of date would only fail the condition of the delete.
        for cell in rollups.read(shard, consistent=True):
            day = day_in(cell.key)
            if day is not None and day <= last_day:
                found[cell.key].append((shard, cell))
    return found


def _seal(key: _Key) -> bool:
    """Move one key's counters; False when a late event wrote one of them in the meantime."""
    cells = [cell for _, cell in key.shards] + ([key.sealed] if key.sealed else [])
    name = cells[0].key
    # The writes add up as the counters do: a result's tag is made of them, and sealing must not change it.
    merged = Cell(
        name,
        rollups.merge(cells)[name],
        sum(cell.writes for cell in cells),
        max(cell.written_at for cell in cells),
    )
    deletions = [rollups.delete(shard, cell) for shard, cell in key.shards]
    try:
        commit([rollups.put_sealed(key.target, key.sealed, merged), *deletions])
    except CancelledError:
        return False
    return True
