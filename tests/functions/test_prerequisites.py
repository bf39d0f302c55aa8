"""Experiments that build on others: holdouts, what is enrolled where, and chains that may not be."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from experimentation.domain.assignment import Reason
from experimentation.domain.bucketing import decide
from experimentation.domain.counting import enrolling
from experimentation.domain.counting.enrolling import Enrolment, enrol
from experimentation.domain.counting.ledger import Boundary, Head
from experimentation.domain.counting.recording import Ledger
from experimentation.domain.counting.user import StoredUser
from experimentation.domain.counting.writes import HeadWrite
from experimentation.domain.experiment import Prerequisite, Status, Variant
from experimentation.storage import experiments, users
from experimentation.usecases.assigning import assign, assign_all
from experimentation.usecases.runtime import Runtime
from functions.assignments import read
from functions.ofrep import evaluate
from tests.conftest import Headers, now
from tests.experiments import CREATED_AT, definition, experiment, running
from tests.functions import experiment_calls
from tests.functions.callers import call

HELD = (Variant("held_out", 500_000), Variant("open", 500_000))
OPEN = Prerequisite("holdout", ("open",))


def holdout(**changes: Any) -> None:
    running("holdout", now(), variants=HELD, control="held_out", overrides={}, **changes)


def in_holdout(user_id: str) -> tuple[str, int] | None:
    boundary = users.read_head(user_id, consistent=True).assignment("holdout")
    return None if boundary is None else (boundary.variant, boundary.at)


def change(name: str, **changes: Any) -> None:
    experiments.change(name, lambda each: replace(each, **changes), now=now(), actor="alice")


def test_users_of_the_holdout_are_in_it_alone_and_the_others_in_both(aws: None) -> None:
    holdout()
    running("a", now(), prerequisite=OPEN)
    runtime = Runtime()
    wanted = runtime.experiments.read("a", now())

    found = {f"u{n}": assign(wanted, f"u{n}", {}, runtime) for n in range(40)}

    reasons = {each.reason for each in found.values()}
    assert reasons == {Reason.ASSIGNED, Reason.PREREQUISITE}
    for user_id, decision in found.items():
        base = in_holdout(user_id)
        assert base is not None
        assert (base[0] == "open") is (decision.reason is Reason.ASSIGNED)
        if decision.assigned_at is not None:
            assert base[1] <= decision.assigned_at


def test_user_and_holdout_are_written_in_one_transaction(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    holdout()
    running("a", now(), prerequisite=OPEN)
    runtime = Runtime()
    user_id = next(f"u{n}" for n in range(40) if _draws(f"u{n}") == "open")
    versions: list[int] = []
    put_head = users.put_head

    def noted(write: HeadWrite) -> Any:
        versions.append(write.read_version)
        return put_head(write)

    monkeypatch.setattr(users, "put_head", noted)

    assign(runtime.experiments.read("a", now()), user_id, {}, runtime)

    assert versions == [0]
    head = users.read_head(user_id, consistent=True)
    assert [each.experiment_id for each in head.boundaries] == ["holdout", "a"]


def _draws(user_id: str) -> str | None:
    return decide("holdout", user_id, 1_000_000, [(each.key, each.weight) for each in HELD])


def test_user_who_fails_traffic_or_audience_is_not_enrolled_in_the_holdout(aws: None) -> None:
    holdout()
    running("a", now(), prerequisite=OPEN, traffic_allocation=0)
    running("b", now(), prerequisite=OPEN, audience={"country": "DE"})
    runtime = Runtime()

    found = assign_all([runtime.experiments.read(name, now()) for name in "ab"], "u1", {}, runtime)

    assert [each.reason for each in found] == [Reason.NOT_IN_TRAFFIC, Reason.NOT_IN_AUDIENCE]
    assert in_holdout("u1") is None


def test_many_that_build_on_one_enrol_in_it_once(aws: None) -> None:
    holdout()
    for name in "abc":
        running(name, now(), prerequisite=OPEN)
    runtime = Runtime()
    wanted = [runtime.experiments.read(name, now()) for name in ("c", "holdout", "a", "b")]
    user_id = next(f"u{n}" for n in range(40) if _draws(f"u{n}") == "open")

    found = assign_all(wanted, user_id, {}, runtime)

    assert {each.reason for each in found} == {Reason.ASSIGNED}
    names = [each.experiment_id for each in users.read_head(user_id, consistent=True).boundaries]
    assert names[0] == "holdout"
    assert sorted(names) == ["a", "b", "c", "holdout"]


def test_holdout_that_started_later_still_comes_first() -> None:
    base = experiment(
        id="holdout", variants=HELD, status=Status.RUNNING, started_at=CREATED_AT + 9, overrides={}
    )
    user = StoredUser("u1", Ledger(Head(), {}), {}, None)

    def started(name: str, at: int, prerequisite: Prerequisite | None) -> Enrolment:
        found = experiment(id=name, status=Status.RUNNING, started_at=at, prerequisite=prerequisite)
        return Enrolment(found, "control", {})

    wanted = [
        started("b", CREATED_AT + 1, Prerequisite("a", ("control",))),
        started("a", CREATED_AT + 2, OPEN),
        started("other", CREATED_AT + 3, None),
        Enrolment(base, "open", {}),
    ]

    plan = enrol(user, wanted, {}, CREATED_AT + 10, 0)

    assert [[each.experiment.id for each in decisions] for _, decisions in plan.steps] == [
        ["other"],
        ["holdout", "a", "b"],
    ]


def test_prerequisite_without_room_leaves_no_room_for_what_builds_on_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def has_room(boundaries: Sequence[Boundary], *_: object) -> bool:
        return boundaries[-1].experiment_id != "holdout"

    monkeypatch.setattr(enrolling, "has_room", has_room)
    base = experiment(id="holdout", variants=HELD, status=Status.RUNNING, started_at=1, overrides={})
    above = experiment(id="a", status=Status.RUNNING, started_at=2, prerequisite=OPEN)
    user = StoredUser("u1", Ledger(Head(), {}), {}, None)

    plan = enrol(user, [Enrolment(above, "control", {}), Enrolment(base, "open", {})], {}, 10, 0)

    assert plan.steps == []
    assert [each.experiment.id for each in plan.too_many] == ["holdout", "a"]


def test_while_the_holdout_is_paused_only_its_stored_users_pass(aws: None) -> None:
    holdout()
    running("a", now(), prerequisite=OPEN)
    running("b", now(), prerequisite=OPEN)
    user_id = next(f"u{n}" for n in range(40) if _draws(f"u{n}") == "open")
    assign(Runtime().experiments.read("a", now()), user_id, {}, Runtime())
    change("holdout", status=Status.PAUSED)
    runtime = Runtime()
    wanted = runtime.experiments.read("b", now())

    assert assign(wanted, user_id, {}, runtime).reason is Reason.ASSIGNED
    assert assign(wanted, "new", {}, runtime).reason is Reason.PREREQUISITE
    assert in_holdout("new") is None


@pytest.mark.parametrize(
    ("ship", "reason"),
    [("open", "assigned"), ("held_out", "prerequisite_not_met"), (None, "prerequisite_not_met")],
)
def test_once_the_holdout_has_ended_what_it_shipped_counts_for_everybody(
    aws: None, ship: str | None, reason: str
) -> None:
    holdout()
    running("a", now(), prerequisite=OPEN)
    change("holdout", status=Status.COMPLETED, ended_at=now(), ship=ship)
    runtime = Runtime()
    wanted = runtime.experiments.read("a", now())

    found = {assign(wanted, f"u{n}", {}, runtime).reason.value for n in range(8)}

    assert found == {reason}
    assert in_holdout("u1") is None


def test_prerequisite_that_is_gone_lets_nobody_new_in(aws: None) -> None:
    experiments.create(experiment(id="holdout", variants=HELD, control="held_out", overrides={}), "alice")
    running("a", now(), prerequisite=OPEN)
    experiments.delete("holdout", lambda _: None, now=now(), actor="alice")
    runtime = Runtime()

    assert assign(runtime.experiments.read("a", now()), "u1", {}, runtime).reason is Reason.PREREQUISITE


def test_flag_follows_the_prerequisite_and_the_explanation_says_so(as_user: Headers) -> None:
    holdout()
    running("a", now(), prerequisite=OPEN)
    user_id = next(f"u{n}" for n in range(40) if _draws(f"u{n}") == "held_out")
    path, parameters = "/experiments/a/assignments", {"experiment_id": "a"}
    query = {"user_id": user_id, "explain": "true"}

    explained = call(read.handler, "GET", path, query=query, headers=as_user, path_parameters=parameters)
    before = in_holdout(user_id)
    flag = call(
        evaluate.handler,
        "POST",
        "/ofrep/v1/evaluate/flags/a",
        {"context": {"targetingKey": user_id}},
        headers=as_user,
        path_parameters={"key": "a"},
    )

    assert explained.json["explanation"]["prerequisite"] == {
        "experiment_id": "holdout",
        "variants": ["open"],
        "variant": "held_out",
        "met": False,
    }
    assert before is None
    assert (flag.json["variant"], flag.json["metadata"]["enrolled"]) == ("control", False)
    assert in_holdout(user_id) is not None


def made(headers: Headers, name: str, base: str | None, *variants: str) -> Any:
    wanted = None if base is None else {"experiment_id": base, "variants": list(variants or ("control",))}
    answer = experiment_calls.call("create", headers, definition(id=name, prerequisite=wanted))
    return answer["statusCode"], json.loads(answer["body"])


def patched(headers: Headers, name: str, base: str) -> Any:
    body = {"prerequisite": {"experiment_id": base, "variants": ["control"]}}
    answer = experiment_calls.call("update", headers, body, name)
    return answer["statusCode"], json.loads(answer["body"])


def test_prerequisite_is_answered_as_sent_and_fixed_at_the_start(as_user: Headers) -> None:
    made(as_user, "a", None)
    status, body = made(as_user, "b", "a", "treatment")
    experiment_calls.call("change_status", as_user, {"status": "running"}, "b")

    assert (status, body["prerequisite"]) == (201, {"experiment_id": "a", "variants": ["treatment"]})
    assert experiment_calls.call("update", as_user, {"prerequisite": None}, "b")["statusCode"] == 409
    assert experiment_calls.call("update", as_user, {"name": "B"}, "b")["statusCode"] == 200


def test_unknown_prerequisites_and_variants_are_422_and_named(as_user: Headers) -> None:
    made(as_user, "a", None)

    unknown = made(as_user, "b", "never")
    variant = made(as_user, "b", "a", "control", "open")

    assert (unknown[0], unknown[1]["errors"][0]["pointer"]) == (422, "/prerequisite/experiment_id")
    assert (variant[0], variant[1]["errors"][0]["pointer"]) == (422, "/prerequisite/variants/1")


def test_nothing_starts_whose_prerequisite_is_gone_or_has_other_variants(as_user: Headers) -> None:
    made(as_user, "a", None)
    made(as_user, "b", "a")
    experiment_calls.call("delete", as_user, None, "a")

    gone = experiment_calls.call("change_status", as_user, {"status": "running"}, "b")
    other = [{"key": "x", "weight": 50}, {"key": "y", "weight": 50}]
    experiment_calls.call("create", as_user, definition(id="a", variants=other, control="x", overrides={}))
    changed = experiment_calls.call("change_status", as_user, {"status": "running"}, "b")

    assert [each["statusCode"] for each in (gone, changed)] == [409, 409]
    faults = [json.loads(each["body"])["errors"] for each in (gone, changed)]
    assert faults == [
        [{"pointer": "/prerequisite/experiment_id", "detail": "there is no experiment a"}],
        [{"pointer": "/prerequisite/variants/0", "detail": "is no variant of a"}],
    ]
    assert experiments.read("b", consistent=True).status is Status.DRAFT


def test_what_runs_goes_on_whatever_becomes_of_its_prerequisite(as_user: Headers) -> None:
    made(as_user, "a", None)
    made(as_user, "b", "a")
    experiment_calls.call("change_status", as_user, {"status": "running"}, "b")
    experiment_calls.call("delete", as_user, None, "a")

    answers = [
        experiment_calls.call("change_status", as_user, {"status": status}, "b")
        for status in ("paused", "running", "completed")
    ]

    assert [each["statusCode"] for each in answers] == [200, 200, 200]


def test_cycles_and_long_chains_are_409(as_user: Headers) -> None:
    made(as_user, "e0", None)
    for n in range(1, 6):
        assert made(as_user, f"e{n}", f"e{n - 1}")[0] == 201

    assert patched(as_user, "e0", "e0")[0] == 409
    assert patched(as_user, "e0", "e3")[0] == 409
    assert made(as_user, "e6", "e5")[0] == 409
    assert experiments.read("e0").prerequisite is None


def test_cycle_through_a_draft_that_was_deleted_is_409(as_user: Headers) -> None:
    made(as_user, "a", None)
    made(as_user, "b", "a")
    made(as_user, "c", "b")
    experiment_calls.call("delete", as_user, None, "a")

    status, body = made(as_user, "a", "c")
    extended = made(as_user, "d", "c")

    assert (status, body["errors"][0]["pointer"]) == (409, "/prerequisite/experiment_id")
    assert extended[0] == 201


def test_cycle_that_is_closed_by_a_rival_in_between_is_409(
    as_user: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(as_user, "a", None)
    made(as_user, "b", None)
    committing = experiments.commit
    rivals: list[int] = []

    def late(actions: Any) -> None:
        monkeypatch.setattr(experiments, "commit", committing)
        rivals.append(patched(as_user, "a", "b")[0])
        committing(actions)

    monkeypatch.setattr(experiments, "commit", late)

    assert patched(as_user, "b", "a")[0] == 409
    assert rivals == [200]
    assert experiments.read("b").prerequisite is None
