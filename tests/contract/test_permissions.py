"""What the template lets each function do: as little as it needs, named one by one."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from samtranslator.yaml_helper import yaml_parse

from local.paths import TEMPLATE

RESOURCES: dict[str, Any] = yaml_parse(TEMPLATE.read_text())["Resources"]
FUNCTIONS = [name for name, resource in RESOURCES.items() if resource["Type"] == "AWS::Serverless::Function"]
ADMINISTER = ("Accounts", "ApiKeys", "Audit", "Auth")
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


KEYS = {  # partition keys of the Accounts table that each function may write, beside a key's day of use
    "AccountsCreateFunction": {
        "PutItem": {"ACCOUNT", "AUDIT#*"},
        "UpdateItem": {"ADMINS"},
    },
    "AccountsDeleteFunction": {
        "PutItem": {"AUDIT#*", "DENY"},
        "UpdateItem": {"ADMINS", "APIKEY"},
        "DeleteItem": {"ACCOUNT", "APIKEY"},
    },
    "AccountsUpdateFunction": {
        "PutItem": {"AUDIT#*", "DENY"},
        "UpdateItem": {"ACCOUNT", "ADMINS", "APIKEY"},
        "DeleteItem": {"APIKEY"},
    },
    "ApiKeysCreateFunction": {"PutItem": {"APIKEY", "AUDIT#*"}},
    "ApiKeysDeleteFunction": {"PutItem": {"AUDIT#*"}, "DeleteItem": {"APIKEY"}},
    "AuthOidcCallbackFunction": {
        "PutItem": {"ACCOUNT", "AUDIT#*", "DENY", "SESSION#*", "TOKENKEYS"},
        "UpdateItem": {"ACCOUNT", "ADMINS"},
    },
    "AuthPasswordFunction": {
        "PutItem": {"AUDIT#*", "DENY", "THROTTLE#*"},
        "UpdateItem": {"ACCOUNT", "ADMINS", "THROTTLE#*"},
        "DeleteItem": {"THROTTLE#*"},
    },
    "AuthRefreshFunction": {
        "PutItem": {"AUDIT#*", "DENY", "TOKENKEYS"},
        "UpdateItem": {"ENDED#*", "SESSION#*"},
    },
    "AuthRevokeFunction": {"PutItem": {"AUDIT#*", "DENY"}, "UpdateItem": {"ENDED#*", "SESSION#*"}},
    "AuthSessionsEndFunction": {"PutItem": {"AUDIT#*", "DENY"}, "UpdateItem": {"ENDED#*", "SESSION#*"}},
    "AuthTokenFunction": {
        "PutItem": {
            "ACCOUNT",
            "ADMINS",
            "AUDIT#*",
            "DENY",
            "DEVICE#*",
            "SESSION#*",
            "THROTTLE#*",
            "TOKENKEYS",
        },
        "UpdateItem": {"ENDED#*", "SESSION#*", "THROTTLE#*"},
        "DeleteItem": {"THROTTLE#*"},
    },
    "ResultsStartExportFunction": {"PutItem": {"AUDIT#*"}},
    "UsersDeleteFunction": {"PutItem": {"AUDIT#*"}},
}
SHARED = list(_statements([{"Ref": "VerifyTokensPolicy"}]))


def _on_accounts() -> Iterator[tuple[str, str, set[str]]]:
    """Yield function, action and partition keys of each grant on the Accounts table that is its own."""
    for function in FUNCTIONS:
        for statement in _statements(RESOURCES[function]["Properties"].get("Policies", [])):
            if "AccountsTable" in str(statement["Resource"]) and statement not in SHARED:
                keys = statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
                for action in _listed(statement["Action"]):
                    yield function, action, set(keys)


def test_functions_of_access_write_what_their_transactions_need() -> None:
    found: dict[str, dict[str, set[str]]] = {}
    for function, action, keys in _on_accounts():
        if action not in READS:
            found.setdefault(function, {})[action.removeprefix("dynamodb:")] = keys

    assert found == KEYS


def test_whoever_verifies_credentials_reads_no_password_and_writes_days_of_use_and_refusals_alone() -> None:
    allowed = {
        action: next(iter(statement["Condition"].values()))
        for statement in SHARED
        for action in _listed(statement["Action"])
    }

    assert allowed == {
        "dynamodb:GetItem": {"dynamodb:LeadingKeys": ["APIKEY", "TOKENKEYS"]},
        "dynamodb:Query": {"dynamodb:LeadingKeys": ["DENY"]},
        "dynamodb:PutItem": {"dynamodb:LeadingKeys": ["REFUSED#*"]},
        "dynamodb:UpdateItem": {
            "dynamodb:LeadingKeys": ["APIKEY"],
            "dynamodb:Attributes": ["PK", "SK", "used_on"],
        },
    }


def test_password_hashes_are_for_those_who_check_or_change_people() -> None:
    readers = {function for function, action, keys in _on_accounts() if action in READS and "ACCOUNT" in keys}

    assert readers == {
        "AccountsDeleteFunction",
        "AccountsListFunction",
        "AccountsUpdateFunction",
        "AuthOidcCallbackFunction",
        "AuthPasswordFunction",
        "AuthRefreshFunction",
        "AuthTokenFunction",
    }


def test_record_of_access_is_appended_to_by_putting_alone() -> None:
    actions = {action for _, action, keys in _on_accounts() if "AUDIT#*" in keys}

    assert actions == {"dynamodb:PutItem", "dynamodb:Query"}


def test_only_those_who_issue_tokens_can_sign_or_publish_keys() -> None:
    signers = {grant.function for grant in GRANTS if "SigningSecret" in grant.resource}
    publishers = {
        function for function, action, keys in _on_accounts() if action not in READS and "TOKENKEYS" in keys
    }

    assert signers == publishers == {"AuthOidcCallbackFunction", "AuthRefreshFunction", "AuthTokenFunction"}


def test_functions_of_access_do_not_touch_the_data() -> None:
    touching = [
        grant for grant in GRANTS if grant.function.startswith(ADMINISTER) and "DataTable" in grant.resource
    ]

    assert touching == []


def test_collectors_read_no_user_and_no_experiment() -> None:
    """Whoever holds a collector's key reaches these two: they may read how long events are kept, no more."""
    reads: dict[str, list[tuple[str, Any]]] = {"EventsRecordFunction": [], "EventsRecordBatchFunction": []}
    for function, found in reads.items():
        for statement in _statements(RESOURCES[function]["Properties"]["Policies"]):
            if "DataTable" in str(statement["Resource"]):
                found += [(action, statement.get("Condition")) for action in _listed(statement["Action"])]

    settings = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["SETTINGS"]}}
    assert all(found == [("dynamodb:GetItem", settings)] for found in reads.values())


def test_first_admins_password_is_for_logging_in_alone() -> None:
    readers = {grant.function for grant in GRANTS if "AdminSecret" in grant.resource}

    assert readers == {"AuthTokenFunction"}


def test_nobody_changes_a_secret() -> None:
    actions = {grant.action for grant in GRANTS if any(name in grant.resource for name in SECRETS)}

    assert actions == {"secretsmanager:GetSecretValue"}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_function_has_a_role_of_its_own(function: str) -> None:
    assert "Role" not in RESOURCES[function]["Properties"]  # so SAM makes one
