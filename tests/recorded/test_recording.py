"""What earlier versions stored is read, answers as it did, and is gone on with."""

import random
from itertools import batched

import pytest

from experimentation import settings
from experimentation.domain.experiment import Status
from experimentation.storage import experiments, users
from experimentation.storage.aws import client
from experimentation.storage.schema import SCHEMA
from experimentation.usecases.assigning import assign
from experimentation.usecases.counting import count_events
from experimentation.usecases.runtime import Runtime
from experimentation.usecases.verifying import differences
from tests.events import made
from tests.recorded.recording import answers, load


@pytest.fixture
def recorded(aws, monkeypatch):
    """The recording, put into an empty table."""
    recording = load(SCHEMA)
    monkeypatch.setenv("RETENTION_DAYS", str(recording.retention_days))
    for some in batched(recording.items, 25, strict=False):
        puts = [{"PutRequest": {"Item": item}} for item in some]
        left = client.dynamodb().batch_write_item(RequestItems={settings.data_table(): puts})
        assert not left["UnprocessedItems"]
    return recording


def test_it_answers_as_it_did_when_it_was_recorded(recorded):
    found = answers(recorded.now)

    assert found.keys() == recorded.answers.keys()
    for name, answer in recorded.answers.items():
        assert found[name] == answer


def test_its_counters_are_what_its_events_say(recorded):
    for name in recorded.answers:
        assert differences(name, recorded.now) == []


def test_it_is_gone_on_with(recorded):
    """Somebody new is assigned, and somebody who was there before does something again."""
    runtime = Runtime(lambda: recorded.now, random.Random(1), lambda _: None)
    running = [name for name, each in recorded.answers.items() if each["status"] == Status.RUNNING]
    for name in running:
        experiment = experiments.read(name, consistent=True)
        known = next(iter(recorded.answers[name]["assigned"]))
        assert assign(experiment, "newcomer", {}, runtime).assigned_at == recorded.now
        event_type = experiment.metrics[0].event_type
        before = users.read_heads([known])[known]
        sent = [
            made(f"again-{user_id}", user_id=user_id, type=event_type, at=recorded.now, received=recorded.now)
            for user_id in (known, "newcomer")
        ]
        outcome = count_events(sent, runtime, lambda: True)
        assert len(outcome.counted) == len(sent)
        assert users.read_heads([known])[known] != before
        assert differences(name, recorded.now) == []
    assert running
