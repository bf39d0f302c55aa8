"""POST /assignments, GET /assignments, GET /experiments/{experiment_id}/assignments."""

from dataclasses import replace

from experimentation.domain.counting.writes import HeadWrite, PastWrite
from experimentation.domain.experiment import Status
from experimentation.storage import experiments, users
from experimentation.storage.aws import client
from functions.assignments import assign_all, read
from functions.assignments import list as listing
from tests.conftest import Headers, now
from tests.experiments import running
from tests.functions.callers import Answer, call


def assign(headers: Headers, **body: object) -> Answer:
    return call(assign_all.handler, "POST", "/assignments", body, headers=headers)


def listed(headers: Headers, user_id: str) -> Answer:
    return call(listing.handler, "GET", "/assignments", query={"user_id": user_id}, headers=headers)


def one(headers: Headers, name: str, **query: object) -> Answer:
    path = f"/experiments/{name}/assignments"
    parameters = {"experiment_id": name}
    return call(read.handler, "GET", path, query=query, headers=headers, path_parameters=parameters)


def test_one_call_assigns_in_every_running_experiment(as_user: Headers) -> None:
    for name in ("a", "b"):
        running(name, now())
    experiments.change("b", lambda e: replace(e, status=Status.PAUSED), now=now(), actor="alice")

    answer = assign(as_user, user_id="u1", context={"country": "DE"})

    assert answer.status == 200
    assert [(each["experiment_id"], each["reason"]) for each in answer.json["assignments"]] == [
        ("a", "assigned")
    ]


def test_named_experiments_are_answered_in_their_order(as_user: Headers) -> None:
    for name in ("a", "b"):
        running(name, now())

    answer = assign(as_user, user_id="u1", experiments=["b", "a"])

    assert [each["experiment_id"] for each in answer.json["assignments"]] == ["b", "a"]


def test_unknown_names_are_404_and_named(as_user: Headers) -> None:
    running("a", now())

    answer = assign(as_user, user_id="u1", experiments=["a", "never"])

    assert answer.status == 404
    assert [error["pointer"] for error in answer.json["errors"]] == ["/experiments/1"]


def test_list_shows_what_is_stored_and_what_was_put_away(as_user: Headers) -> None:
    for name in ("a", "b"):
        running(name, now())
    assign(as_user, user_id="u1")
    head = users.read_head("u1", consistent=True)
    away = replace(head, boundaries=head.boundaries[1:], past_until=1, past_k=head.boundaries[0].k)
    actions = [
        users.put_head(HeadWrite("u1", head.version, away)),
        users.put_past(PastWrite("u1", head.boundaries[:1], away.past_until, away.past_k)),
    ]
    client.dynamodb().transact_write_items(TransactItems=actions)

    answer = listed(as_user, "u1")

    assert {each["experiment_id"] for each in answer.json["assignments"]} == {"a", "b"}
    assert {each["reason"] for each in answer.json["assignments"]} == {"stored"}
    assert listed(as_user, "nobody").json == {"user_id": "nobody", "assignments": []}


def test_reading_shows_the_stored_answer_without_side_effect(as_user: Headers) -> None:
    running("a", now())

    before = one(as_user, "a", user_id="u/1?")
    assign(as_user, user_id="u/1?", context={"country": "DE"})
    after = one(as_user, "a", user_id="u/1?")

    assert before.status == 404
    assert (after.status, after.json["reason"]) == (200, "stored")
    assert "explanation" not in after.json


def test_override_is_read_as_such(as_user: Headers) -> None:
    running("a", now())

    assert one(as_user, "a", user_id="qa-1").json["reason"] == "override"


def test_explanation_comes_with_or_without_an_assignment(as_user: Headers) -> None:
    running("a", now())

    nobody = one(as_user, "a", user_id="u1", explain="true")
    assign(as_user, user_id="u1", context={"country": "DE"})
    assigned = one(as_user, "a", user_id="u1", explain="true")

    assert (nobody.status, nobody.json["enrolled"]) == (200, False)
    assert assigned.json["context"] == {"country": "DE"}
    assert assigned.json["imported"] is False
    assert assigned.json["explanation"] == nobody.json["explanation"]
