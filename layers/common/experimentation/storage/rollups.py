"""ROLLUP items: the counters of domain/counting, spread over shards, and the shard of sealed days."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

from experimentation import settings
from experimentation.domain.counting.counters import add_counters
from experimentation.domain.errors import UnavailableError
from experimentation.domain.experiment import Experiment
from experimentation.storage.aws.batch_read import read_items
from experimentation.storage.aws.paged_query import every_item, in_partition
from experimentation.storage.aws.transactions import put_if, put_new

if TYPE_CHECKING:
    from experimentation.storage.aws.transactions import Action, Item

SEALED = "sealed"
ERASED = "erased"  # what erased users had added: read to verify results, never to show them
PARALLEL = 8
MAX_TRIES = 8
GENERATION = 0  # room in the keys for counters that are built anew beside those in use


type ItemKey = tuple[str, str]
"""Partition key and sort key of an item."""


class Cell(NamedTuple):
    """One rollup item: `writes` changes with every write of it, `written_at` (milliseconds) is the last."""

    key: str
    counters: dict[str, int]
    writes: int
    written_at: int


class Slice(NamedTuple):
    """The items of one partition whose sort key begins with the prefix."""

    partition: str
    prefix: str = ""

    @property
    def is_sealed(self) -> bool:
        """Tell whether the partition is that of the sealed days."""
        return self.partition.endswith(f"#{SEALED}")


def partition(experiment: Experiment, shard: int | str) -> str:
    """Return the partition key of one shard."""
    return f"ROLLUP#{experiment.id}#{GENERATION}#{shard}"


def enrolment_partition(experiment: Experiment, shard: int | str) -> str:
    """Return the partition key of one shard of the enrolment counters."""
    return f"ENROL#{experiment.id}#{GENERATION}#{shard}"


def add(partition_key: str, key: str, counters: Mapping[str, int], now: int) -> "Action":
    """Return the write that adds to one item, creating it where there is none."""
    # Without a condition, since additions commute. What keeps a retry from adding twice is the condition of
    # the event's or the user's item in the same transaction.
    names = {"#w": "w", "#t": "t"}
    values: Item = {":w": {"N": "1"}, ":t": {"N": str(now)}}
    terms = ["#w :w"]
    for index, (name, amount) in enumerate(counters.items()):
        names[f"#{index}"] = name
        values[f":{index}"] = {"N": str(amount)}
        terms.append(f"#{index} :{index}")
    return {
        "Update": {
            "TableName": settings.data_table(),
            "Key": {"PK": {"S": partition_key}, "SK": {"S": key}},
            "UpdateExpression": f"SET #t = :t ADD {', '.join(terms)}",
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": values,
        }
    }


def read(partition_key: str, prefix: str = "", *, consistent: bool = False) -> list[Cell]:
    """Return the items of one partition whose sort key begins with `prefix`."""
    query = in_partition(settings.data_table(), partition_key, prefix, consistent=consistent)
    return [_cell(item) for item in every_item(query)]


def read_slices(slices: Sequence[Slice], *, consistent: bool = False) -> dict[Slice, list[Cell]]:
    """Return the items of each slice, read in parallel, each counter in one of them only.

    Open shards are read eventually consistently by default: what is then missing was written just now.
    """
    with ThreadPoolExecutor(PARALLEL) as pool:
        # Read the open shards before the sealed ones: a key that is sealed in between is then seen twice,
        # never missed.
        found = _side_by_side(pool, [each for each in slices if not each.is_sealed], consistent=consistent)
        found |= _side_by_side(pool, [each for each in slices if each.is_sealed], consistent=True)
    cells = {(each.partition, cell.key): cell for each in slices for cell in found[each]}
    settled = cells | _settled(cells)
    return {each: _settled_cells(each, found[each], settled) for each in slices}


def _settled_cells(part: Slice, cells: Iterable[Cell], settled: Mapping[ItemKey, Cell | None]) -> list[Cell]:
    stored = (settled[part.partition, cell.key] for cell in cells)
    return [cell for cell in stored if cell is not None]


def _side_by_side(
    pool: ThreadPoolExecutor, slices: Sequence[Slice], *, consistent: bool
) -> dict[Slice, list[Cell]]:
    cells = pool.map(lambda each: read(*each, consistent=consistent), slices)
    return dict(zip(slices, cells, strict=True))


def _settled(cells: Mapping[ItemKey, Cell]) -> dict[ItemKey, Cell | None]:
    """Return the stored cells of the keys that are both open and sealed; None for a deleted one."""
    open_keys = _open_by_sealed(cells)
    settled: dict[ItemKey, Cell | None] = {sealed: cells[sealed] for sealed in open_keys}
    moved = list(open_keys)
    for _ in range(MAX_TRIES):
        # A run that seals a key deletes its open items and raises the `w` of the sealed one. So the open
        # items are whole beside a sealed item whose `w` is the same before and after they are read.
        keys = [key for sealed in moved for key in open_keys[sealed]]
        read_again = _read_keys(keys)
        settled |= {key: read_again.get(key) for key in keys}
        after = _read_keys(moved)
        moved = [sealed for sealed in moved if after[sealed] != settled[sealed]]
        settled |= after
        if not moved:
            return settled
    raise UnavailableError("The counters are being sealed; try again.")


def _open_by_sealed(cells: Collection[ItemKey]) -> dict[ItemKey, list[ItemKey]]:
    found: dict[ItemKey, list[ItemKey]] = {}
    for shard, key in cells:
        sealed = (f"{shard.rpartition('#')[0]}#{SEALED}", key)
        if sealed in cells and shard != sealed[0]:
            found.setdefault(sealed, []).append((shard, key))
    return found


def _read_keys(keys: Iterable[ItemKey]) -> dict[ItemKey, Cell]:
    items = read_items({"PK": {"S": partition_key}, "SK": {"S": key}} for partition_key, key in keys)
    return {(item["PK"]["S"], item["SK"]["S"]): _cell(item) for item in items}


def slices(
    partition_of: Callable[[Experiment, int | str], str],
    experiment: Experiment,
    shards: Iterable[int | str],
    prefixes: Collection[str] = ("",),
) -> list[Slice]:
    """Return the slices with these prefixes of the experiment's counters, or enrolments, in these shards."""
    return [Slice(partition_of(experiment, shard), prefix) for shard in shards for prefix in prefixes]


def shards_of(experiment: Experiment) -> list[int | str]:
    """Return every shard that may hold counters of the experiment."""
    return [*range(experiment.shards), SEALED]


def put_sealed(partition_key: str, before: Cell | None, sealed: Cell) -> "Action":
    """Return the write of a sealed item on the condition that nobody sealed it since it was read."""
    item: Item = {name: {"N": str(amount)} for name, amount in sealed.counters.items()}
    item |= {
        "PK": {"S": partition_key},
        "SK": {"S": sealed.key},
        "w": {"N": str(sealed.writes)},
        "t": {"N": str(sealed.written_at)},
    }
    if before is None:
        return put_new(item)
    return put_if(item, "w", before.writes)


def delete(partition_key: str, cell: Cell) -> "Action":
    """Return the removal of an item on the condition that nobody wrote it since it was read."""
    return {
        "Delete": {
            "TableName": settings.data_table(),
            "Key": {"PK": {"S": partition_key}, "SK": {"S": cell.key}},
            "ConditionExpression": "w = :read",
            "ExpressionAttributeValues": {":read": {"N": str(cell.writes)}},
        }
    }


def merge(cells: Iterable[Cell]) -> dict[str, dict[str, int]]:
    """Return one set of counters per sort key."""
    merged: dict[str, dict[str, int]] = {}
    for cell in cells:
        add_counters(merged.setdefault(cell.key, {}), cell.counters)
    return merged


def _cell(item: "Item") -> Cell:
    counters = {name: int(value["N"]) for name, value in item.items() if "N" in value}
    writes, written_at = counters.pop("w"), counters.pop("t")
    return Cell(item["SK"]["S"], counters, writes, written_at)
