"""Which messages a worker's answer leaves on the queue, as Lambda documents it."""

from typing import Any

import pytest

from local.pump import failures

SENT = {"a", "b"}


@pytest.mark.parametrize("result", [None, {}, {"batchItemFailures": []}, {"batchItemFailures": None}])
def test_an_answer_without_failures_takes_all_messages_away(result: Any) -> None:
    assert failures(result, SENT) == set()


def test_named_messages_stay() -> None:
    assert failures({"batchItemFailures": [{"itemIdentifier": "b"}]}, SENT) == {"b"}


@pytest.mark.parametrize(
    "result",
    [
        {"batchItemFailures": [{"itemIdentifier": "unknown"}]},
        {"batchItemFailures": [{"itemIdentifier": ""}]},
        {"batchItemFailures": [{"itemIdentifier": None}]},
        {"batchItemFailures": [{"wrong": "b"}]},
    ],
)
def test_an_answer_that_cannot_be_understood_leaves_all(result: Any) -> None:
    assert failures(result, SENT) == SENT
