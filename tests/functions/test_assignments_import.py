"""POST /experiments/{experiment_id}/assignments/import."""

from experimentation.domain.clock import rfc3339
from functions.assignments.import_assignments import handler
from tests.conftest import Headers, now
from tests.experiments import running
from tests.functions.callers import Answer, call

MINUTE = 60_000


def imported(headers: Headers, *rows: object, name: str = "a") -> Answer:
    path = f"/experiments/{name}/assignments/import"
    parameters = {"experiment_id": name}
    return call(handler, "POST", path, {"assignments": rows}, headers=headers, path_parameters=parameters)


def row(user_id: str, at: int, variant: str = "control") -> dict[str, object]:
    return {"user_id": user_id, "variant": variant, "assigned_at": rfc3339(at), "context": {}}


def test_each_row_says_what_became_of_it(as_user: Headers) -> None:
    at = now() - MINUTE
    running("a", at)
    imported(as_user, row("u1", at))

    answer = imported(as_user, row("u1", at), row("u2", at))

    assert answer.status == 200
    assert answer.json == {
        "experiment_id": "a",
        "stored": 1,
        "already_there": 1,
        "assignments": [
            {"user_id": "u1", "status": "already_there"},
            {"user_id": "u2", "status": "stored"},
        ],
    }


def test_impossible_rows_are_422(as_user: Headers) -> None:
    at = now() - MINUTE
    running("a", at)

    future = imported(as_user, row("u1", now() + MINUTE))
    unknown = imported(as_user, row("u1", at, "never"))
    twice = imported(as_user, row("u1", at), row("u1", at))
    too_many = imported(as_user, *(row(f"u{n}", at) for n in range(501)))
    without_offset = imported(as_user, row("u1", at) | {"assigned_at": "2026-01-01T00:00:00"})

    assert [a.status for a in (future, unknown, twice, too_many, without_offset)] == [422] * 5
    assert future.json["errors"][0]["pointer"] == "/assignments/0/assigned_at"
    assert unknown.json["errors"][0]["pointer"] == "/assignments/0/variant"
    assert twice.json["errors"][0]["pointer"] == "/assignments/1/user_id"


def test_unknown_experiment_is_404_and_a_draft_is_409(as_user: Headers) -> None:
    assert imported(as_user, row("u1", now() - MINUTE)).status == 404
