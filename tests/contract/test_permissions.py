"""What the template lets each function do: as little as it needs, named one by one."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from samtranslator.yaml_helper import yaml_parse

from local.paths import TEMPLATE

RESOURCES: dict[str, Any] = yaml_parse(TEMPLATE.read_text())["Resources"]
FUNCTIONS = [name for name, resource in RESOURCES.items() if resource["Type"] == "AWS::Serverless::Function"]
ADMINISTER = ("Accounts", "ApiKeys", "Auth")
READS = {"dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query", "dynamodb:DescribeTable"}
SECRETS = {"SigningSecret", "AdminSecret"}


class Grant(NamedTuple):
    """One action on one resource, as written in the template."""

    function: str
    action: str
    resource: str


def _statements(policies: Any) -> Iterator[dict[str, Any]]:
    """Yield the statements of a function's policies and of the managed policies that it refers to."""
    for policy in policies if isinstance(policies, list) else [policies]:
        if "Ref" in policy:
            document = RESOURCES[policy["Ref"]]["Properties"]["PolicyDocument"]
            yield from document["Statement"]
        elif "Statement" in policy:
            statement = policy["Statement"]
            yield from statement if isinstance(statement, list) else [statement]
        else:
            pytest.fail(f"a policy that is no list of statements: {policy}")


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _grants() -> Iterator[Grant]:
    for function in FUNCTIONS:
        for statement in _statements(RESOURCES[function]["Properties"].get("Policies", [])):
            assert statement["Effect"] == "Allow"
            for action in _listed(statement["Action"]):
                for resource in _listed(statement["Resource"]):
                    yield Grant(function, action, str(resource))


GRANTS = list(_grants())


def test_there_is_something_to_check() -> None:
    assert len(FUNCTIONS) > 30
    assert len(GRANTS) > 100


def test_actions_are_named_one_by_one() -> None:
    assert [grant for grant in GRANTS if "*" in grant.action or grant.action.count(":") != 1] == []


def test_resources_are_the_stacks_own() -> None:
    unscoped = [grant for grant in GRANTS if grant.resource == "*" or "GetAtt" not in grant.resource]
    named = [grant for grant in unscoped if "Ref" not in grant.resource and "Sub" not in grant.resource]

    assert named == []


def test_only_the_functions_of_access_write_the_accounts() -> None:
    writers = {
        grant.function for grant in GRANTS if "AccountsTable" in grant.resource and grant.action not in READS
    }

    assert writers
    assert all(writer.startswith(ADMINISTER) for writer in writers)


WRITES = {
    "AccountsCreateFunction": {"PutItem", "UpdateItem"},  # the person; the number of admins
    "AccountsUpdateFunction": {"UpdateItem", "PutItem"},  # the person and that number; the denial
    "AccountsDeleteFunction": {"DeleteItem", "UpdateItem", "PutItem"},  # person, number, denial
    "ApiKeysCreateFunction": {"PutItem"},
    "ApiKeysDeleteFunction": {"DeleteItem"},
    "AuthTokenFunction": {"PutItem", "UpdateItem", "DeleteItem"},  # session, failures, and those forgotten
    "AuthRefreshFunction": {"UpdateItem", "PutItem"},  # the session; the denial when one is reused
    "AuthRevokeFunction": {"UpdateItem", "PutItem"},  # the session; the denial
}


def test_functions_of_access_write_what_their_transactions_need() -> None:
    found: dict[str, set[str]] = {}
    for grant in GRANTS:
        if "AccountsTable" in grant.resource and grant.action not in READS:
            found.setdefault(grant.function, set()).add(grant.action.removeprefix("dynamodb:"))

    assert found == WRITES


def test_functions_of_access_do_not_touch_the_data() -> None:
    touching = [
        grant for grant in GRANTS if grant.function.startswith(ADMINISTER) and "DataTable" in grant.resource
    ]

    assert touching == []


def test_first_admins_password_is_for_logging_in_alone() -> None:
    readers = {grant.function for grant in GRANTS if "AdminSecret" in grant.resource}

    assert readers == {"AuthTokenFunction"}


def test_nobody_changes_a_secret() -> None:
    actions = {grant.action for grant in GRANTS if any(name in grant.resource for name in SECRETS)}

    assert actions == {"secretsmanager:GetSecretValue"}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_function_has_a_role_of_its_own(function: str) -> None:
    assert "Role" not in RESOURCES[function]["Properties"]  # so SAM makes one
