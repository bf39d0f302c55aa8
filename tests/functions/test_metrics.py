"""What dashboard and alarms are made of: every metric is written, and log lines can be put together."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from experimentation.storage.queue_message import pack
from experimentation.web.queue_worker import LAST_DELIVERY
from functions.assignments import assign
from functions.events import record, record_batch
from functions.experiments import change_status, create
from functions.workers import archive_events, record_events
from tests.conftest import Headers, now
from tests.events import batch, made
from tests.factory import REQUEST_ID, Context
from tests.functions.callers import call

type Printed = Callable[[], tuple[dict[str, float], list[dict[str, Any]]]]


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str], aws: None) -> Printed:
    """Returns the metrics and the log lines since the last call."""

    def read() -> tuple[dict[str, float], list[dict[str, Any]]]:
        written = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        found: dict[str, float] = {}
        for line in (each for each in written if "_aws" in each):
            (metrics,) = line["_aws"]["CloudWatchMetrics"]
            assert metrics["Namespace"] == "Experimentation"
            assert metrics["Dimensions"] == [["service"]]
            for metric in metrics["Metrics"]:
                values = line[metric["Name"]]
                found[metric["Name"]] = found.get(metric["Name"], 0) + sum(values)
        return found, [each for each in written if "_aws" not in each]

    return read


def test_request_is_one_line_and_two_metrics(as_admin: Headers, printed: Printed) -> None:
    printed()

    call(record.handler, "POST", "/events", {"user_id": "u1", "type": "t"}, headers=as_admin)

    metrics, (line,) = printed()
    assert metrics["Requests"] == 1
    assert metrics["RequestMilliseconds"] > 0
    assert (line["route"], line["status"], line["request_id"]) == ("POST /events", 202, REQUEST_ID)


def test_accepted_and_rejected_events_are_counted(as_admin: Headers, printed: Printed) -> None:
    good = {"user_id": "u1", "type": "t"}
    printed()

    call(record_batch.handler, "POST", "/events/batch", {"events": [good, good]}, headers=as_admin)
    call(record.handler, "POST", "/events", {"user_id": "u1"}, headers=as_admin)
    call(record.handler, "POST", "/events", raw_body="{", headers=as_admin)
    call(record.handler, "POST", "/events", good)

    metrics, _ = printed()
    assert metrics["EventsAccepted"] == 2
    assert metrics["EventCalls"] == 4
    assert metrics["EventCallsRejected"] == 2  # who may not call at all says nothing about the events


def test_user_is_enrolled_once(as_admin: Headers, printed: Printed) -> None:
    variants = [{"key": "a", "weight": 50}, {"key": "b", "weight": 50}]
    body = {"id": "x", "name": "X", "variants": variants}
    call(create.handler, "POST", "/experiments", body, headers=as_admin)
    path = {"experiment_id": "x"}
    running = {"status": "running"}
    call(
        change_status.handler,
        "POST",
        "/experiments/x/status",
        running,
        path_parameters=path,
        headers=as_admin,
    )
    printed()

    for _ in range(2):
        call(
            assign.handler,
            "POST",
            "/experiments/x/assignments",
            {"user_id": "u1"},
            path_parameters=path,
            headers=as_admin,
        )

    metrics, _ = printed()
    assert metrics["UsersEnrolled"] == 1


def test_worker_counts_counted_duplicates_and_lag_and_names_the_requests(printed: Printed) -> None:
    (message,) = pack([made("e1", received=now() - 5_000)], "request-1")
    printed()

    record_events.handler(batch([message]), Context())
    record_events.handler(batch([message]), Context())

    metrics, lines = printed()
    assert (metrics["EventsCounted"], metrics["EventsDuplicate"]) == (1, 1)
    assert metrics["CountLagMilliseconds"] >= 5_000
    assert [line["requests"] for line in lines if line["message"] == "counted"] == [["request-1"]] * 2


def test_archive_worker_names_the_requests(printed: Printed) -> None:
    (message,) = pack([made("e1")], "request-1")

    archive_events.handler(batch([message]), Context())

    _, lines = printed()
    assert [line["requests"] for line in lines if line["message"] == "archived"] == [["request-1"]]


@pytest.mark.parametrize(("times", "lost"), [(1, 0), (LAST_DELIVERY - 1, 0), (LAST_DELIVERY, 1)])
def test_message_that_fails_for_the_last_time_is_a_dead_letter(
    printed: Printed, times: int, lost: int
) -> None:
    (good,) = pack([made("e1")], "request-1")
    sent = batch([good, "poison"])
    for delivered in sent["Records"]:
        delivered["attributes"] = {"ApproximateReceiveCount": str(times)}

    record_events.handler(sent, Context())

    metrics, _ = printed()
    assert metrics["MessagesDeadLettered"] == lost


def test_whole_batch_that_fails_for_the_last_time_is_dead_letters(
    printed: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    (good,) = pack([made("e1")], "request-1")
    sent = batch([good])
    sent["Records"][0]["attributes"] = {"ApproximateReceiveCount": str(LAST_DELIVERY)}
    monkeypatch.delenv("ARCHIVE_BUCKET")

    with pytest.raises(Exception, match="ARCHIVE_BUCKET"):
        archive_events.handler(sent, Context())

    metrics, _ = printed()
    assert metrics["MessagesDeadLettered"] == 1
