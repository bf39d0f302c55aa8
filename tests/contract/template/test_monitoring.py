"""Alarms and dashboard: everything that can fail is watched, and every alarm has its runbook."""

import json
import re
from typing import Any

import pytest
import yaml

from local.paths import MONITORING, ROOT
from local.template import Loader
from tests.contract.template.resources import (
    DOCUMENT,
    FUNCTIONS,
    QUEUES,
    RESOURCES,
    of_type,
)

NESTED: dict[str, Any] = yaml.load(MONITORING.read_text(), Loader=Loader)
GIVEN: dict[str, Any] = RESOURCES["Dashboard"]["Properties"]["Parameters"]
ALARMS = {
    name: each["Properties"]
    for name, each in NESTED["Resources"].items()
    if each["Type"] == "AWS::CloudWatch::Alarm"
}
BOARD: dict[str, Any] = NESTED["Resources"]["Dashboard"]["Properties"]


def test_there_are_alarms_to_check() -> None:
    assert len(ALARMS) >= 10


def given(value: dict[str, str]) -> str:
    """Return what the nested template's parameter is given: the name of a resource."""
    passed = GIVEN[value["Ref"]]
    return str(passed.get("Ref") or passed["Fn::GetAtt"][0])


def test_monitoring_is_given_all_its_parameters_and_no_alarm_is_elsewhere() -> None:
    assert RESOURCES["Dashboard"]["Properties"]["TemplateURL"] == MONITORING.name
    assert set(GIVEN) == set(NESTED["Parameters"])
    assert of_type("CloudWatch::Alarm") == {}


def watched(kind: str) -> set[str]:
    """Return what the alarms' dimension of that name refers to."""
    found = set()
    for alarm in ALARMS.values():
        metrics = [each["MetricStat"]["Metric"] for each in alarm.get("Metrics", []) if "MetricStat" in each]
        for metric in [alarm, *metrics]:
            for dimension in metric.get("Dimensions", []):
                if dimension["Name"] == kind:
                    found.add(given(dimension["Value"]))
    return found


def test_every_queue_has_an_alarm() -> None:
    assert watched("QueueName") == set(QUEUES)


def test_every_worker_and_every_table_has_an_alarm() -> None:
    assert watched("FunctionName") == {each.name for each in FUNCTIONS if each.mappings or each.schedules}
    assert watched("TableName") == set(of_type("DynamoDB::Table"))


@pytest.mark.parametrize("name", ALARMS)
def test_every_alarm_tells_somebody_and_has_a_runbook_entry(name: str) -> None:
    runbook = (ROOT / "docs" / "operations.md").read_text()
    entry = re.search(rf"^### {name}\n(.+?)(?=^##)", runbook, flags=re.MULTILINE | re.DOTALL)

    assert [given(each) for each in ALARMS[name]["AlarmActions"]] == ["AlarmTopic"]
    assert entry, f"docs/operations.md has no entry for {name}"
    for part in ("Means:", "Look at:", "Do:", "Test:"):
        assert part in entry[1]


def test_runbook_has_no_entry_for_an_alarm_that_is_gone() -> None:
    runbook = (ROOT / "docs" / "operations.md").read_text()

    assert set(re.findall(r"^### (\w+Alarm)$", runbook, flags=re.MULTILINE)) == set(ALARMS)


METRICS = re.compile(r'\b(?:count|duration)\("(\w+)"|\bmeter="(\w+)"')


def test_alarms_and_dashboard_show_metrics_that_the_code_writes() -> None:
    written: set[str] = set()
    for folder in (ROOT / "functions", ROOT / "layers" / "common" / "experimentation"):
        for path in folder.rglob("*.py"):
            for name, meter in METRICS.findall(path.read_text()):
                written |= {name} if name else {meter, f"{meter}Rejected"}
    text = MONITORING.read_text()
    shown = set(re.findall(r'\["Experimentation", "(\w+)"', text))
    alarmed = set(re.findall(r"Namespace: Experimentation,? *\n? *MetricName: (\w+)", text))

    assert alarmed == {
        "AdminsAdded",
        "EventCalls",
        "EventCallsRejected",
        "RefreshTokensReused",
        "Unauthenticated",
    }
    assert shown | alarmed <= written
    assert shown >= {"UsersEnrolled", "EventsAccepted", "EventsCounted", "EventsDuplicate"}


def test_dashboard_is_json_whose_widgets_do_not_overlap_and_whose_names_are_given() -> None:
    text, computed = BOARD["DashboardBody"]["Fn::Sub"]
    names = set(re.findall(r"\$\{(\w+)\}", text)) - set(computed)

    widgets = json.loads(re.sub(r"\$\{[\w:]+\}", "name", text))["widgets"]

    places = [(widget["x"], widget["y"]) for widget in widgets]
    assert len(set(places)) == len(widgets)
    assert names <= set(NESTED["Parameters"])


def test_dashboard_finds_functions_by_a_part_of_their_names() -> None:
    """In quotes a term is the whole value, and no function is called just like the stack."""
    text, computed = BOARD["DashboardBody"]["Fn::Sub"]

    searches = re.findall(r"SEARCH\('(.+?)',", text)

    assert len(searches) == 2
    assert all(each.endswith(" FunctionName=${NameAsTerms}") for each in searches)
    assert computed == {
        "NameAsTerms": {"Fn::Join": [" FunctionName=", {"Fn::Split": ["-", {"Ref": "Name"}]}]}
    }


def test_dashboard_is_named_for_its_region_too() -> None:
    assert BOARD["DashboardName"] == {"Fn::Sub": "${Name}-${AWS::Region}"}
    assert DOCUMENT["Outputs"]["DashboardUrl"]["Value"]["Fn::Sub"].endswith(
        ":name=${AWS::StackName}-${AWS::Region}"
    )


def test_too_many_requests_are_told() -> None:
    alarm = ALARMS["RequestsAlarm"]

    assert (alarm["MetricName"], alarm["Statistic"]) == ("Count", "Sum")
    assert given(alarm["Threshold"]) == "AlarmRequestsPerHour"
