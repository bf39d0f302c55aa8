"""One lazily made client per AWS service, from one session.

The clients are botocore's own: boto3 would add its resources and transfer manager to every start, and nothing
else that is used here.
"""

from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.request import getproxies

import botocore
import botocore.session
from botocore.config import Config

from experimentation.storage.aws.first_attempt import FirstAttempt
from experimentation.storage.aws.wire_items import WireItems

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient

CONNECT_TIMEOUT_SECONDS = 1
READ_TIMEOUT_SECONDS = 3
ATTEMPTS = 2  # 8 s at most in all: domain/lifecycle.py counts on it


@cache
def _session() -> botocore.session.Session:
    session = botocore.session.get_session()
    session.register_component("response_parser_factory", WireItems())
    return session


def _made(service: str, attempts: int = ATTEMPTS, **options: Any) -> Any:
    config = Config(
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        read_timeout=READ_TIMEOUT_SECONDS,
        retries={"mode": "standard", "total_max_attempts": attempts},
        parameter_validation=False,  # our types are stricter
        max_pool_connections=16,
        user_agent=f"experimentation botocore/{botocore.__version__}",  # else it is put together twice a call
        **options,
    )
    return _session().create_client(service, config=config)


def _direct(service: str) -> Any:
    """Return a client whose first attempts go straight to AWS, unless a proxy is set."""
    if getproxies().keys() - {"no"}:
        return _made(service)
    made = _made(service, ATTEMPTS - 1)
    first = FirstAttempt(
        WireItems().create_parser(made.meta.service_model.resolved_protocol),
        CONNECT_TIMEOUT_SECONDS,
        READ_TIMEOUT_SECONDS,
        _session().get_config_variable("ca_bundle"),
    )
    made.meta.events.register_last("before-call", first)
    return made


@cache
def dynamodb() -> "DynamoDBClient":
    """Return the DynamoDB client."""
    made: DynamoDBClient = _direct("dynamodb")
    return made


@cache
def sns() -> "SNSClient":
    """Return the SNS client."""
    made: SNSClient = _direct("sns")
    return made


@cache
def sqs() -> "SQSClient":
    """Return the SQS client."""
    made: SQSClient = _direct("sqs")
    return made


@cache
def s3() -> "S3Client":
    """Return the S3 client."""
    # Else signed addresses get a signature of 2006, and the host of all regions: in the first day of a bucket
    # outside us-east-1 that redirects to another, for which the signature does not hold.
    made: S3Client = _made("s3", signature_version="s3v4", s3={"addressing_style": "virtual"})
    return made


@cache
def secrets() -> "SecretsManagerClient":
    """Return the Secrets Manager client."""
    made: SecretsManagerClient = _direct("secretsmanager")
    return made


@cache
def events() -> "EventBridgeClient":
    """Return the EventBridge client."""
    made: EventBridgeClient = _made("events")
    return made


def reset() -> None:
    """Forget every client, so that the next call reads the environment again."""
    for made in (_session, dynamodb, sns, sqs, s3, secrets, events):
        made.cache_clear()
