"""Transactions: all or nothing, and why not."""

import pytest
from botocore.exceptions import ClientError

from experimentation.domain.errors import UnavailableError
from experimentation.storage.aws import client
from experimentation.storage.aws.transactions import CancelledError, commit, put_if, put_new
from tests.cancelled import cancelling
from tests.wire import BUSY_JSON, answering

ITEM = {"PK": {"S": "a"}, "SK": {"S": "b"}, "v": {"N": "1"}}

pytestmark = pytest.mark.usefixtures("aws")


def test_a_new_item_is_put_once_and_replaced_only_as_it_was_read():
    commit([put_new(ITEM)])
    commit([put_if(ITEM | {"v": {"N": "2"}}, "v", 1)])

    for stale in (put_new(ITEM), put_if(ITEM, "v", 1)):
        with pytest.raises(CancelledError) as refused:
            commit([put_new({"PK": {"S": "c"}, "SK": {"S": "d"}}), stale])
        assert refused.value.failed_conditions() == [1]

    found = client.dynamodb().scan(TableName="DataTable")["Items"]
    assert found == [ITEM | {"v": {"N": "2"}}]


def test_a_conflict_and_a_throttle_are_conflicts_and_a_condition_is_none():
    reasons = ["None", "ConditionalCheckFailed", "TransactionConflict", "ThrottlingError"]

    with cancelling(lambda _: reasons), pytest.raises(CancelledError) as refused:
        commit([put_new(ITEM)])

    cancelled = refused.value
    assert str(cancelled) == "ConditionalCheckFailed, ThrottlingError, TransactionConflict"
    assert [cancelled.condition_failed(place) for place in range(4)] == [False, True, False, False]
    assert [cancelled.conflicted(place) for place in range(4)] == [False, False, True, True]


def test_a_store_that_does_not_answer_is_unavailable():
    with answering(client.dynamodb(), "TransactWriteItems", BUSY_JSON), pytest.raises(UnavailableError):
        commit([put_new(ITEM)])


def test_what_dynamodb_calls_invalid_is_a_fault_of_ours(aws_limits):
    with pytest.raises(ClientError):
        commit([put_new(ITEM), put_new(ITEM)])

    assert aws_limits.taken() == ["TransactWriteItems: the transaction names something twice"]
