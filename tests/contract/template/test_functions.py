"""Functions: environment, permissions, logs, versions and layers say what the code does."""

import re
import tomllib
from typing import Any

import pytest

from local.paths import ROOT
from local.template import Function
from tests.contract.reachable import Reach, reach
from tests.contract.routes import routes
from tests.contract.template.resources import DOCUMENT, FUNCTIONS, RESOURCES, SOURCES, of_type, queue_event

RULES = {route.module: route.rule for route in routes()}
FOR_LIBRARIES = {"POWERTOOLS_SERVICE_NAME", "POWERTOOLS_METRICS_NAMESPACE", "LOG_LEVEL", "AWS_ENDPOINT_URL"}
TARGETS = {
    "data_table": "DataTable",
    "accounts_table": "AccountsTable",
    "events_topic_arn": "EventsTopic",
    "notification_bus_arn": "NotificationBus",
    "archive_bucket": "ArchiveBucket",
    "signing_secret_arn": "SigningSecret",
    "admin_secret_arn": "AdminSecret",
}

each_function = pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)


def code_of(function: Function) -> Reach:
    module = function.handler.removesuffix(".handler")
    return reach(module, authenticates=RULES.get(module, "anyone") != "anyone")


def test_there_are_functions_to_check() -> None:
    assert len(FUNCTIONS) >= 40


@each_function
def test_environment_has_what_the_code_reads(function: Function) -> None:
    own = RESOURCES[function.name]["Properties"].get("Environment", {}).get("Variables", {})

    assert set(own) <= code_of(function).environment <= set(function.environment)


def test_environment_of_every_function_names_what_many_read() -> None:
    common = set(DOCUMENT["Globals"]["Function"]["Environment"]["Variables"]) - FOR_LIBRARIES
    readers = {name: sum(name in code_of(each).environment for each in FUNCTIONS) for name in common}

    assert all(count > 10 for count in readers.values()), readers


@each_function
def test_every_action_that_the_code_uses_is_granted(function: Function) -> None:
    missing = [
        use
        for use in code_of(function).uses
        if not any(
            action == use.action and TARGETS.get(use.setting, "") in str(target)
            for action, target, _ in function.policies
        )
    ]

    assert missing == []


FOR_THE_MAPPING = {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}


@each_function
def test_every_granted_action_is_used(function: Function) -> None:
    uses = code_of(function).uses
    fed_by = [mapping.queue for mapping in function.mappings]
    unused = [
        (action, target)
        for action, target, _ in function.policies
        if not any(use.action == action and TARGETS.get(use.setting, "") in str(target) for use in uses)
        and not (action in FOR_THE_MAPPING and target in fed_by)
    ]

    assert unused == []


@pytest.mark.parametrize("source", SOURCES)
def test_lambda_may_read_the_workers_own_queue_and_no_other(source: str) -> None:
    """For a function's event of type SQS, SAM would add a managed policy that names no resource."""
    function, event = queue_event(source)
    granted = {action for action, target, _ in function.policies if target == event["EventSourceArn"]}
    events = [
        event
        for each in of_type("Serverless::Function").values()
        for event in each.get("Events", {}).values()
    ]

    assert granted == FOR_THE_MAPPING
    assert "SQS" not in {each["Type"] for each in events}


def test_logs_of_every_function_end_some_day() -> None:
    group = DOCUMENT["Globals"]["Function"]["LoggingConfig"]["LogGroup"]["Ref"]

    assert not [name for name, each in of_type("Serverless::Function").items() if "LoggingConfig" in each]
    assert RESOURCES[group]["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}


@each_function
def test_no_function_outlives_the_gateways_patience(function: Function) -> None:
    assert not function.routes or function.timeout_seconds < 30


def test_whoever_checks_passwords_has_a_whole_processor() -> None:
    """A check of bcrypt takes 0.2 s of it: with a third, ten a second would hold eight environments."""
    memory = {each.handler: each.memory_megabytes for each in FUNCTIONS}

    assert memory["auth.token.handler"] == memory["auth.password.handler"] == 1_769


def test_lambda_adds_no_line_of_its_own_to_each_request_and_drops_none_of_ours() -> None:
    logging = DOCUMENT["Globals"]["Function"]["LoggingConfig"]

    assert (logging["LogFormat"], logging["SystemLogLevel"]) == ("JSON", "WARN")
    assert logging["ApplicationLogLevel"] == {"Ref": "LogLevel"}


def test_no_log_level_drops_the_metrics() -> None:
    """A line without a level, as one of metrics is, is INFO to Lambda."""
    assert DOCUMENT["Parameters"]["LogLevel"]["AllowedValues"] == ["DEBUG", "INFO"]


def references(value: Any) -> set[str]:
    """Return what an expression refers to, at any depth."""
    if isinstance(value, list):
        return set().union(*(references(each) for each in value))
    if not isinstance(value, dict):
        return set()
    if "Ref" in value:
        return {value["Ref"]}
    if "Fn::If" in value:
        condition, *rest = value["Fn::If"]
        return references(DOCUMENT["Conditions"][condition]) | references(rest)
    return set().union(*(references(each) for each in value.values()))


NOT_OF_A_VERSION = {"ReservedConcurrentExecutions", "Tags", "Events", "Policies", "VersionDescription"}


def test_published_versions_follow_the_layer_and_every_parameter() -> None:
    """SAM makes a new version for new code alone, CloudFormation for another description too."""
    published = {
        name: each for name, each in of_type("Serverless::Function").items() if "AutoPublishAlias" in each
    }

    assert published
    for properties in published.values():
        said = set(re.findall(r"\$\{(\w+)\}", properties["VersionDescription"]["Fn::Sub"]))
        merged = {**DOCUMENT["Globals"]["Function"], **properties}
        variables = [each.get("Environment") for each in (DOCUMENT["Globals"]["Function"], properties)]
        values = [value for name, value in merged.items() if name not in NOT_OF_A_VERSION]
        parameters = references([values, variables]) & set(DOCUMENT["Parameters"])
        assert "SnapStart" in parameters
        assert said == parameters | {"CommonLayer"}


def test_layers_are_told_apart_from_those_of_other_stacks() -> None:
    for layer in of_type("Serverless::LayerVersion").values():
        assert layer["LayerName"]["Fn::Sub"].startswith("${AWS::StackName}-")


def test_sam_builds_layers_anew_whatever_is_in_their_folders() -> None:
    """SAM's cache of a layer looks at its folder alone: with arm64 in the template it kept x86_64 wheels."""
    config = tomllib.loads((ROOT / "samconfig.toml").read_text())
    builds = [config[name]["build"]["parameters"] for name in ("default", "prod")]

    assert not any(each.get("cached", False) for each in builds)
