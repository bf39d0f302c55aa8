"""Schedules over HTTP: what is refused, and what may change while it runs."""

from datetime import UTC, datetime
from typing import Any

import pytest

from experimentation.domain.clock import rfc3339
from tests.conftest import Headers, now
from tests.factory import document
from tests.functions.experiment_calls import call, created

HOUR = 3_600_000


def at(hours: float) -> str:
    return rfc3339(now() + int(hours * HOUR))


def pointers(answer: dict[str, Any]) -> list[str]:
    return [error["pointer"] for error in document(answer)["errors"]]


def steps(*given: tuple[float, float]) -> list[dict[str, object]]:
    return [{"at": at(hours), "percent": percent} for hours, percent in given]


def test_a_schedule_is_read_back_as_it_was_sent(as_user: Headers) -> None:
    plan = {"start_at": at(1), "end_at": at(9), "ramp": steps((2, 25), (3, 100))}

    made = created(as_user, traffic_allocation=5, schedule=plan)

    assert document(made)["schedule"] == plan
    assert document(call("read", as_user))["schedule"] == plan
    sent_back = call("update", as_user, {"schedule": plan, "name": "New"})
    assert sent_back["statusCode"] == 200
    assert document(call("update", as_user, {"schedule": None}))["schedule"] is None


@pytest.mark.parametrize(
    ("plan", "fault"),
    [
        (lambda: {"start_at": at(-1)}, "/schedule/start_at"),
        (lambda: {"end_at": at(-1)}, "/schedule/end_at"),
        (lambda: {"start_at": at(2), "end_at": at(1)}, "/schedule/end_at"),
        (lambda: {"start_at": at(1), "end_at": None, "ramp": steps((-1, 50))}, "/schedule/ramp/0/at"),
        (lambda: {"start_at": at(2), "ramp": steps((1, 50))}, "/schedule/ramp/0/at"),
        (lambda: {"ramp": steps((2, 50), (1, 60))}, "/schedule/ramp/1/at"),
        (lambda: {"end_at": at(2), "ramp": steps((3, 50))}, "/schedule/ramp/0/at"),
        (lambda: {"ramp": steps((1, 50), (2, 40))}, "/schedule/ramp/1/percent"),
        (lambda: {"ramp": steps((1, 5))}, "/schedule/ramp/0/percent"),
        (lambda: {"ramp": steps((1, 101))}, "/schedule/ramp/0/percent"),
        (lambda: {"start_at": datetime.now(UTC).replace(tzinfo=None).isoformat()}, "/schedule/start_at"),
        (lambda: {"stop_at": at(1)}, "/schedule/stop_at"),
    ],
)
def test_a_schedule_that_cannot_be_kept_names_the_field(plan: Any, fault: str, as_user: Headers) -> None:
    answer = created(as_user, traffic_allocation=5, schedule=plan())

    assert answer["statusCode"] == 422
    assert fault in pointers(answer)


def test_a_draft_whose_traffic_outgrows_its_ramp_is_refused(as_user: Headers) -> None:
    created(as_user, traffic_allocation=5, schedule={"ramp": steps((1, 50))})

    answer = call("update", as_user, {"traffic_allocation": 60})

    assert (answer["statusCode"], pointers(answer)) == (422, ["/schedule/ramp/0/percent"])


def test_while_it_runs_the_schedule_changes_but_never_lets_fewer_in(as_user: Headers) -> None:
    created(as_user, status="running", traffic_allocation=50)

    falls = call("update", as_user, {"schedule": {"ramp": steps((1, 20))}})
    starts = call("update", as_user, {"schedule": {"start_at": at(1)}})
    grows = call("update", as_user, {"schedule": {"ramp": steps((1, 80)), "end_at": at(5)}})
    by_hand = call("update", as_user, {"traffic_allocation": 90})

    assert (falls["statusCode"], pointers(falls)) == (422, ["/schedule/ramp/0/percent"])
    assert (starts["statusCode"], pointers(starts)) == (422, ["/schedule/start_at"])
    assert grows["statusCode"] == 200
    assert by_hand["statusCode"] == 200


def test_a_completed_experiment_has_no_schedule_to_change(as_user: Headers) -> None:
    created(as_user, status="completed")

    answer = call("update", as_user, {"schedule": {"end_at": at(1)}})

    assert (answer["statusCode"], pointers(answer)) == (409, ["/schedule"])


@pytest.mark.parametrize("name", ["schedule", "Guard"])
def test_nobody_is_called_like_what_happens_by_itself(name: str, as_admin: Headers) -> None:
    from functions.accounts import create  # noqa: PLC0415 - the one use
    from tests.functions.callers import call as send  # noqa: PLC0415 - beside another of that name

    body = {"username": name, "password": "long enough for anyone", "role": "user"}

    answer = send(create.handler, "POST", "/accounts", body, headers=as_admin)

    assert (answer.status, [error["pointer"] for error in answer.json["errors"]]) == (422, ["/username"])


def test_the_guard_is_declared_and_changes_while_it_runs(as_user: Headers) -> None:
    made = document(created(as_user, status="running", guard={"harm": "pause"}))
    changed = document(call("update", as_user, {"guard": {"mismatch": "pause"}}))
    refused = call("update", as_user, {"guard": {"harm": "stop"}})

    assert made["guard"] == {"harm": "pause", "mismatch": "notify"}
    assert changed["guard"] == {"harm": "notify", "mismatch": "pause"}
    assert (refused["statusCode"], pointers(refused)) == (422, ["/guard/harm"])
