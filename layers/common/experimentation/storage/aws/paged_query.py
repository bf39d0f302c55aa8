"""Queries of one partition: a page of its items, or all of them, of which a call reads a megabyte at most."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from experimentation.storage.aws import client
from experimentation.storage.aws.failures import translated

if TYPE_CHECKING:
    from experimentation.storage.aws.transactions import Item


def in_partition(table: str, partition: str, prefix: str = "", *, consistent: bool) -> dict[str, Any]:
    """Return the query of a partition's items, of those alone whose sort keys begin with the prefix."""
    condition, values = "PK = :partition", {":partition": {"S": partition}}
    if prefix:
        condition, values = f"{condition} AND begins_with(SK, :prefix)", values | {":prefix": {"S": prefix}}
    return {
        "TableName": table,
        "KeyConditionExpression": condition,
        "ExpressionAttributeValues": values,
        "ConsistentRead": consistent,
    }


def one_page(
    query: Mapping[str, Any], limit: int, start: str | None, prefix: str = ""
) -> "tuple[list[Item], str | None]":
    """Return up to `limit` items after the sort key `start`, and the one to go on after; None at the end.

    Both are without the prefix that the items' sort keys have.
    """
    begin = {}
    if start is not None:
        partition = query["ExpressionAttributeValues"][":partition"]
        begin = {"ExclusiveStartKey": {"PK": partition, "SK": {"S": prefix + start}}}
    with translated():
        answer = client.dynamodb().query(**{**query, "Limit": limit, **begin})
    last = answer.get("LastEvaluatedKey")
    return answer["Items"], last["SK"]["S"].removeprefix(prefix) if last else None


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
