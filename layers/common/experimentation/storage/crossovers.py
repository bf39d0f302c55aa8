"""CROSSOVER items: one per experiment and user who met another variant, so that each is counted once."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING
from zlib import crc32

from experimentation import settings
from experimentation.domain.assignment import Crossover
from experimentation.storage.aws.batch_read import read_items
from experimentation.storage.aws.paged_query import every_item, in_partition
from experimentation.storage.aws.transactions import delete, put_new

if TYPE_CHECKING:
    from experimentation.storage.aws.transactions import Action, Item

PARTITIONS = 64  # as many as of the assignments


def put(crossover: Crossover) -> "Action":
    """Return the write of a new crossover."""
    return put_new(
        _key(crossover.experiment_id, crossover.user_id)
        | {"variant": {"S": crossover.variant}, "at": {"N": str(crossover.at)}}
    )


def known(pairs: Iterable[tuple[str, str]]) -> list[Crossover]:
    """Return the crossovers of (experiment id, user id) pairs that exist, read consistently."""
    return [_crossover(item) for item in read_items([_key(*pair) for pair in pairs])]


def removal(experiment_id: str, user_id: str) -> "Action":
    """Return the removal of a crossover."""
    return delete(_key(experiment_id, user_id))


def of_experiment(experiment_id: str) -> Iterator[Crossover]:
    """Yield every crossover of the experiment."""
    for partition in range(PARTITIONS):
        key = f"CROSSOVER#{experiment_id}#{partition}"
        query = in_partition(settings.data_table(), key, consistent=True)
        yield from map(_crossover, every_item(query))


def _key(experiment_id: str, user_id: str) -> "Item":
    partition = crc32(user_id.encode()) % PARTITIONS
    return {"PK": {"S": f"CROSSOVER#{experiment_id}#{partition}"}, "SK": {"S": f"USER#{user_id}"}}


def _crossover(item: "Item") -> Crossover:
    return Crossover(
        item["PK"]["S"].split("#")[1],
        item["SK"]["S"].removeprefix("USER#"),
        item["variant"]["S"],
        int(item["at"]["N"]),
    )
