"""AWS in process (moto) with the template's tables, and callers with valid credentials."""

import copy
import copyreg
import json
import os
import secrets
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

os.environ |= {
    "POWERTOOLS_SERVICE_NAME": "experimentation",
    "POWERTOOLS_METRICS_NAMESPACE": "Experimentation",
    "EMULATOR_WRAPPER": "tests.aws_limits.emulator:enforced",  # in every emulator that a test starts
}

import boto3
import moto.dynamodb.models
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, settings
from moto import mock_aws
from moto.backends import get_backend
from moto.dynamodb.models import DynamoDBBackend, Table
from samtranslator.yaml_helper import yaml_parse

from experimentation.storage.access import (
    accounts,
    api_keys,
    audit,
    denials,
    issuer,
    sessions,
    signing_keys,
    token_keys,
)
from experimentation.storage.access.accounts import Account
from experimentation.storage.aws import client
from experimentation.usecases import first_admin
from experimentation.usecases.runtime import Runtime
from experimentation.web import key_rates, tokens
from tests.aws_limits.record import Record, note
from tests.aws_limits.requests import violations

# The same examples in every run, however slow the machine: a failure is never chance.
settings.register_profile(
    "steady",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],  # a busy machine is no fault of the test
)
settings.load_profile("steady")

REGION = "us-east-1"
ACCOUNT = "123456789012"  # moto's own
TEMPLATE = Path(__file__).parents[1] / "template.yaml"
SIGNING_SECRET = "for-tests-alone-0123456789abcdefghijklmnopqrstuvwxyz"
ADMIN_PASSWORD = "first-admin-password"

type Headers = dict[str, str]
type Resources = tuple[dict[str, str], dict[str, dict[str, Any]]]  # the environment, and moto's backends

unlimited_call = BaseClient._make_api_call


def now() -> int:
    """Return the milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the browser tests that were skipped because there is no browser, in one line."""
    skipped = [
        each.nodeid for each in terminalreporter.stats.get("skipped", []) if "tests/browser/" in each.nodeid
    ]
    if skipped:
        names = ", ".join(nodeid.rpartition("::")[2] for nodeid in sorted(skipped))
        terminalreporter.write_line(
            f"not run, because there is no chromium (`make browser` installs it): {names}"
        )


@pytest.fixture(scope="session")
def aws_limits() -> Iterator[Record]:
    """Let AWS's limits hold for each call of this process too; what went past one since it was asked last."""
    record = Record()

    def within_limits(client: Any, operation: str, request: dict[str, Any]) -> Any:
        past = violations(operation, request)
        for each in past:
            note(each)
        if past:
            raise ClientError({"Error": {"Code": "ValidationException", "Message": past[0]}}, operation)
        return unlimited_call(client, operation, request)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseClient, "_make_api_call", within_limits)
        yield record
    record.close()


@pytest.fixture(autouse=True)
def within_aws_limits(aws_limits: Record) -> Iterator[None]:
    """Fail the test during which a call went past a limit of AWS, whatever became of the call."""
    yield
    assert aws_limits.taken() == []


@pytest.fixture(scope="session")
def tables() -> dict[str, dict[str, Any]]:
    """The properties of the template's tables, as CreateTable takes them."""
    resources = yaml_parse(TEMPLATE.read_text())["Resources"]
    taken = ("AttributeDefinitions", "KeySchema", "BillingMode", "GlobalSecondaryIndexes")
    return {
        name: {key: value for key, value in resource["Properties"].items() if key in taken}
        for name, resource in resources.items()
        if resource["Type"] == "AWS::DynamoDB::Table"
    }


@pytest.fixture(scope="session")
def clients() -> dict[str, Any]:
    """Clients that make the resources; once, because making a client costs more than a test."""
    session = boto3.session.Session("testing", "testing", region_name=REGION)
    names = ("dynamodb", "events", "s3", "secretsmanager", "sns", "sqs")
    endpoint = {name: f"https://{name}.{REGION}.amazonaws.com" for name in names}
    return {name: session.client(name, endpoint_url=endpoint[name]) for name in names}


@pytest.fixture(scope="session", autouse=True)
def cheap_transactions() -> Iterator[None]:
    """Let moto copy a table once in a transaction, where it would copy it anew for each action."""
    write, copied = DynamoDBBackend.transact_write_items, threading.local()

    def deepcopy(value: Any) -> Any:
        if not isinstance(value, Table):
            return copy.deepcopy(value)
        if id(value) not in copied.tables:
            copied.tables[id(value)] = copy.deepcopy(value)
        return copied.tables[id(value)]

    def transact_write_items(backend: DynamoDBBackend, actions: list[dict[str, Any]]) -> None:
        copied.tables = {}
        write(backend, actions)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(moto.dynamodb.models, "copy", SimpleNamespace(deepcopy=deepcopy))
        patch.setattr(DynamoDBBackend, "transact_write_items", transact_write_items)
        yield


@pytest.fixture(scope="session")
def resources(tables: dict[str, dict[str, Any]], clients: dict[str, Any]) -> Resources:
    """The account with its resources: made once, and copied for each test, which costs much less."""
    copyreg.pickle(threading.Condition, lambda _: (threading.Condition, ()))  # each of moto's queues has one
    with mock_aws():
        environment = _resources(tables, clients)
        return environment, {name: copy.deepcopy(dict(get_backend(name)[ACCOUNT])) for name in clients}


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, resources: Resources) -> Iterator[None]:
    """An empty account with the tables, topic, queues, bucket and secrets; the environment names them."""
    environment, backends = resources
    emulated = (
        "AWS_ENDPOINT_URL" in os.environ
    )  # an integration test of this process keeps clients of its own
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    # moto answers what botocore sends itself, as it does where there is a proxy
    monkeypatch.setattr(client, "getproxies", lambda: {"https": "moto"})
    with mock_aws():
        for service, made in backends.items():
            for region, backend in made.items():
                fresh = get_backend(service)[ACCOUNT][region]
                vars(fresh).update(copy.deepcopy(vars(backend), {id(backend): fresh}))
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        forget()
        if emulated:
            client.reset()
        yield
    forget()
    if emulated:
        client.reset()


def forget() -> None:
    """Start as a fresh execution environment does: with nothing remembered."""
    for module in (api_keys, audit, denials, first_admin, issuer, key_rates, signing_keys, token_keys):
        module.forget()
    for name, module in list(sys.modules.items()):
        if name.startswith("functions.") and isinstance(getattr(module, "runtime", None), Runtime):
            module.runtime.__init__()


def _resources(tables: dict[str, dict[str, Any]], clients: dict[str, Any]) -> dict[str, str]:
    """Make the resources and return the environment that names them."""
    sns, sqs, secretsmanager = clients["sns"], clients["sqs"], clients["secretsmanager"]
    for name, properties in tables.items():
        clients["dynamodb"].create_table(TableName=name, **properties)
    clients["s3"].create_bucket(Bucket="archive")
    topic = sns.create_topic(Name="events")["TopicArn"]
    admin = json.dumps({"username": "admin", "password": ADMIN_PASSWORD})
    environment = {
        "DATA_TABLE": "DataTable",
        "ACCOUNTS_TABLE": "AccountsTable",
        "EVENTS_TOPIC_ARN": topic,
        "ARCHIVE_BUCKET": "archive",
        "NOTIFICATION_BUS_ARN": clients["events"].create_event_bus(Name="bus")["EventBusArn"],
        "RETENTION_DAYS": "90",
        "SIGNING_SECRET_ARN": secretsmanager.create_secret(Name="signing", SecretString=SIGNING_SECRET)[
            "ARN"
        ],
        "ADMIN_SECRET_ARN": secretsmanager.create_secret(Name="admin", SecretString=admin)["ARN"],
        "JWT_EXPIRATION_MINUTES": "15",
        "REFRESH_EXPIRATION_DAYS": "30",
        "SESSION_EXPIRATION_DAYS": "90",
        "ALLOWED_ORIGINS": "",
        "PUBLIC_BASE_URL": "",
        "LOG_LEVEL": "INFO",
    }
    for source in ("COUNT", "ARCHIVE"):
        for kind in ("QUEUE", "DEAD_LETTER_QUEUE", "SUBSCRIPTION_DEAD_LETTER_QUEUE"):
            name = f"{source}_{kind}"
            environment[f"{name}_URL"] = sqs.create_queue(QueueName=name.lower().replace("_", "-"))[
                "QueueUrl"
            ]
        arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{source.lower()}-queue"
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    return environment


@pytest.fixture
def as_user(aws: None) -> Headers:
    """The headers of a person whose role is user."""
    return bearer("ursula", "user")


@pytest.fixture
def as_admin(aws: None) -> Headers:
    """The headers of an administrator."""
    return bearer("ada", "admin")


@pytest.fixture
def as_key(aws: None) -> Callable[..., Headers]:
    """Makes the headers of an API key: `as_key(["events:write", "events:read"])`."""

    def make(scopes: Sequence[str] | str, expires_at: int | None = None) -> Headers:
        given = (scopes,) if isinstance(scopes, str) else tuple(scopes)
        key_id, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
        hashed = api_keys.hashed(secret)
        key = api_keys.ApiKey(key_id, "test", hashed, given, now(), "ada", expires_at, "ada", rate=600_000)
        api_keys.create(key)
        return {"X-API-Key": f"exp_{key_id}_{secret}"}

    return make


@pytest.fixture
def people(aws: None) -> Callable[..., Account]:
    """Stores a person: `people("ada", role="admin", password_hash=...)`."""

    def make(username: str, role: str = "user", password_hash: str = "-") -> Account:
        account = Account(username, role, password_hash, secrets.token_hex(8), now(), now())
        if not accounts.create_first_admin(account):
            accounts.create(account)
        return account

    return make


def bearer(username: str, role: str) -> Headers:
    """Return the headers of a person who has just logged in."""
    session = sessions.start(username, "epoch", now())
    return {"Authorization": f"Bearer {tokens.issued(session, role, now())}"}
