"""An experiment that has been running for a fortnight, made through the API.

The start is moved back in the emulator's table, which no caller can do; assignments are imported as of the
past days, and their events carry the past days' times.
"""

import json
import random
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import httpx

from tests.e2e.conftest import RunningStack

DAYS = 14
USERS_PER_DAY = 45
RATES = {"control": 0.2, "treatment": 0.38}
BATCH = 500
DECLARED_AT = 5  # the place of a metric's time in its stored row

type Json = dict[str, Any]

DEFINITION: Json = {
    "id": "checkout-button",
    "name": "Checkout button",
    "hypothesis": "A green button is seen sooner, so more people who reach the checkout buy.",
    "variants": [
        {"key": "control", "name": "Blue button", "weight": 50, "config": {"color": "blue"}},
        {"key": "treatment", "name": "Green button", "weight": 50, "config": {"color": "green"}},
    ],
    "metrics": [
        {
            "key": "purchase_rate",
            "name": "Purchase rate",
            "event_type": "purchase",
            "kind": "conversion",
            "role": "primary",
        },
        {
            "key": "revenue",
            "name": "Revenue",
            "event_type": "purchase",
            "kind": "value",
            "role": "secondary",
        },
        {
            "key": "support_tickets",
            "name": "Support tickets",
            "event_type": "ticket",
            "kind": "count",
            "role": "guardrail",
            "direction": "decrease",
        },
    ],
    "segments": [{"key": "country", "values": ["DE", "FR", "US"]}],
    "planned_users": 900,
    "min_users": 150,
    "min_days": 14,
    "minimum_effect": 0.05,
    "overrides": {"qa-1": "treatment"},
}


def a_fortnight(stack: RunningStack, api: httpx.Client) -> None:
    """Create the experiment, start it two weeks ago, and let its users do what users do."""
    chance = random.Random(7)
    now = datetime.now(UTC)
    api.post("/experiments", json=DEFINITION).raise_for_status()
    api.post("/experiments/checkout-button/status", json={"status": "running"}).raise_for_status()
    _move_start(stack, "checkout-button", now - timedelta(days=DAYS))
    note = {"description": "The button of the checkout page, on every platform."}
    api.patch("/experiments/checkout-button", json=note).raise_for_status()  # the list follows a change
    time.sleep(5.5)  # functions remember an experiment for five seconds
    people = [_person(number, now, chance) for number in range(DAYS * USERS_PER_DAY)]
    for rows in _batches(people):
        path = "/experiments/checkout-button/assignments/import"
        api.post(path, json={"assignments": rows}).raise_for_status()
    for events in _batches([event for person in people for event in _deeds(person, now, chance)]):
        api.post("/events/batch", json={"events": events}).raise_for_status()


def _batches(rows: list[Json]) -> list[list[Json]]:
    return [rows[start : start + BATCH] for start in range(0, len(rows), BATCH)]


def _person(number: int, now: datetime, chance: random.Random) -> Json:
    moment = now - timedelta(days=DAYS * chance.random() ** 1.1) + timedelta(minutes=1)
    return {
        "user_id": f"user-{number}",
        "variant": "treatment" if number % 2 else "control",
        "assigned_at": _rfc3339(min(moment, now - timedelta(seconds=90))),
        "context": {"country": chance.choices(["DE", "FR", "US", "JP"], [5, 3, 2, 1])[0]},
    }


def _deeds(person: Json, now: datetime, chance: random.Random) -> list[Json]:
    assigned = datetime.fromisoformat(person["assigned_at"])
    deeds = []
    if chance.random() < RATES[person["variant"]]:
        deeds.append(("purchase", round(chance.lognormvariate(3.2, 0.6), 2)))
    if chance.random() < 0.05:
        deeds.append(("ticket", 1))
    latest = (now - assigned).total_seconds() - 1
    return [
        {
            "user_id": person["user_id"],
            "type": kind,
            "value": value,
            "timestamp": _rfc3339(assigned + timedelta(seconds=min(latest, 30 + chance.random() * 7_200))),
        }
        for kind, value in deeds
    ]


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _move_start(stack: RunningStack, experiment_id: str, start: datetime) -> None:
    lines = (stack.data / "env").read_text().splitlines()
    named = dict(line.removeprefix("export ").split("=", 1) for line in lines if "=" in line)
    table = boto3.session.Session("local", "local", region_name="us-east-1").client(
        "dynamodb", endpoint_url=named["AWS_ENDPOINT_URL"]
    )
    key = {"PK": {"S": f"EXP#{experiment_id}"}, "SK": {"S": "META"}}
    started_at = int(start.timestamp() * 1000)
    definition = json.loads(table.get_item(TableName=named["DATA_TABLE"], Key=key)["Item"]["definition"]["S"])
    for metric in definition["metrics"]:
        metric[DECLARED_AT] = started_at  # else they were declared after the start, and would never decide
    table.update_item(
        TableName=named["DATA_TABLE"],
        Key=key,
        UpdateExpression="SET started_at = :at, #definition = :definition",
        ExpressionAttributeNames={"#definition": "definition"},
        ExpressionAttributeValues={
            ":at": {"N": str(started_at)},
            ":definition": {"S": json.dumps(definition)},
        },
    )
