"""A query whose answer may be longer than the megabyte that one call reads."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from experimentation.storage.aws import client
from experimentation.storage.aws.failures import translated

if TYPE_CHECKING:
    from experimentation.storage.aws.transactions import Item


def every_item(query: Mapping[str, Any]) -> "Iterator[Item]":
    """Yield the items of a query, page after page."""
    start: dict[str, Any] = {}
    while True:
        with translated():
            answer = client.dynamodb().query(**{**query, **start})
        yield from answer["Items"]
        if "LastEvaluatedKey" not in answer:
            return
        start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
