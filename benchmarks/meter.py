"""Counts what calls of DynamoDB, SNS and SQS would be billed, at the client's hooks.

Write units are those that the emulator reports (ReturnConsumedCapacity): the larger size of an item before
and after, in KB rounded up, twice in a transaction. Read units follow from the answers by DynamoDB's rule,
because the emulator reports one unit per read whatever its size: 4 KB rounded up, per item of GetItem and
BatchGetItem, per page of Query; half of it where the read need not be consistent; a miss costs one.
"""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil
from typing import Any

from experimentation.storage.aws import client

READ_BYTES = 4_096
WRITES = frozenset({"PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"})
READS = frozenset({"GetItem", "BatchGetItem", "Query"})

type Counts = defaultdict[str, float]


@contextmanager
def metered() -> Iterator[Counts]:
    """Count `reads` and `writes` (units), `transactions`, and calls by operation, until the block ends."""
    counts: Counts = defaultdict(float)
    asked: dict[str, Any] = {}

    def before(params: dict[str, Any], model: Any, **_: Any) -> None:
        asked["consistent"] = _is_consistent(params)
        asked["keys"] = [
            len(each["Keys"]) for each in params.get("RequestItems", {}).values() if isinstance(each, dict)
        ]
        if model.name in WRITES:
            params["ReturnConsumedCapacity"] = "TOTAL"

    def after(parsed: dict[str, Any], model: Any, **_: Any) -> None:
        counts[model.name] += 1
        if model.name in WRITES:
            counts["writes"] += sum(each["CapacityUnits"] for each in _capacities(parsed))
            counts["transactions"] += model.name == "TransactWriteItems"
        elif model.name in READS:
            counts["reads"] += _read_units(parsed, asked)

    events = client.dynamodb().meta.events
    events.register("before-parameter-build.dynamodb", before)
    events.register("after-call.dynamodb", after)
    try:
        yield counts
    finally:
        events.unregister("before-parameter-build.dynamodb", before)
        events.unregister("after-call.dynamodb", after)


def item_bytes(item: dict[str, dict[str, Any]]) -> int:
    """Return an item's size as DynamoDB counts it, for strings, numbers and truth values."""
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def _value_bytes(value: dict[str, Any]) -> int:
    if "S" in value:
        return len(value["S"].encode())
    return len(value["N"]) // 2 + 2 if "N" in value else 1


def _is_consistent(params: dict[str, Any]) -> bool:
    tables = [each for each in params.get("RequestItems", {}).values() if isinstance(each, dict)]
    return any(each.get("ConsistentRead", False) for each in [params, *tables])


def _capacities(parsed: dict[str, Any]) -> list[dict[str, float]]:
    found = parsed.get("ConsumedCapacity", [])
    return found if isinstance(found, list) else [found]


def _read_units(parsed: dict[str, Any], asked: dict[str, Any]) -> float:
    if "Responses" in parsed:
        sizes = [item_bytes(item) for items in parsed["Responses"].values() for item in items]
        sizes += [0] * (sum(asked["keys"]) - len(sizes))
    elif "Items" in parsed:
        sizes = [sum(map(item_bytes, parsed["Items"]))]
    else:
        sizes = [item_bytes(parsed.get("Item", {}))]
    units = sum(max(1, ceil(size / READ_BYTES)) for size in sizes)
    return units if asked["consistent"] else units / 2
