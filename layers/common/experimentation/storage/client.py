"""One lazily made client per AWS service, from one session."""

from functools import cache
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient

CONNECT_TIMEOUT_SECONDS = 1
READ_TIMEOUT_SECONDS = 3
ATTEMPTS = 2  # 8 s at most in all: domain/lifecycle.py counts on it

_CONFIG = Config(
    connect_timeout=CONNECT_TIMEOUT_SECONDS,
    read_timeout=READ_TIMEOUT_SECONDS,
    retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
    parameter_validation=False,  # our types are stricter
    max_pool_connections=16,
)


@cache
def _session() -> boto3.session.Session:
    return boto3.session.Session()


@cache
def dynamodb() -> "DynamoDBClient":
    """Return the DynamoDB client."""
    made: DynamoDBClient = _session().client("dynamodb", config=_CONFIG)
    return made


@cache
def sns() -> "SNSClient":
    """Return the SNS client."""
    made: SNSClient = _session().client("sns", config=_CONFIG)
    return made


@cache
def sqs() -> "SQSClient":
    """Return the SQS client."""
    made: SQSClient = _session().client("sqs", config=_CONFIG)
    return made


@cache
def s3() -> "S3Client":
    """Return the S3 client."""
    made: S3Client = _session().client("s3", config=_CONFIG)
    return made


@cache
def secrets() -> "SecretsManagerClient":
    """Return the Secrets Manager client."""
    made: SecretsManagerClient = _session().client("secretsmanager", config=_CONFIG)
    return made


def reset() -> None:
    """Forget every client, so that the next call reads the environment again."""
    for made in (_session, dynamodb, sns, sqs, s3, secrets):
        made.cache_clear()
