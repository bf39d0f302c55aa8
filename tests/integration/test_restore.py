"""The restore of docs/operations.md, step by step: the good state is in a backup before the damaged goes."""

import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.paths import ROOT
from tests.aws_limits.record import Record
from tests.integration.conftest import Emulated

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("emulator")]
RUNBOOK = (ROOT / "docs" / "operations.md").read_text().partition("For real, when the data")[2]
KEY = {"PK": {"S": "EXP#x"}, "SK": {"S": "META"}}
GOOD, DAMAGED = {**KEY, "name": {"S": "good"}}, {**KEY, "name": {"S": "damaged"}}


@pytest.fixture
def dynamodb(emulator: Emulated) -> Any:
    """A plain client of the emulator."""
    return emulator.client("dynamodb")


@pytest.fixture
def damaged(dynamodb: Any) -> str:
    """A table as template.yaml has it, with what should not be in it."""
    name = f"data-{uuid.uuid4().hex[:8]}"
    make(dynamodb, name)
    dynamodb.update_table(TableName=name, DeletionProtectionEnabled=True)
    dynamodb.put_item(TableName=name, Item=DAMAGED)
    return name


@pytest.fixture
def good(dynamodb: Any) -> str:
    """What PITR restored beside it: the emulator knows only the present, so this is made by hand."""
    name = f"good-{uuid.uuid4().hex[:8]}"
    make(dynamodb, name)
    dynamodb.put_item(TableName=name, Item=GOOD)
    return name


def make(dynamodb: Any, name: str) -> None:
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": each, "AttributeType": "S"} for each in ("PK", "SK")],
        KeySchema=[{"AttributeName": "PK", "KeyType": "HASH"}, {"AttributeName": "SK", "KeyType": "RANGE"}],
    )


def item(dynamodb: Any, table: str) -> Any:
    return dynamodb.get_item(TableName=table, Key=KEY)["Item"]


def test_good_state_comes_back_under_the_tables_own_name(
    dynamodb: Any, damaged: str, good: str, aws_limits: Record
) -> None:
    backup = dynamodb.create_backup(TableName=good, BackupName="good")["BackupDetails"]["BackupArn"]
    status = dynamodb.describe_backup(BackupArn=backup)["BackupDescription"]["BackupDetails"]["BackupStatus"]
    assert status == "AVAILABLE"
    with pytest.raises(ClientError, match="already exists"):  # which is why the damaged one has to go first
        dynamodb.restore_table_from_backup(TargetTableName=damaged, BackupArn=backup)
    with pytest.raises(ClientError, match="protected"):
        dynamodb.delete_table(TableName=damaged)
    assert ["protected" in refusal for refusal in aws_limits.taken()] == [True]
    dynamodb.update_table(TableName=damaged, DeletionProtectionEnabled=False)
    dynamodb.delete_table(TableName=damaged)
    dynamodb.get_waiter("table_not_exists").wait(TableName=damaged, WaiterConfig={"Delay": 1})

    dynamodb.restore_table_from_backup(TargetTableName=damaged, BackupArn=backup)

    assert item(dynamodb, damaged) == GOOD
    assert item(dynamodb, good) == GOOD


def test_restored_table_gets_back_what_a_restore_leaves_out(dynamodb: Any, good: str) -> None:
    backup = dynamodb.create_backup(TableName=good, BackupName="good")["BackupDetails"]["BackupArn"]
    table = f"data-{uuid.uuid4().hex[:8]}"
    dynamodb.restore_table_from_backup(TargetTableName=table, BackupArn=backup)
    before = dynamodb.describe_table(TableName=table)["Table"]

    dynamodb.update_time_to_live(
        TableName=table, TimeToLiveSpecification={"AttributeName": "expires_at", "Enabled": True}
    )
    dynamodb.update_continuous_backups(
        TableName=table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    dynamodb.update_table(TableName=table, DeletionProtectionEnabled=True)

    assert not before.get("DeletionProtectionEnabled")
    assert dynamodb.describe_table(TableName=table)["Table"]["DeletionProtectionEnabled"] is True
    ttl = dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    assert (ttl["TimeToLiveStatus"], ttl["AttributeName"]) == ("ENABLED", "expires_at")
    recovery = dynamodb.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
    assert recovery["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"


def test_runbook_deletes_nothing_before_the_good_state_is_backed_up() -> None:
    steps = [
        "--restore-date-time",
        "create-backup",
        "describe-backup",
        "delete-table",
        "restore-table-from-backup",
        "update-time-to-live",
        "tools.verify",
        "delete `good`",
    ]

    found = [RUNBOOK.find(step) for step in steps]

    assert -1 not in found
    assert found == sorted(found)
