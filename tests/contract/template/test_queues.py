"""Queues and their workers: visibility, retries, batches and dead letters fit each other."""

import json
from typing import Any

import pytest

from experimentation.web import queue_worker
from experimentation.web.schemas.events import MAX_EVENTS
from local.paths import ROOT
from tests.contract.template.resources import (
    DEAD_LETTERS,
    DOCUMENT,
    SOURCES,
    of_type,
    queue_event,
)

SIX_TIMES = 6  # AWS's advice: a batch must not come back while it may still be retried by Lambda
DEAD_LETTER_SECONDS = 14 * 86_400


def highest(value: Any) -> int:
    """Return the value, or the most that its parameter allows."""
    return int(DOCUMENT["Parameters"][value["Ref"]]["MaxValue"] if isinstance(value, dict) else value)


def test_there_are_queues_to_check() -> None:
    assert len(SOURCES) == 2
    assert len(DEAD_LETTERS) == 4


@pytest.mark.parametrize("source", SOURCES)
def test_batch_is_hidden_until_its_function_has_surely_ended(source: str) -> None:
    function, event = queue_event(source)
    window = highest(event["MaximumBatchingWindowInSeconds"])

    assert SOURCES[source]["VisibilityTimeout"] >= SIX_TIMES * function.timeout_seconds + window


@pytest.mark.parametrize("source", SOURCES)
def test_message_is_tried_often_enough_and_the_worker_knows_the_last_try(source: str) -> None:
    most = SOURCES[source]["RedrivePolicy"]["maxReceiveCount"]

    hidden = SOURCES[source]["VisibilityTimeout"]

    assert most == queue_worker.LAST_DELIVERY
    assert (
        3_600 <= most * hidden < SOURCES[source]["MessageRetentionPeriod"]
    )  # an outage takes an hour or more


def test_full_batch_is_counted_within_half_of_the_workers_time() -> None:
    """What a batch leaves comes back with a higher receive count, although nobody failed."""
    function, event = queue_event("CountQueue")
    share_of_a_processor = function.memory_megabytes / 1_769  # which is what Lambda gives at 1,769 MB
    measured = json.loads((ROOT / "benchmarks" / "measured.json").read_text())
    waiting_ms = 40  # reads and the transaction, for 25 events
    seconds = (measured["worker_25.cpu_ms"] / share_of_a_processor + waiting_ms) / 1_000

    events = event["BatchSize"] * MAX_EVENTS

    assert events / 25 * seconds <= function.timeout_seconds * (1 - queue_worker.RESERVED_SHARE) / 1.5


def test_workers_leave_a_new_account_room_for_requests() -> None:
    """A new account runs ten functions at once in all."""
    concurrency = [queue_event(source)[1]["ScalingConfig"]["MaximumConcurrency"] for source in SOURCES]
    parameters = DOCUMENT["Parameters"]

    taken = sum(
        parameters[each["Ref"]]["Default"] if isinstance(each, dict) else each for each in concurrency
    )

    assert taken <= 6


@pytest.mark.parametrize("source", SOURCES)
def test_one_bad_message_does_not_bring_its_batch_back(source: str) -> None:
    _, event = queue_event(source)

    assert event["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


@pytest.mark.parametrize("source", SOURCES)
def test_queue_cannot_take_all_of_the_accounts_concurrency(source: str) -> None:
    _, event = queue_event(source)

    assert event["ScalingConfig"]["MaximumConcurrency"]


@pytest.mark.parametrize("name", DEAD_LETTERS)
def test_dead_letters_are_kept_longest(name: str) -> None:
    longest_source = max(queue["MessageRetentionPeriod"] for queue in SOURCES.values())

    assert DEAD_LETTERS[name]["MessageRetentionPeriod"] == DEAD_LETTER_SECONDS > longest_source


def test_every_queue_and_subscription_has_a_dead_letter_queue_of_its_own() -> None:
    to_queues = [each for each in of_type("SNS::Subscription").values() if each["Protocol"] == "sqs"]
    used = [each["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0] for each in SOURCES.values()]
    used += [each["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0] for each in to_queues]

    assert sorted(used) == sorted(DEAD_LETTERS)
