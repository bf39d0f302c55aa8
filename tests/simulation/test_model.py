"""The model behaves as DynamoDB and SQS are documented to, and refuses what it does not know."""

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from tests.simulation.expressions import NotModelledError, condition, update
from tests.simulation.faults import Faults
from tests.simulation.queue import MAX_RECEIVES, Queue
from tests.simulation.schedule import Schedule
from tests.simulation.services import DynamoDB, Wire
from tests.simulation.table import Table


class Bench:
    """A table with a client, and actors that use it."""

    def __init__(self, seed=1, **faults):
        self.schedule = Schedule(seed, 0.0)
        self.table = Table(self.schedule, page_items=2)
        self.client = DynamoDB(Wire(self.schedule, Faults(**faults)), self.table)

    def run(self, *bodies):
        outcomes = []
        for body in bodies:
            self.schedule.start(lambda body=body: body(self.client), outcomes.append)
        self.schedule.run()
        return outcomes


def key(name):
    return {"PK": {"S": name}, "SK": {"S": "s"}}


def put(name, condition_expression=None, **attributes):
    action = {"TableName": "T", "Item": key(name) | {n: {"N": str(v)} for n, v in attributes.items()}}
    if condition_expression:
        action["ConditionExpression"] = condition_expression
    return {"Put": action}


def write(*actions):
    return lambda client: client.transact_write_items(TransactItems=list(actions))


def reasons(error):
    return [reason["Code"] for reason in error.response["CancellationReasons"]]


def test_two_transactions_at_once_on_one_item_conflict():
    outcomes = [
        outcome
        for seed in range(30)
        for outcome in Bench(seed).run(write(put("a"), put("b")), write(put("b"), put("c")))
        if isinstance(outcome, ClientError)
    ]

    assert outcomes
    assert all("TransactionConflict" in reasons(error) for error in outcomes)


def test_every_condition_that_fails_is_reported_and_nothing_is_written():
    bench = Bench()
    bench.run(write(put("a"), put("b")))

    (error,) = bench.run(
        write(
            put("a", "attribute_not_exists(PK)"),
            put("c"),
            put("b", "attribute_not_exists(PK)"),
        )
    )

    assert reasons(error) == ["ConditionalCheckFailed", "None", "ConditionalCheckFailed"]
    assert ("c", "s") not in bench.table.items


@pytest.mark.parametrize(
    "actions",
    [[put(f"k{n}") for n in range(101)], [put("a"), put("a")], [], [put("x" * 2_049)]],
    ids=["101 actions", "two actions on one item", "no action", "a key of 2049 bytes"],
)
def test_what_dynamodb_takes_for_invalid_is_refused(actions):
    bench = Bench()

    (error,) = bench.run(write(*actions))

    assert error.response["Error"]["Code"] == "ValidationException"
    assert len(bench.client._wire.past_limits) == 1


def test_a_lost_answer_is_a_timeout_although_the_write_was_done():
    bench = Bench(lost=1.0)

    (error,) = bench.run(write(put("a", n=1)))

    assert isinstance(error, ReadTimeoutError)
    assert bench.table.items["a", "s"]["n"] == {"N": "1"}


def test_the_second_attempt_of_one_call_does_not_write_again():
    bench = Bench(lost=1.0)
    add = {
        "Update": {
            "TableName": "T",
            "Key": key("a"),
            "UpdateExpression": "ADD n :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        }
    }

    bench.run(write(add))

    assert bench.table.items["a", "s"]["n"] == {"N": "1"}


def test_a_batch_get_can_see_half_of_a_transaction():
    seen = set()
    for seed in range(300):
        bench = Bench(seed)
        request = {"T": {"Keys": [key("a"), key("b")], "ConsistentRead": True}}
        outcomes = bench.run(
            write(put("a"), put("b")),
            lambda client, r=request: client.batch_get_item(RequestItems=r)["Responses"]["T"],
        )
        seen |= {len(outcome) for outcome in outcomes if isinstance(outcome, list)}

    assert seen == {0, 1, 2}


def test_a_query_pages_in_the_order_of_the_sort_key():
    bench = Bench()
    for name in "cab":
        bench.table.write("Put", {"TableName": "T", "Item": {"PK": {"S": "p"}, "SK": {"S": name}}})
    query = {
        "TableName": "T",
        "KeyConditionExpression": "PK = :p",
        "ExpressionAttributeValues": {":p": {"S": "p"}},
    }

    ((first, second),) = bench.run(
        lambda client: (
            client.query(**query),
            client.query(**query, ExclusiveStartKey={"PK": {"S": "p"}, "SK": {"S": "b"}}),
        )
    )

    assert [item["SK"]["S"] for item in first["Items"]] == ["a", "b"]
    assert first["LastEvaluatedKey"]["SK"] == {"S": "b"}
    assert [item["SK"]["S"] for item in second["Items"]] == ["c"]
    assert "LastEvaluatedKey" not in second


@pytest.mark.parametrize("text", ["size(a) > :b", "a BETWEEN :b AND :c", "a = b", "a ="])
def test_unknown_conditions_are_refused_loudly(text):
    with pytest.raises(NotModelledError):
        condition(text)


@pytest.mark.parametrize("text", ["REMOVE a", "SET a = a", "DELETE a :b"])
def test_unknown_updates_are_refused_loudly(text):
    with pytest.raises(NotModelledError):
        update(text)


def test_a_message_received_too_often_becomes_a_dead_letter_and_can_come_back():
    schedule = Schedule(1, 0.0)
    queue = Queue(schedule, Faults())
    queue.send("body")

    for _ in range(MAX_RECEIVES):
        assert queue.receive(10)
        schedule.run()

    assert queue.receive(10) == []
    assert list(queue.dead.values()) == ["body"]
    assert queue.unfinished == 0
