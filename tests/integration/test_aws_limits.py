"""The limits at the wire: a call past one is refused and fails its test, even if its error is swallowed."""

import contextlib
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from tests.aws_limits.record import Record
from tests.conftest import unlimited_call
from tests.integration.conftest import Emulated

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("emulator")]

KB = 1024

type Call = Callable[..., Any]


@pytest.fixture
def partition() -> str:
    return f"TEST#{uuid.uuid4()}"


@pytest.fixture(autouse=True)
def unlimited_in_process(aws_limits: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let calls out of this process, as those of a worker are: the wire is what is tested here."""
    monkeypatch.setattr(BaseClient, "_make_api_call", unlimited_call)


@pytest.fixture
def swallowed(emulator: Emulated, aws_limits: Record) -> Call:
    """Make a call and lose its error; return what the record has of it."""

    def call(service: str, operation: str, **request: Any) -> list[str]:
        with contextlib.suppress(ClientError):
            getattr(emulator.client(service), operation)(**request)
        return aws_limits.taken()

    return call


def test_a_transaction_of_101_actions(swallowed: Call, emulator: Emulated, partition: str) -> None:
    def transaction(actions: int) -> list[str]:
        table = emulator.env["DATA_TABLE"]
        keys = [{"PK": {"S": partition}, "SK": {"S": str(i)}} for i in range(actions)]
        puts = [{"Put": {"TableName": table, "Item": key}} for key in keys]
        return swallowed("dynamodb", "transact_write_items", TransactItems=puts)

    assert transaction(100) == []
    assert transaction(101) == ["TransactWriteItems: the transaction has 101 actions; at most 100"]


def test_an_expression_of_301_terms(swallowed: Call, emulator: Emulated, partition: str) -> None:
    def add(terms: int) -> list[str]:
        return swallowed(
            "dynamodb",
            "update_item",
            TableName=emulator.env["DATA_TABLE"],
            Key={"PK": {"S": partition}, "SK": {"S": "x"}},
            UpdateExpression="ADD " + ", ".join(f"n{i} :v" for i in range(terms)),
            ExpressionAttributeValues={":v": {"N": "1"}},
        )

    assert add(300) == []
    assert add(301) == ["UpdateItem: UpdateExpression has 301 operators; at most 300"]


def test_an_item_that_an_update_makes_too_large(swallowed: Call, emulator: Emulated, partition: str) -> None:
    def append(attribute: str, size: int) -> list[str]:
        update = {
            "TableName": emulator.env["DATA_TABLE"],
            "Key": {"PK": {"S": partition}, "SK": {"S": "x"}},
            "UpdateExpression": f"SET {attribute} = :v",
            "ExpressionAttributeValues": {":v": {"S": "x" * size}},
        }
        return swallowed("dynamodb", "transact_write_items", TransactItems=[{"Update": update}])

    there = len(partition) + len("PKSKxab")

    assert append("a", 200 * KB) == []
    assert append("b", 200 * KB - there) == []
    assert len(append("b", 200 * KB - there + 1)) == 1


def test_a_sum_of_39_digits(swallowed: Call, emulator: Emulated, partition: str) -> None:
    def add(amount: int) -> list[str]:
        return swallowed(
            "dynamodb",
            "update_item",
            TableName=emulator.env["DATA_TABLE"],
            Key={"PK": {"S": partition}, "SK": {"S": "x"}},
            UpdateExpression="ADD n :v",
            ExpressionAttributeValues={":v": {"N": str(amount)}},
        )

    assert add(10**38 - 2) == []
    assert add(1) == []
    assert len(add(12)) == 1


def test_a_message_of_more_than_256_kb(swallowed: Call, emulator: Emulated) -> None:
    topic, queue = emulator.env["EVENTS_TOPIC_ARN"], emulator.env["COUNT_DEAD_LETTER_QUEUE_URL"]
    calls = [
        ("sns", "publish", {"TopicArn": topic}, "Message"),
        ("sqs", "send_message", {"QueueUrl": queue}, "MessageBody"),
    ]

    for service, operation, request, name in calls:
        assert swallowed(service, operation, **request, **{name: "x" * (256 * KB)}) == []
        assert len(swallowed(service, operation, **request, **{name: "x" * (256 * KB + 1)})) == 1


def test_a_batch_of_11_messages(swallowed: Call, emulator: Emulated) -> None:
    def send(entries: int) -> list[str]:
        queue = emulator.env["COUNT_DEAD_LETTER_QUEUE_URL"]
        batch = [{"Id": str(i), "MessageBody": "x"} for i in range(entries)]
        return swallowed("sqs", "send_message_batch", QueueUrl=queue, Entries=batch)

    def publish(entries: int) -> list[str]:
        topic = emulator.env["EVENTS_TOPIC_ARN"]
        batch = [{"Id": str(i), "Message": "x"} for i in range(entries)]
        return swallowed("sns", "publish_batch", TopicArn=topic, PublishBatchRequestEntries=batch)

    assert (send(10), publish(10)) == ([], [])
    assert (len(send(11)), len(publish(11))) == (1, 1)


def test_what_the_emulator_itself_finds_invalid(swallowed: Call, emulator: Emulated, partition: str) -> None:
    noted = swallowed(
        "dynamodb",
        "put_item",
        TableName=emulator.env["DATA_TABLE"],
        Item={"PK": {"S": partition}, "SK": {"S": "x"}},
        ConditionExpression="attribute_not_exists(",
    )

    assert [each.partition(":")[0] for each in noted] == ["PutItem"]
