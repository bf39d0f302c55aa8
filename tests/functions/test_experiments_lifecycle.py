"""POST .../status, DELETE and GET .../history."""

from datetime import datetime
from typing import Any

import pytest

from experimentation.domain.clock import milliseconds
from experimentation.domain.lifecycle import COMPLETION_DELAY_MS
from reference.schemas.experiments import HistoryPage
from tests.conftest import Headers
from tests.factory import document
from tests.functions.experiment_calls import call, created, tag

STATUSES = ("draft", "running", "paused", "completed")
STEPS = {
    ("draft", "running"),
    ("running", "paused"),
    ("paused", "running"),
    ("running", "completed"),
    ("paused", "completed"),
}


@pytest.mark.parametrize("before", STATUSES)
@pytest.mark.parametrize("after", STATUSES)
def test_only_the_steps_of_its_life_are_taken(before: str, after: str, as_user: Headers) -> None:
    made = created(as_user, status=before)
    was = document(made)

    answer = call("change_status", as_user, {"status": after})

    now = document(call("read", as_user))
    if (before, after) in STEPS:
        assert answer["statusCode"] == 200
        assert answer["headers"]["ETag"] == tag(made, was["version"] + 1)
        assert document(answer) == now
        assert now["status"] == after
    else:
        assert answer["statusCode"] == 409
        assert now == was


def test_the_end_lies_a_few_seconds_ahead(as_user: Headers) -> None:
    done = document(created(as_user, status="completed"))

    ended, updated = (milliseconds(datetime.fromisoformat(done[name])) for name in ("ended_at", "updated_at"))
    assert ended - updated >= COMPLETION_DELAY_MS


def test_a_stale_if_match_changes_no_status(as_user: Headers) -> None:
    made = created(as_user, status="running")

    answer = call("change_status", as_user, {"status": "completed"}, if_match=tag(made, 1))

    assert answer["statusCode"] == 412
    assert document(call("read", as_user))["status"] == "running"


@pytest.mark.parametrize(
    "body", [{}, {"status": "stopped"}, {"status": None}, {"status": "running", "why": ""}]
)
def test_a_status_that_is_none_is_refused(body: dict[str, object], as_user: Headers) -> None:
    created(as_user)

    assert call("change_status", as_user, body)["statusCode"] == 422


def test_a_draft_is_deleted(as_user: Headers) -> None:
    created(as_user)

    answer = call("delete", as_user)

    assert answer["statusCode"] == 204
    assert "body" not in answer
    assert call("read", as_user)["statusCode"] == 404
    assert document(call("list", as_user))["experiments"] == []


@pytest.mark.parametrize("status", ["running", "paused", "completed"])
def test_what_has_run_is_not_deleted(status: str, as_user: Headers) -> None:
    created(as_user, status=status)

    assert call("delete", as_user)["statusCode"] == 409
    assert call("read", as_user)["statusCode"] == 200


def test_a_stale_if_match_deletes_nothing(as_user: Headers) -> None:
    made = created(as_user)
    call("update", as_user, {"name": "New"})

    stale = call("delete", as_user, if_match=tag(made, 1))
    fresh = call("delete", as_user, if_match=tag(made, 2))

    assert (stale["statusCode"], fresh["statusCode"]) == (412, 204)


@pytest.mark.parametrize("operation", ["delete", "history"])
def test_an_unknown_experiment_is_not_found(operation: str, as_user: Headers) -> None:
    assert call(operation, as_user, experiment_id="nothing")["statusCode"] == 404


def test_the_history_says_who_changed_what(as_user: Headers, as_admin: Headers) -> None:
    created(as_user)
    call("update", as_admin, {"traffic_allocation": 33.3333, "min_days": 14})
    call("change_status", as_user, {"status": "running"})

    answer = call("history", as_user)

    HistoryPage.model_validate_json(answer["body"])
    started, changed, made = document(answer)["history"]
    assert (made["actor"], made["action"], made["version"], made["changes"]) == ("ursula", "created", 1, [])
    assert (changed["actor"], changed["action"], changed["version"]) == ("ada", "changed", 2)
    assert sorted(changed["changes"], key=lambda change: change["field"]) == [
        {"field": "min_days", "from": 7, "to": 14},
        {"field": "traffic_allocation", "from": 100, "to": 33.3333},
    ]
    assert (started["action"], started["changes"][0]) == (
        "status",
        {"field": "status", "from": "draft", "to": "running"},
    )


def test_a_change_that_was_refused_is_not_in_the_history(as_user: Headers) -> None:
    created(as_user, status="running")
    call("update", as_user, {"min_days": 1})
    call("update", as_user, {"name": "Lost"}, if_match='"1"')

    assert len(document(call("history", as_user))["history"]) == 2


def test_the_history_is_paged(as_user: Headers) -> None:
    created(as_user)
    for number in range(4):
        call("update", as_user, {"name": f"Name {number}"})

    versions, query = [], {"limit": 2}
    for _ in range(3):
        page = document(call("history", as_user, query=query))
        versions.append([entry["version"] for entry in page["history"]])
        query = {"limit": 2, "cursor": page["next_cursor"]}

    assert versions == [[5, 4], [3, 2], [1]]
    assert page["next_cursor"] is None


def test_another_experiments_cursor_is_refused(as_user: Headers) -> None:
    for experiment_id in ("one", "two"):
        created(as_user, id=experiment_id)
        call("update", as_user, {"name": "New"}, experiment_id)
    cursor = document(call("history", as_user, None, "one", {"limit": 1}))["next_cursor"]

    assert call("history", as_user, None, "two", {"cursor": cursor})["statusCode"] == 422
    assert call("history", as_user, None, "one", {"cursor": cursor})["statusCode"] == 200


def test_a_deleted_drafts_history_can_still_be_read(as_user: Headers) -> None:
    created(as_user)
    call("delete", as_user)

    entries = document(call("history", as_user))["history"]

    assert [entry["action"] for entry in entries] == ["deleted", "created"]


def test_reading_rights_change_nothing(as_user: Headers, as_key: Any) -> None:
    created(as_user)
    reader = as_key("experiments:read")

    assert call("change_status", reader, {"status": "running"})["statusCode"] == 403
    assert call("delete", reader)["statusCode"] == 403
    assert call("history", reader)["statusCode"] == 200
