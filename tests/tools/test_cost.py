"""docs/cost.md says what the tool computes, from what the template has."""

import json
from typing import Any

import pytest
from samtranslator.yaml_helper import yaml_parse

from local.paths import MONITORING, TEMPLATE
from tools import cost

PRICE = json.loads(cost.PRICES.read_text())


def test_page_shows_the_tables_that_the_tool_prints() -> None:
    page = cost.PAGE.read_text()

    shown = page.partition(cost.BEGIN)[2].partition(cost.END)[0]

    assert shown.strip() == cost.tables()


def test_prices_say_when_and_where_they_hold() -> None:
    assert PRICE["taken"].count("-") == 2
    assert PRICE["region"] == "us-east-1"


def test_idle_counts_every_alarm_and_secret_of_the_templates() -> None:
    resources: list[dict[str, Any]] = [
        each for path in (TEMPLATE, MONITORING) for each in yaml_parse(path.read_text())["Resources"].values()
    ]
    alarms = [each["Properties"] for each in resources if each["Type"] == "AWS::CloudWatch::Alarm"]

    watched = sum(
        sum("MetricStat" in metric for metric in alarm["Metrics"]) if "Metrics" in alarm else 1
        for alarm in alarms
    )

    assert watched == cost.ALARM_METRICS
    secrets = [each for each in resources if each["Type"] == "AWS::SecretsManager::Secret"]
    assert sum("Condition" not in each for each in secrets) == cost.SECRETS
    assert sum(each["Type"] == "AWS::CloudWatch::Dashboard" for each in resources) == cost.DASHBOARDS


def test_functions_have_the_memory_that_is_paid_for() -> None:
    common = yaml_parse(TEMPLATE.read_text())["Globals"]["Function"]

    assert common["MemorySize"] == cost.MEMORY_GIGABYTES * 1024


def test_sum_of_two_uses_costs_the_sum() -> None:
    one, other = cost.Use(gateway=1, writes=6), cost.Use(invocations=1, cpu_ms=2, reads=0.5)

    together = cost.dollars(one.plus(other), PRICE)

    assert together == pytest.approx(cost.dollars(one, PRICE) + cost.dollars(other, PRICE))


def test_write_units_are_paid_by_the_million() -> None:
    assert cost.dollars(cost.Use(writes=6), PRICE) == pytest.approx(6 * PRICE["million_dynamodb_write_units"])
