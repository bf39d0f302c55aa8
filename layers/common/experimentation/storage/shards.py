"""How many shards an experiment's counters are spread over; the number only grows."""

from botocore.exceptions import ClientError

from experimentation import settings
from experimentation.storage.aws import client
from experimentation.storage.aws.failures import condition_failed, translated
from experimentation.storage.experiment_items import meta_key

MAX_SHARDS = 64


def double(experiment_id: str, shards: int) -> None:
    """Double the shards of an experiment, unless another environment has done it or there are 64."""
    if shards >= MAX_SHARDS:
        return
    with translated():
        try:
            client.dynamodb().update_item(
                TableName=settings.data_table(),
                Key=meta_key(experiment_id),
                UpdateExpression="SET shards = :more",
                ConditionExpression="shards = :read",
                ExpressionAttributeValues={
                    ":more": {"N": str(min(shards * 2, MAX_SHARDS))},
                    ":read": {"N": str(shards)},
                },
            )
        except ClientError as error:
            if not condition_failed(error):
                raise
