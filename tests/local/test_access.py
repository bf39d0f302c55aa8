"""Which calls a function's policies let through."""

from typing import Any

import pytest

from local.access import Permission, needed, refused, statements

TABLE = "arn:aws:dynamodb:us-east-1:000000000000:table/stack-DataTable-1"
QUEUE = "arn:aws:sqs:us-east-1:000000000000:stack-CountQueue-1"


@pytest.mark.parametrize(
    ("granted", "wanted"),
    [
        (("dynamodb:GetItem", TABLE), ("dynamodb:GetItem", "stack-DataTable-1")),
        (
            ("sqs:SendMessage", QUEUE),
            ("sqs:SendMessage", "http://127.0.0.1:1/000000000000/stack-CountQueue-1"),
        ),
        (("s3:PutObject", "arn:aws:s3:::bucket/events/*"), ("s3:PutObject", "bucket/events/a/b.gz")),
        (("sns:Publish", "arn:aws:sns:us-east-1:1:topic"), ("sns:Publish", "arn:aws:sns:us-east-1:1:topic")),
    ],
)
def test_a_policy_names_arns_where_calls_use_names(granted: tuple[str, str], wanted: tuple[str, str]) -> None:
    assert refused([Permission(*wanted)], [Permission(*granted)]) == []


@pytest.mark.parametrize(
    ("granted", "wanted"),
    [
        (("dynamodb:GetItem", TABLE), ("dynamodb:PutItem", "stack-DataTable-1")),
        (("dynamodb:GetItem", TABLE), ("dynamodb:GetItem", "stack-AccountsTable-1")),
        (("s3:PutObject", "arn:aws:s3:::bucket/events/*"), ("s3:PutObject", "bucket/other")),
    ],
)
def test_another_action_or_another_resource_is_refused(
    granted: tuple[str, str], wanted: tuple[str, str]
) -> None:
    assert refused([Permission(*wanted)], [Permission(*granted)]) == [Permission(*wanted)]


def test_a_transaction_needs_the_actions_of_its_parts() -> None:
    parts: list[dict[str, Any]] = [
        {"Put": {"TableName": "a"}},
        {"Update": {"TableName": "a"}},
        {"ConditionCheck": {"TableName": "b"}},
        {"Delete": {"TableName": "a"}},
    ]

    assert needed("dynamodb", "TransactWriteItems", {"TransactItems": parts}) == {
        Permission("dynamodb:PutItem", "a"),
        Permission("dynamodb:UpdateItem", "a"),
        Permission("dynamodb:ConditionCheckItem", "b"),
        Permission("dynamodb:DeleteItem", "a"),
    }


def test_a_batch_needs_the_action_of_one() -> None:
    assert needed("sqs", "SendMessageBatch", {"QueueUrl": "q"}) == {Permission("sqs:SendMessage", "q")}
    assert needed("dynamodb", "BatchGetItem", {"RequestItems": {"a": {}}}) == {
        Permission("dynamodb:BatchGetItem", "a")
    }


def test_a_managed_policy_counts_as_the_functions_own() -> None:
    managed = {"Statement": [{"Action": ["a:B"], "Resource": "x"}]}
    resources = {"Shared": {"Properties": {"PolicyDocument": managed}}}
    own = {"Statement": [{"Action": ["c:D", "c:E"], "Resource": ["y", "z"]}]}

    found = statements([{"Ref": "Shared"}, own], resources)

    assert [grant[:2] for grant in found] == [
        ("a:B", "x"),
        ("c:D", "y"),
        ("c:D", "z"),
        ("c:E", "y"),
        ("c:E", "z"),
    ]


READING_DENIALS = {
    "Statement": [
        {
            "Action": ["dynamodb:Query", "dynamodb:GetItem", "dynamodb:PutItem"],
            "Resource": TABLE,
            "Condition": {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["DENY", "AUDIT#*"]}},
        }
    ]
}
NAME = "stack-DataTable-1"


@pytest.mark.parametrize(
    ("operation", "parameters", "is_allowed"),
    [
        ("GetItem", {"Key": {"PK": {"S": "DENY"}}}, True),
        ("GetItem", {"Key": {"PK": {"S": "ACCOUNT"}}}, False),
        ("GetItem", {"Key": {"PK": {"S": "DENY#1"}}}, False),
        ("PutItem", {"Item": {"PK": {"S": "AUDIT#1"}}}, True),
        ("PutItem", {"Item": {"PK": {"S": "AUDIT"}}}, False),
        (
            "Query",
            {
                "KeyConditionExpression": "PK = :deny AND SK > :now",
                "ExpressionAttributeValues": {":deny": {"S": "DENY"}, ":now": {"S": "1"}},
            },
            True,
        ),
        (
            "Query",
            {
                "KeyConditionExpression": "PK = :p",
                "ExpressionAttributeValues": {":p": {"S": "ACCOUNT"}},
            },
            False,
        ),
    ],
)
def test_policy_confines_calls_to_its_partition_keys(
    operation: str, parameters: dict[str, Any], is_allowed: bool
) -> None:
    granted = [Permission(*grant) for grant in statements([READING_DENIALS], {})]
    called = {"TableName": NAME, **parameters}

    assert (refused(needed("dynamodb", operation, called), granted) == []) is is_allowed
    if operation != "Query":
        kind = {"GetItem": "Get", "PutItem": "Put"}[operation]
        if kind == "Put":
            wanted = needed("dynamodb", "TransactWriteItems", {"TransactItems": [{kind: called}]})
            assert (refused(wanted, granted) == []) is is_allowed


def granting(operator: str, name: str, value: str) -> list[Permission]:
    statement = {"Action": ["dynamodb:GetItem"], "Resource": TABLE, "Condition": {operator: {name: [value]}}}
    return [Permission(*grant) for grant in statements([{"Statement": [statement]}], {})]


def test_star_stands_for_anything_in_a_likeness_alone() -> None:
    wanted = needed("dynamodb", "GetItem", {"TableName": NAME, "Key": {"PK": {"S": "AUDIT#1"}}})

    like = granting("ForAllValues:StringLike", "dynamodb:LeadingKeys", "AUDIT#*")
    equal = granting("ForAllValues:StringEquals", "dynamodb:LeadingKeys", "AUDIT#*")

    assert refused(wanted, like) == []
    assert refused(wanted, equal) == list(wanted)


@pytest.mark.parametrize(
    ("operator", "name"),
    [
        ("StringEquals", "dynamodb:LeadingKeys"),
        ("ForAnyValue:StringLike", "dynamodb:LeadingKeys"),
        ("StringEquals", "aws:SourceVpc"),
    ],
)
def test_condition_that_could_not_be_tried_lets_nothing_start(operator: str, name: str) -> None:
    with pytest.raises(ValueError, match=name):
        granting(operator, name, "DENY")
