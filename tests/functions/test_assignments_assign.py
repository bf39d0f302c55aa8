"""POST /experiments/{experiment_id}/assignments."""

from functions.assignments.assign import handler
from tests.conftest import Headers, now
from tests.experiments import running
from tests.functions.callers import Answer, call


def assign(headers: Headers, body: object, name: str = "checkout") -> Answer:
    path = f"/experiments/{name}/assignments"
    return call(handler, "POST", path, body, headers=headers, path_parameters={"experiment_id": name})


def test_first_answer_is_201_and_the_same_answer_is_200_after_that(as_user: Headers) -> None:
    running("checkout", now())

    first = assign(as_user, {"user_id": "u1", "context": {"country": "DE", "age": 3, "new": True}})
    again = assign(as_user, {"user_id": "u1"})

    assert (first.status, first.json["reason"], first.json["enrolled"]) == (201, "assigned", True)
    assert (again.status, again.json) == (200, first.json | {"reason": "stored"})
    assert first.headers["Cache-Control"] == "no-store"


def test_override_is_answered_and_marked(as_user: Headers) -> None:
    running("checkout", now())

    answer = assign(as_user, {"user_id": "qa-1"})

    assert answer.status == 200
    assert answer.json == {
        "experiment_id": "checkout",
        "user_id": "qa-1",
        "enrolled": True,
        "variant": "treatment",
        "config": {"color": "green"},
        "assigned_at": None,
        "reason": "override",
    }


def test_user_outside_the_traffic_is_an_answer_and_no_error(as_user: Headers) -> None:
    running("checkout", now(), traffic_allocation=0)

    answer = assign(as_user, {"user_id": "u1"})

    assert (answer.status, answer.json["enrolled"], answer.json["reason"]) == (200, False, "not_in_traffic")


def test_unknown_experiment_is_404(as_user: Headers) -> None:
    assert assign(as_user, {"user_id": "u1"}, "never").status == 404


def test_bad_requests_are_422_and_name_the_field(as_user: Headers) -> None:
    running("checkout", now())
    bodies = {
        "/user_id": {"user_id": ""},
        "/context": {"user_id": "u1", "context": {f"k{n}": n for n in range(21)}},
        "/extra": {"user_id": "u1", "extra": 1},
    }

    for pointer, body in bodies.items():
        answer = assign(as_user, body)
        assert answer.status == 422
        assert answer.json["errors"][0]["pointer"] == pointer

    assert assign(as_user, {"user_id": "u1", "context": {"a": "x" * 2_100}}).status == 422
    assert assign(as_user, {"user_id": "u1", "context": {"a": {"nested": 1}}}).status == 422
    assert assign(as_user, {"user_id": "é" * 129}).status == 422


def test_reader_may_not_assign(as_key) -> None:
    assert assign(as_key("assignments:read"), {"user_id": "u1"}).status == 403
