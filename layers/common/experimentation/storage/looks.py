"""LOOK items: what an experiment showed at the end of each day, and at its completion, stored once each."""

import json
from typing import Any

from botocore.exceptions import ClientError

from experimentation import settings
from experimentation.domain.statistics.looks import Look, document, look_of
from experimentation.storage.aws.client import dynamodb
from experimentation.storage.aws.failures import condition_failed, translated

PREFIX = "LOOK#"


def put(experiment_id: str, look: Look, taken_at: int) -> bool:
    """Store a look; False when that day's is stored already, which then stays as it is."""
    with translated():
        try:
            dynamodb().put_item(
                TableName=settings.data_table(),
                Item={
                    "PK": {"S": f"EXP#{experiment_id}"},
                    "SK": {"S": f"{PREFIX}{look.day:07d}#{int(look.completed)}"},
                    "taken_at": {"N": str(taken_at)},
                    "look": {"S": json.dumps(document(look), ensure_ascii=False, separators=(",", ":"))},
                },
                ConditionExpression="attribute_not_exists(PK)",
            )
        except ClientError as error:
            if not condition_failed(error):
                raise
            return False
    return True


def read(experiment_id: str) -> list[Look]:
    """Return the experiment's looks in the order of their days, read consistently."""
    query: dict[str, Any] = {
        "TableName": settings.data_table(),
        "KeyConditionExpression": "PK = :experiment AND begins_with(SK, :look)",
        "ExpressionAttributeValues": {
            ":experiment": {"S": f"EXP#{experiment_id}"},
            ":look": {"S": PREFIX},
        },
        "ConsistentRead": True,
    }
    found: list[Look] = []
    while True:
        with translated():
            answer = dynamodb().query(**query)
        found += [look_of(json.loads(item["look"]["S"])) for item in answer["Items"]]
        if "LastEvaluatedKey" not in answer:
            return found
        query["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
