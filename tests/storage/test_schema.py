"""Data of another schema is refused, with what to do."""

import pytest

from experimentation import settings
from experimentation.domain.errors import ConfigurationError
from experimentation.storage import experiments
from experimentation.storage.access import accounts
from experimentation.storage.aws import client
from experimentation.storage.schema import SCHEMA
from local.paths import ROOT
from tests.experiments import experiment


def test_an_experiment_of_another_schema_is_refused(aws):
    experiments.create(experiment(), "alice")
    set_schema(settings.data_table(), {"PK": {"S": "EXP#checkout-button"}, "SK": {"S": "META"}})

    with pytest.raises(ConfigurationError, match="schema 1, this version reads 2: deploy the version"):
        experiments.read("checkout-button")


def test_a_person_of_another_schema_is_refused(people):
    people("ada", role="admin")
    set_schema(settings.accounts_table(), {"PK": {"S": accounts.PARTITION}, "SK": {"S": "ada"}})

    with pytest.raises(ConfigurationError, match="schema 1"):
        accounts.read("ada")


def test_the_changes_name_the_schema() -> None:
    """Whoever meets data of another one is sent to the version that wrote it."""
    assert f"schema {SCHEMA}" in (ROOT / "CHANGELOG.md").read_text()


def set_schema(table: str, key: dict) -> None:
    client.dynamodb().update_item(
        TableName=table,
        Key=key,
        UpdateExpression="SET #schema = :one",
        ExpressionAttributeNames={"#schema": "schema"},
        ExpressionAttributeValues={":one": {"N": "1"}},
    )
