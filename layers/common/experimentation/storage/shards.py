"""Attributes of an experiment that change without a new version: its shards, and its first import."""

from collections.abc import Mapping

from botocore.exceptions import ClientError

from experimentation import settings
from experimentation.storage.aws import client
from experimentation.storage.aws.failures import condition_failed, translated
from experimentation.storage.experiment_items import meta_key

MAX_SHARDS = 64  # results read every one of them


def note_import(experiment_id: str, now: int) -> None:
    """Note the time of the experiment's first import."""
    _set(experiment_id, "imported_at = :now", "attribute_not_exists(imported_at)", {":now": now})


def double(experiment_id: str, shards: int) -> None:
    """Double the shards of an experiment, unless another environment has done it or there are 64."""
    if shards < MAX_SHARDS:
        more = min(shards * 2, MAX_SHARDS)
        _set(experiment_id, "shards = :more", "shards = :read", {":more": more, ":read": shards})


def _set(experiment_id: str, change: str, condition: str, numbers: Mapping[str, int]) -> None:
    with translated():
        try:
            client.dynamodb().update_item(
                TableName=settings.data_table(),
                Key=meta_key(experiment_id),
                UpdateExpression=f"SET {change}",
                ConditionExpression=condition,
                ExpressionAttributeValues={name: {"N": str(number)} for name, number in numbers.items()},
            )
        except ClientError as error:
            if not condition_failed(error):
                raise
