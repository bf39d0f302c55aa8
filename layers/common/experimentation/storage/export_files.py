"""EXPORTS items: the progress of the files with all rows of an experiment."""

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from experimentation import settings
from experimentation.domain.results.export_file import ExportFile
from experimentation.domain.results.rows import Position
from experimentation.storage.aws.paged_query import every_item, in_partition
from experimentation.storage.aws.transactions import commit, put_if

if TYPE_CHECKING:
    from experimentation.storage.aws.transactions import Action, Item

PARTITION = "EXPORTS"  # one for all: each item is gone after a day


def begin(file: ExportFile) -> "Action":
    """Return the write of a new file, on the condition that none of its kind is being written."""
    # By its time too: DynamoDB may delete an expired item days later.
    is_over = "attribute_not_exists(PK) OR attribute_exists(ready_at) OR expires_at <= :now"
    return {
        "Put": {
            "TableName": settings.data_table(),
            "Item": _item(file),
            "ConditionExpression": is_over,
            "ExpressionAttributeValues": {":now": {"N": str(file.started_at // 1000)}},
        }
    }


def advance(file: ExportFile, **changes: Any) -> ExportFile:
    """Store changes of a file; CancelledError when another run changed it since it was read."""
    after = replace(file, step=file.step + 1, **changes)
    commit([put_if(_item(after), "step", file.step)])
    return after


def of_experiment(experiment_id: str, now: int) -> list[ExportFile]:
    """Return the experiment's files that have not expired, read consistently."""
    return [each for each in _read(f"{experiment_id}#") if each.expires_at > now]


def unfinished(now: int) -> list[ExportFile]:
    """Return the files that are still to be written, the oldest first, read consistently."""
    waiting = [each for each in _read("") if each.ready_at is None and each.expires_at > now]
    return sorted(waiting, key=lambda each: each.started_at)


def _read(prefix: str) -> Iterator[ExportFile]:
    query = in_partition(settings.data_table(), PARTITION, prefix, consistent=True)
    return map(_file, every_item(query))


def _item(file: ExportFile) -> "Item":
    item: Item = {
        "PK": {"S": PARTITION},
        "SK": {"S": f"{file.experiment_id}#{file.rows}.{file.form}"},
        "file": {"S": json.dumps(asdict(file), ensure_ascii=False, separators=(",", ":"))},
        "step": {"N": str(file.step)},
        "expires_at": {"N": str(file.expires_at // 1000)},
    }
    return item if file.ready_at is None else item | {"ready_at": {"N": str(file.ready_at)}}


def _file(item: "Item") -> ExportFile:
    file = ExportFile(**json.loads(item["file"]["S"]))
    after = None if file.after is None else Position(*file.after)
    return replace(file, metrics=tuple(file.metrics), after=after)
