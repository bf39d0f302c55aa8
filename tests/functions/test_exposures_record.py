"""POST /exposures: everything is checked first, accepted means that the queue has it; the worker enrols."""

import pytest

from experimentation import settings
from experimentation.domain.clock import DAY_MS, rfc3339
from experimentation.domain.drawing import variant_of
from experimentation.domain.experiment import Status
from experimentation.storage import assignments, experiments
from experimentation.storage.aws import client
from functions.exposures.record import handler, runtime
from functions.workers import record_events
from tests.conftest import Headers, now
from tests.events import batch, failed
from tests.experiments import experiment, running
from tests.factory import Context
from tests.functions.callers import Answer, call
from tests.wire import answering

BUSY = b"<ErrorResponse><Error><Code>Throttled</Code></Error></ErrorResponse>"
SEEN = {"experiment_id": "e", "user_id": "u1", "variant": "control"}


def send(headers: Headers, *exposures: object, **more: object) -> Answer:
    return call(handler, "POST", "/exposures", {"exposures": exposures, **more}, headers=headers)


def waiting() -> list[str]:
    answer = client.sqs().receive_message(QueueUrl=settings.queue_url("count"), MaxNumberOfMessages=10)
    return [message["Body"] for message in answer.get("Messages", [])]


def pointers(answer: Answer) -> list[str]:
    return [error["pointer"] for error in answer.json["errors"]]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for each in (runtime, record_events.runtime):
        monkeypatch.setattr(each, "sleep", lambda _: None)
        each.experiments.clear()


@pytest.fixture
def chosen(aws: None):
    """An experiment that started five days ago."""
    return running("e", now() - 5 * DAY_MS)


def test_an_exposure_that_the_queue_has_enrols_the_user_at_its_time(as_user: Headers, chosen) -> None:
    at = now() - DAY_MS
    right = variant_of(chosen, "u1")
    exposure = SEEN | {"variant": right, "timestamp": rfc3339(at), "context": {"country": "DE"}}

    answer = send(as_user, exposure)
    worked = record_events.handler(batch(waiting()), Context())

    assert (answer.status, answer.json) == (202, {"accepted": 1})
    assert failed(worked) == set()
    kept = assignments.read("e", "u1")
    assert (kept.variant, kept.assigned_at, kept.context) == (right, at, {"country": "DE"})


def test_sent_at_corrects_a_clock_that_is_wrong(as_user: Headers, chosen) -> None:
    wrong = now() - 400 * DAY_MS

    answer = send(
        as_user,
        SEEN | {"variant": variant_of(chosen, "u1"), "timestamp": rfc3339(wrong - 60_000)},
        sent_at=rfc3339(wrong),
    )
    record_events.handler(batch(waiting()), Context())

    assert answer.status == 202
    assert abs(assignments.read("e", "u1").assigned_at - (now() - 60_000)) < 20_000


def test_a_time_in_the_future_is_now(as_user: Headers, chosen) -> None:
    later = rfc3339(now() + DAY_MS)

    send(as_user, SEEN | {"variant": variant_of(chosen, "u1"), "timestamp": later})
    record_events.handler(batch(waiting()), Context())

    assert assignments.read("e", "u1").assigned_at <= now()


def test_each_field_at_fault_is_named_and_nothing_is_accepted(as_user: Headers, chosen) -> None:
    experiments.create(experiment(id="draft"), "alice")

    answer = send(
        as_user,
        SEEN,
        SEEN | {"experiment_id": "none-such"},
        SEEN | {"experiment_id": "draft"},
        SEEN | {"variant": "blue"},
        SEEN | {"timestamp": rfc3339(now() - 91 * DAY_MS)},
    )

    assert answer.status == 422
    assert pointers(answer) == [
        "/exposures/1/experiment_id",
        "/exposures/2/experiment_id",
        "/exposures/3/variant",
        "/exposures/4/timestamp",
    ]
    assert waiting() == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"user_id": ""},
        {"user_id": "x" * 257},
        {"variant": "a b"},
        {"timestamp": "yesterday"},
        {"context": {"deep": {}}},
        {"context": {"x": "y" * 2_100}},
        {"surprise": 1},
    ],
)
def test_what_is_no_exposure_is_refused(as_user: Headers, chosen, wrong: dict) -> None:
    assert send(as_user, SEEN | wrong).status == 422


@pytest.mark.parametrize("count", [0, 501])
def test_a_batch_holds_1_to_500(as_user: Headers, chosen, count: int) -> None:
    assert send(as_user, *[SEEN] * count).status == 422


def test_500_of_one_user_and_the_same_one_twice_are_accepted_and_enrol_once(as_user: Headers, chosen) -> None:
    right = SEEN | {"variant": variant_of(chosen, "u1")}

    assert send(as_user, *[right] * 500).json == {"accepted": 500}

    while bodies := waiting():
        assert failed(record_events.handler(batch([*bodies, *bodies]), Context())) == set()
    assert len(assignments.page("e", 0, 10).assignments) <= 1
    assert assignments.read("e", "u1") is not None


def test_a_completed_experiment_is_known_until_the_worker_decides(as_user: Headers, chosen) -> None:
    at = rfc3339(now() - 2 * DAY_MS)
    experiments.change(
        "e",
        lambda each: experiment(
            id="e",
            salt="e",
            created_at=each.created_at,
            version=each.version,
            metrics=each.metrics,
            status=Status.COMPLETED,
            started_at=each.started_at,
            ended_at=now() - DAY_MS,
        ),
        now=now(),
        actor="alice",
    )

    send(as_user, SEEN | {"variant": variant_of(chosen, "u1"), "timestamp": at})
    send(as_user, SEEN | {"user_id": "u2", "variant": variant_of(chosen, "u2")})
    while bodies := waiting():
        assert failed(record_events.handler(batch(bodies), Context())) == set()

    assert assignments.read("e", "u1") is not None
    assert assignments.read("e", "u2") is None


def test_what_the_topic_does_not_take_is_to_be_sent_again(as_user: Headers, chosen) -> None:
    with answering(client.sns(), "Publish", BUSY, 429):
        answer = send(as_user, SEEN)

    assert answer.status == 503
    assert "send them again" in answer.json["detail"]
