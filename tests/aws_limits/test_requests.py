"""Each limit bites at n + 1 and not at n."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.aws_limits.requests import item_violations, violations

KB = 1024
MB = 1024 * KB

type Request = dict[str, Any]


def key(name: str = "p", sort: str = "s") -> Request:
    return {"PK": {"S": name}, "SK": {"S": sort}}


def put(item: Request) -> Request:
    return {"TableName": "T", "Item": item}


def update(expression: str = "SET a = :v", **values: Any) -> Request:
    return {
        "TableName": "T",
        "Key": key(),
        "UpdateExpression": expression,
        "ExpressionAttributeValues": values or {":v": {"N": "1"}},
    }


def transaction(actions: int, size: int = 10) -> Request:
    items = [{**key(str(i)), "a": {"S": "x" * size}} for i in range(actions)]
    return {"TransactItems": [{"Put": put(item)} for item in items]}


def item_of(size: int) -> Request:
    """An item of so many bytes."""
    return {**key(), "a": {"S": "x" * (size - len("PKp" + "SKs" + "a"))}}


def batch(entry: Callable[[int], Request], entries: int) -> Request:
    return {"Entries": [{"Id": str(i), **entry(i)} for i in range(entries)]}


def keys(number: int) -> Request:
    return {"RequestItems": {"T": {"Keys": [key(str(i)) for i in range(number)]}}}


def puts(number: int, size: int = 20) -> Request:
    items = [{**key(str(i)), "a": {"S": "x" * size}} for i in range(number)]
    return {"RequestItems": {"T": [{"PutRequest": {"Item": item}} for item in items]}}


def condition(expression: str) -> Request:
    return {**put(key()), "ConditionExpression": expression}


LIMITS: dict[str, tuple[str, int, Callable[[int], Request]]] = {
    "actions": ("TransactWriteItems", 100, transaction),
    "bytes of a transaction": (
        "TransactWriteItems",
        4 * MB,
        lambda n: {
            "TransactItems": [
                *({"Put": put({**item_of(200_000), "PK": {"S": str(i)}})} for i in range(10, 30)),
                {"Put": put(item_of(n - 20 * 200_001))},
            ]
        },
    ),
    "characters of a token": (
        "TransactWriteItems",
        36,
        lambda n: {**transaction(1), "ClientRequestToken": "t" * n},
    ),
    "bytes of an expression": (
        "UpdateItem",
        4 * KB,
        lambda n: update("SET " + "a" * (n - len("SET  = :v")) + " = :v"),
    ),
    "terms of ADD": ("UpdateItem", 300, lambda n: update("ADD " + ", ".join(f"a{i} :v" for i in range(n)))),
    "terms of SET": ("UpdateItem", 300, lambda n: update("SET " + ", ".join(f"a{i}=:v" for i in range(n)))),
    "sums": ("UpdateItem", 300, lambda n: update("SET a = :v" + " + :v" * (n - 1))),
    "functions and operators": (
        "UpdateItem",
        300,
        lambda n: update(
            "SET "
            + ", ".join(["a = if_not_exists(b, :v)"] * 149 + ["a = :v"])
            + " ADD b :v"
            + ", b :v" * (n - 300)
        ),
    ),
    "terms of REMOVE": (
        "UpdateItem",
        300,
        lambda n: update("REMOVE " + ", ".join(f"a{i}" for i in range(n))),
    ),
    "operators of a condition": (
        "PutItem",
        300,
        lambda n: condition("NOT " * (n - 299) + " AND ".join(["a = :v"] * 150)),
    ),
    "operands of IN": ("PutItem", 100, lambda n: condition(f"a IN ({', '.join([':v'] * n)})")),
    "bytes of values": ("UpdateItem", 2 * MB, lambda n: update("SET a = :v", **{":v": {"S": "x" * n}})),
    "bytes of a placeholder": (
        "UpdateItem",
        255,
        lambda n: update("SET a = :v", **{":" + "v" * (n - 1): {"S": ""}}),
    ),
    "bytes of an item": ("PutItem", 400 * KB, lambda n: put(item_of(n))),
    "bytes of a partition key": ("GetItem", 2_048, lambda n: {"Key": key("é" * (n // 2) + "e" * (n % 2))}),
    "bytes of a sort key": ("DeleteItem", 1_024, lambda n: {"Key": key("p", "s" * n)}),
    "digits": ("PutItem", 38, lambda n: put({**key(), "m": {"M": {"n": {"N": "-0." + "1" * n + "00"}}}})),
    "digits of a value": ("UpdateItem", 38, lambda n: update("SET a = :v", **{":v": {"N": "1" * n}})),
    "a number's magnitude": ("PutItem", 125, lambda n: put({**key(), "n": {"N": f"1e{n}"}})),
    "a number's smallness": ("PutItem", 130, lambda n: put({**key(), "n": {"N": f"1e-{n}"}})),
    "keys of BatchGetItem": ("BatchGetItem", 100, keys),
    "items of BatchWriteItem": ("BatchWriteItem", 25, puts),
    "entries of a send": ("SendMessageBatch", 10, lambda n: batch(lambda _: {"MessageBody": "x"}, n)),
    "entries of a deletion": (
        "DeleteMessageBatch",
        10,
        lambda n: batch(lambda i: {"ReceiptHandle": str(i)}, n),
    ),
    "entries of a publication": (
        "PublishBatch",
        10,
        lambda n: {"PublishBatchRequestEntries": [{"Id": str(i), "Message": "x"} for i in range(n)]},
    ),
    "bytes of a message": ("SendMessage", 256 * KB, lambda n: {"MessageBody": "x" * n}),
    "bytes of a published message": (
        "Publish",
        256 * KB,
        lambda n: {"Message": "é" * (n // 2) + "e" * (n % 2)},
    ),
    "bytes of a batch": (
        "SendMessageBatch",
        256 * KB,
        lambda n: batch(lambda i: {"MessageBody": "x" * (n - 1_000 if i else 1_000)}, 2),
    ),
    "bytes of a batch of publications": (
        "PublishBatch",
        256 * KB,
        lambda n: {
            "PublishBatchRequestEntries": [{"Id": "1", "Message": "x"}, {"Id": "2", "Message": "x" * (n - 1)}]
        },
    ),
    "received messages": ("ReceiveMessage", 10, lambda n: {"MaxNumberOfMessages": n}),
    "seconds of waiting": ("ReceiveMessage", 20, lambda n: {"WaitTimeSeconds": n}),
    "seconds of hiding": ("ChangeMessageVisibility", 43_200, lambda n: {"VisibilityTimeout": n}),
}
"""Per limit: the operation, n, and the request that is as large as it is told."""


@pytest.mark.parametrize("limit", LIMITS)
def test_a_limit_bites_at_one_more(limit: str) -> None:
    operation, most, request = LIMITS[limit]

    assert violations(operation, request(most)) == []
    assert len(violations(operation, request(most + 1))) == 1


@pytest.mark.parametrize(
    ("operation", "request_"),
    [
        (
            "TransactWriteItems",
            {"TransactItems": [{"Put": put(key())}, {"Delete": {"TableName": "T", "Key": key()}}]},
        ),
        ("BatchGetItem", {"RequestItems": {"T": {"Keys": [key(), key()]}}}),
        ("BatchWriteItem", {"RequestItems": {"T": [{"PutRequest": {"Item": key()}}] * 2}}),
        ("SendMessageBatch", {"Entries": [{"Id": "1", "MessageBody": "x"}] * 2}),
    ],
)
def test_nothing_is_named_twice(operation: str, request_: Request) -> None:
    assert [each.rpartition(" names")[1] for each in violations(operation, request_)] == [" names"]


@pytest.mark.parametrize(
    ("operation", "request_"),
    [
        ("TransactWriteItems", {"TransactItems": []}),
        ("BatchGetItem", {"RequestItems": {"T": {"Keys": []}}}),
        ("BatchWriteItem", {"RequestItems": {"T": []}}),
        ("SendMessageBatch", {"Entries": []}),
    ],
)
def test_nothing_is_empty(operation: str, request_: Request) -> None:
    assert [each.rpartition(" is empty")[1] for each in violations(operation, request_)] == [" is empty"]


def test_the_same_key_of_two_tables_is_not_the_same_item() -> None:
    other = {"TableName": "U", "Item": key()}

    assert violations("TransactWriteItems", {"TransactItems": [{"Put": put(key())}, {"Put": other}]}) == []


@pytest.mark.parametrize("name", ["PK", "SK"])
def test_a_key_is_not_empty(name: str) -> None:
    assert len(violations("PutItem", put({**key(), name: {"S": ""}}))) == 1


def test_sixteen_megabytes_are_the_most_of_a_batch() -> None:
    # 25 items within their own limit are less, so these are past that one too
    def of_the_batch(more: int) -> list[str]:
        request = puts(16, MB - len("PKSKas") - 1)
        for i, each in enumerate(request["RequestItems"]["T"]):
            each["PutRequest"]["Item"]["PK"]["S"] = chr(ord("a") + i)
        request["RequestItems"]["T"][0]["PutRequest"]["Item"]["a"]["S"] += "x" * more
        return [each for each in violations("BatchWriteItem", request) if "the batch" in each]

    assert of_the_batch(0) == []
    assert len(of_the_batch(1)) == 1


def test_every_number_of_an_item_is_looked_at() -> None:
    good, bad = "1" * 38, "1" * 39
    places: list[Callable[[str], Request]] = [
        lambda n: {"N": n},
        lambda n: {"NS": ["1", n]},
        lambda n: {"L": [{"S": "x"}, {"N": n}]},
        lambda n: {"M": {"a": {"L": [{"M": {"b": {"N": n}}}]}}},
    ]

    assert [[*item_violations({**key(), "a": place(good)})] for place in places] == [[]] * 4
    assert [len([*item_violations({**key(), "a": place(bad)})]) for place in places] == [1] * 4


@pytest.mark.parametrize("number", ["0", "0.000", "0e-200", "-1e125", "123e123", f"{10**37}"])
def test_numbers_that_are_taken(number: str) -> None:
    assert [*item_violations({**key(), "n": {"N": number}})] == []


@pytest.mark.parametrize("number", ["", "NaN", "Infinity", "1e126", "10e125", "1e-131", "0.1e-130", "x"])
def test_numbers_that_are_not_taken(number: str) -> None:
    assert len([*item_violations({**key(), "n": {"N": number}})]) == 1
