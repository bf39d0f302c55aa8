"""ROLLUP items: the counters of domain/counting, spread over shards, and the shard of sealed days."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

from experimentation import settings
from experimentation.domain.experiment import Experiment
from experimentation.storage.aws import client
from experimentation.storage.aws.batch_read import read_items
from experimentation.storage.aws.failures import translated
from experimentation.storage.aws.transactions import put_if, put_new

if TYPE_CHECKING:
    from experimentation.storage.aws.transactions import Action, Item

SEALED = "sealed"
PARALLEL = 8


class Cell(NamedTuple):
    """One rollup item: `writes` changes with every write of it, `written_at` (milliseconds) is the last."""

    key: str
    counters: dict[str, int]
    writes: int
    written_at: int


def partition(experiment: Experiment, shard: int | str) -> str:
    """Return the partition key of one shard."""
    return f"ROLLUP#{experiment.id}#{experiment.generation}#{shard}"


def enrolment_partition(experiment: Experiment, shard: int | str) -> str:
    """Return the partition key of one shard of the enrolment counters."""
    return f"ENROL#{experiment.id}#{experiment.generation}#{shard}"


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


def read_both(
    first: Sequence[tuple[str, str]], second: Sequence[tuple[str, str]]
) -> tuple[list[Cell], list[Cell]]:
    """Return the items of two lists of (partition key, prefix), read side by side, each counter once.

    The open shards come first. What is in the sealed shard too may have been sealed in between, and is read
    again.
    """
    wanted = [*first, *second]
    opened = [each for each in wanted if not _is_sealed(each[0])]
    sealed = [each for each in wanted if _is_sealed(each[0])]
    with ThreadPoolExecutor(PARALLEL) as pool:
        found = dict(zip(opened, pool.map(lambda each: read(*each), opened), strict=True))
        found |= zip(sealed, pool.map(lambda each: read(*each, consistent=True), sealed), strict=True)
    sealed_keys = {cell.key for each in sealed for cell in found[each]}
    doubtful = {
        (each[0], cell.key): None for each in opened for cell in found[each] if cell.key in sealed_keys
    }
    if doubtful:
        again = _read_again(doubtful)
        for each in opened:
            places = [(each[0], cell.key) for cell in found[each]]
            sure = [cell for cell, place in zip(found[each], places, strict=True) if place not in doubtful]
            found[each] = sure + [again[place] for place in places if place in again]
    split = [[cell for each in part for cell in found[each]] for part in (first, second)]
    return split[0], split[1]


def _is_sealed(partition_key: str) -> bool:
    return partition_key.endswith(f"#{SEALED}")


def _read_again(places: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Cell]:
    items = read_items({"PK": {"S": partition_key}, "SK": {"S": key}} for partition_key, key in places)
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
        counters = merged.setdefault(cell.key, {})
        for name, amount in cell.counters.items():
            counters[name] = counters.get(name, 0) + amount
    return merged


def _cell(item: "Item") -> Cell:
    counters = {name: int(value["N"]) for name, value in item.items() if "N" in value}
    writes, written_at = counters.pop("w"), counters.pop("t")
    return Cell(item["SK"]["S"], counters, writes, written_at)
