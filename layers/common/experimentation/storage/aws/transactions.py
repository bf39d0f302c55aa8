"""All-or-nothing writes: one TransactWriteItems, and why it was cancelled."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from experimentation import settings
from experimentation.storage.aws import client
from experimentation.storage.aws.failures import cancellation_reasons, translated

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

CONDITION_FAILED = "ConditionalCheckFailed"

type Action = TransactWriteItemTypeDef
type Item = dict[str, Any]
"""A DynamoDB item in its wire shape: attribute -> {"S": text} or {"N": digits}."""


class CancelledError(Exception):
    """Nothing was written; `reasons` has one DynamoDB code per action, "None" where it was not the reason."""

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__(", ".join(sorted(set(reasons) - {"None"})))
        self.reasons: tuple[str, ...] = tuple(reasons)

    def failed_conditions(self) -> list[int]:
        """Return the positions of the actions whose condition did not hold."""
        return [position for position in range(len(self.reasons)) if self.condition_failed(position)]

    def condition_failed(self, position: int) -> bool:
        """Tell whether the condition of the action at `position` did not hold."""
        return self.reasons[position] == CONDITION_FAILED

    def conflicted(self, position: int) -> bool:
        """Tell whether that action was refused for a transient reason: a conflict, or a throttle."""
        return self.reasons[position] not in {"None", CONDITION_FAILED}


def put_new(item: Item) -> Action:
    """Return the write of an item on the condition that there is none with its key."""
    return {
        "Put": {
            "TableName": settings.data_table(),
            "Item": item,
            "ConditionExpression": "attribute_not_exists(PK)",
        }
    }


def put_if(item: Item, counter: str, read: int) -> Action:
    """Return the write of an item on the condition that its `counter` still is what was read."""
    return {
        "Put": {
            "TableName": settings.data_table(),
            "Item": item,
            "ConditionExpression": f"{counter} = :read",
            "ExpressionAttributeValues": {":read": {"N": str(read)}},
        }
    }


def delete(key: Item) -> Action:
    """Return the removal of an item, whether it is there or not."""
    return {"Delete": {"TableName": settings.data_table(), "Key": key}}


def commit(actions: Sequence[Action]) -> None:
    """Write all or none; CancelledError when cancelled, UnavailableError when the outcome is unknown."""
    with translated():
        try:
            client.dynamodb().transact_write_items(TransactItems=actions)
        except ClientError as error:
            reasons = cancellation_reasons(error)
            if reasons:
                raise CancelledError(reasons) from error
            raise
