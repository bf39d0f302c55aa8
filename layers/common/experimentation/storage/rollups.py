"""ROLLUP items: the counters of domain/counting, spread over shards, and the shard of sealed days."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

from experimentation import settings
from experimentation.domain.counting.windows import add_counters
from experimentation.domain.experiment import Experiment
from experimentation.storage.aws import client
from experimentation.storage.aws.batch_read import read_items
from experimentation.storage.aws.failures import translated
from experimentation.storage.aws.transactions import put_if, put_new

if TYPE_CHECKING:
    from experimentation.storage.aws.transactions import Action, Item

SEALED = "sealed"
PARALLEL = 8
GENERATION = 0  # room in the keys for counters that are built anew beside those in use


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
    cells: list[Cell] = []
    start: dict[str, Any] = {}
    condition, values = "PK = :pk", {":pk": {"S": partition_key}}
    if prefix:
        condition, values = f"{condition} AND begins_with(SK, :prefix)", values | {":prefix": {"S": prefix}}
    while True:
        with translated():
            answer = client.dynamodb().query(
                TableName=settings.data_table(),
                KeyConditionExpression=condition,
                ExpressionAttributeValues=values,
                ConsistentRead=consistent,
                **start,
            )
        cells += map(_cell, answer["Items"])
        if "LastEvaluatedKey" not in answer:
            return cells
        start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}


def read_slices(slices: Sequence[Slice]) -> dict[Slice, list[Cell]]:
    """Return the items of each slice, read side by side, each counter in one of them only."""
    sealed = [each for each in slices if each.is_sealed]
    with ThreadPoolExecutor(PARALLEL) as pool:
        # Read the open shards before the sealed ones: a key that is sealed in between is then seen twice,
        # never missed.
        found = _side_by_side(pool, [each for each in slices if not each.is_sealed], consistent=False)
        found |= _side_by_side(pool, sealed, consistent=True)
    sealed_keys = {cell.key for each in sealed for cell in found[each]}
    return found | _still_open(found, sealed_keys)


def _side_by_side(
    pool: ThreadPoolExecutor, slices: Sequence[Slice], *, consistent: bool
) -> dict[Slice, list[Cell]]:
    cells = pool.map(lambda each: read(*each, consistent=consistent), slices)
    return dict(zip(slices, cells, strict=True))


def _still_open(found: Mapping[Slice, list[Cell]], sealed_keys: set[str]) -> dict[Slice, list[Cell]]:
    """Return the open slices that hold keys of the sealed shard too, with those items read again."""
    doubtful = {
        each: [cell.key for cell in cells if cell.key in sealed_keys]
        for each, cells in found.items()
        if not each.is_sealed
    }
    again = _read_cells((each.partition, key) for each, keys in doubtful.items() for key in keys)
    return {
        each: [cell for cell in found[each] if cell.key not in sealed_keys]
        + [again[each.partition, key] for key in keys if (each.partition, key) in again]
        for each, keys in doubtful.items()
        if keys
    }


def _read_cells(keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Cell]:
    items = read_items(
        {"PK": {"S": partition_key}, "SK": {"S": key}} for partition_key, key in dict.fromkeys(keys)
    )
    return {(item["PK"]["S"], item["SK"]["S"]): _cell(item) for item in items}


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
