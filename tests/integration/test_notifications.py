"""Facts on the emulator's event bus: a rule of the template's own pattern hears each, in a sentence."""

import json
import time
import uuid
from typing import Any

from samtranslator.yaml_helper import yaml_parse

from experimentation.domain.experiment import Status
from experimentation.domain.lifecycle import transition
from experimentation.storage import experiments, outbox
from experimentation.usecases.telling import tell
from local.paths import TEMPLATE
from tests.experiments import CREATED_AT, experiment
from tests.integration.conftest import Emulated

RULE: dict[str, Any] = yaml_parse(TEMPLATE.read_text())["Resources"]["NotifyEmailRule"]["Properties"]


def subscribed(emulator: Emulated) -> str:
    """Make a queue that the rule's events go to, in the place of the topic; return its URL."""
    sqs, events = emulator.client("sqs"), emulator.client("events")
    bus = emulator.env["NOTIFICATION_BUS_ARN"].rpartition("/")[2]
    url: str = sqs.create_queue(QueueName=str(uuid.uuid4()))["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    name = str(uuid.uuid4())
    events.put_rule(Name=name, EventBusName=bus, EventPattern=json.dumps(RULE["EventPattern"]))
    (target,) = RULE["Targets"]
    events.put_targets(Rule=name, EventBusName=bus, Targets=[target | {"Arn": arn}])
    return url


def heard(emulator: Emulated, url: str, number: int) -> list[str]:
    sqs, bodies = emulator.client("sqs"), []
    deadline = time.monotonic() + 10
    while len(bodies) < number and time.monotonic() < deadline:
        answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        bodies += [message["Body"] for message in answer.get("Messages", [])]
    return bodies


def test_a_rule_on_the_bus_hears_what_happened_in_a_sentence(emulator: Emulated) -> None:
    url, name = subscribed(emulator), f"told-{uuid.uuid4()}"
    experiments.create(experiment(id=name, name="Green button"), "alice")
    for status in (Status.RUNNING, Status.COMPLETED):
        experiments.change(
            name, lambda each, to=status: transition(each, to, CREATED_AT), now=CREATED_AT, actor="alice"
        )

    told = tell(lambda: True)
    bodies = heard(emulator, url, len(told))

    mine = sorted(json.loads(body) for body in bodies if name in body)
    assert mine == [
        f"Green button has started with 100% of users, by alice. ({name})",
        f"Green button is completed, by alice. ({name})",
    ]
    assert outbox.pending(10) == []
