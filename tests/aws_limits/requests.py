"""Says which limits a request to AWS is past; requests are as boto3 takes them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from tests.aws_limits import limits
from tests.aws_limits.operators import in_operands, operators
from tests.aws_limits.sizes import Item, item_bytes, number_violation, numbers, value_bytes

type Request = Mapping[str, Any]
type Violations = Iterator[str]

KEYS = {"PK": limits.PARTITION_KEY_BYTES, "SK": limits.SORT_KEY_BYTES}
EXPRESSIONS = (
    "ConditionExpression",
    "FilterExpression",
    "KeyConditionExpression",
    "ProjectionExpression",
    "UpdateExpression",
)


def violations(operation: str, request: Request) -> list[str]:
    """Return a sentence for each limit that the request is past."""
    check = CHECKS.get(operation)
    return [f"{operation}: {each}" for each in check(request)] if check else []


def item_violations(item: Item) -> Violations:
    """Say what is wrong with an item as it is stored."""
    yield from _most("an item", item_bytes(item), limits.ITEM_BYTES, "bytes")
    yield from _keys(item)
    yield from _numbers(item.values())


def _most(what: str, number: int, most: int, unit: str) -> Violations:
    if number > most:
        yield f"{what} has {number} {unit}; at most {most}"


def _keys(item: Item) -> Violations:
    for name, most in KEYS.items():
        if name in item:
            size = value_bytes(item[name])
            yield from _most(f"the key {name}", size, most, "bytes")
            if size == 0:
                yield f"the key {name} is empty"


def _numbers(values: Iterable[Any]) -> Violations:
    for value in values:
        yield from filter(None, map(number_violation, numbers(value)))


def _expressions(request: Request) -> Violations:
    for name in EXPRESSIONS:
        text = request.get(name, "")
        yield from _most(name, len(text.encode()), limits.EXPRESSION_BYTES, "bytes")
        yield from _most(name, operators(text), limits.EXPRESSION_OPERATORS, "operators")
        yield from _most(f"an IN of {name}", in_operands(text), limits.EXPRESSION_IN_OPERANDS, "operands")
    names, values = (request.get(f"ExpressionAttribute{kind}", {}) for kind in ("Names", "Values"))
    size = sum(map(value_bytes, values.values())) + sum(len(name.encode()) for name in names.values())
    yield from _most("the substituted text", size, limits.EXPRESSION_VALUES_BYTES, "bytes")
    for placeholder in [*names, *values]:
        yield from _most("a placeholder", len(placeholder.encode()), limits.PLACEHOLDER_BYTES, "bytes")
    yield from _numbers(values.values())


def _write(request: Request) -> Violations:
    """PutItem, UpdateItem, DeleteItem, a condition check, or one of them in a transaction."""
    yield from _expressions(request)
    yield from item_violations(request.get("Item", {}))
    yield from _keys(request.get("Key", {}))


def _written_bytes(action: Request) -> int:
    """Return the size of what an action brings; what is stored already is looked at afterwards."""
    values = action.get("ExpressionAttributeValues", {}).values()
    return item_bytes(action.get("Item", action.get("Key", {}))) + sum(map(value_bytes, values))


def _key(item: Item) -> tuple[str, ...]:
    return tuple(str(item[name]) for name in KEYS if name in item)


def _some(what: str, number: int) -> Violations:
    if number == 0:
        yield f"{what} is empty"


def _distinct(what: str, keys: list[Any]) -> Violations:
    if len(set(keys)) < len(keys):
        yield f"{what} names something twice"


def _transaction(request: Request) -> Violations:
    actions = [action for each in request["TransactItems"] for action in each.values()]
    yield from _some("the transaction", len(actions))
    yield from _most("the transaction", len(actions), limits.TRANSACTION_ACTIONS, "actions")
    size = sum(map(_written_bytes, actions))
    yield from _most("the transaction", size, limits.TRANSACTION_BYTES, "bytes")
    token = request.get("ClientRequestToken", "")
    yield from _most("the token", len(token), limits.CLIENT_REQUEST_TOKEN_CHARACTERS, "characters")
    keys = [(action["TableName"], _key(action.get("Item", action.get("Key", {})))) for action in actions]
    yield from _distinct("the transaction", keys)
    for action in actions:
        yield from _write(action)


def _batch_get(request: Request) -> Violations:
    keys = [(table, _key(key)) for table, wanted in request["RequestItems"].items() for key in wanted["Keys"]]
    yield from _some("the batch", len(keys))
    yield from _most("the batch", len(keys), limits.BATCH_GET_ITEMS, "keys")
    yield from _distinct("the batch", keys)
    for wanted in request["RequestItems"].values():
        yield from _expressions(wanted)
        for key in wanted["Keys"]:
            yield from _keys(key)


def _batch_write(request: Request) -> Violations:
    writes = [
        (table, write)
        for table, each in request["RequestItems"].items()
        for one in each
        for write in one.values()
    ]
    items = [write.get("Item", write.get("Key", {})) for _, write in writes]
    yield from _some("the batch", len(writes))
    yield from _most("the batch", len(writes), limits.BATCH_WRITE_ITEMS, "items")
    yield from _most("the batch", sum(map(item_bytes, items)), limits.BATCH_WRITE_BYTES, "bytes")
    yield from _distinct(
        "the batch", [(table, _key(item)) for (table, _), item in zip(writes, items, strict=True)]
    )
    for item in items:
        yield from item_violations(item)


def _read(request: Request) -> Violations:
    yield from _expressions(request)
    yield from _keys(request.get("Key", {}))


def _message(request: Request) -> Violations:
    yield from _most("the message", _message_bytes(request), limits.MESSAGE_BYTES, "bytes")


def _message_bytes(entry: Request) -> int:
    attributes = entry.get("MessageAttributes", {})
    size = sum(len(name) + sum(map(len, value.values())) for name, value in attributes.items())
    return size + len(entry.get("Message", entry.get("MessageBody", "")).encode())


def _entries(request: Request) -> Violations:
    entries = request.get("PublishBatchRequestEntries", request.get("Entries", []))
    yield from _some("the batch", len(entries))
    yield from _most("the batch", len(entries), limits.MESSAGE_BATCH_ENTRIES, "entries")
    yield from _most("the batch", sum(map(_message_bytes, entries)), limits.MESSAGE_BYTES, "bytes")
    yield from _distinct("the batch", [entry["Id"] for entry in entries])


def _receive(request: Request) -> Violations:
    most = request.get("MaxNumberOfMessages", 1)
    yield from _most("the answer", most, limits.RECEIVED_MESSAGES, "messages")
    yield from _most("the wait", request.get("WaitTimeSeconds", 0), limits.WAIT_SECONDS, "seconds")
    yield from _visibility(request)


def _visibility(request: Request) -> Violations:
    seconds = request.get("VisibilityTimeout", 0)
    yield from _most("the visibility timeout", seconds, limits.VISIBILITY_SECONDS, "seconds")


CHECKS: dict[str, Callable[[Request], Violations]] = {
    "PutItem": _write,
    "UpdateItem": _write,
    "DeleteItem": _write,
    "GetItem": _read,
    "Query": _read,
    "Scan": _read,
    "TransactWriteItems": _transaction,
    "TransactGetItems": _transaction,
    "BatchGetItem": _batch_get,
    "BatchWriteItem": _batch_write,
    "Publish": _message,
    "PublishBatch": _entries,
    "SendMessage": _message,
    "SendMessageBatch": _entries,
    "DeleteMessageBatch": _entries,
    "ChangeMessageVisibilityBatch": _entries,
    "ChangeMessageVisibility": _visibility,
    "ReceiveMessage": _receive,
}
