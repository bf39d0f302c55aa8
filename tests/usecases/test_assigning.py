"""Assigning: override, stored, drawn; stored once, and only for who may take part."""

import json
import random
from dataclasses import replace

import pytest

from experimentation.domain.assignment import Reason
from experimentation.domain.clock import DAY_MS, rfc3339
from experimentation.domain.counting import user as stored_user
from experimentation.domain.counting.ledger import END
from experimentation.domain.counting.writes import HeadWrite, PastWrite
from experimentation.domain.errors import UnavailableError
from experimentation.domain.experiment import CountFrom, Kind, Metric, Segment, Status
from experimentation.storage import assignments, experiments, rollups, users
from experimentation.storage.aws import client
from experimentation.usecases.assigning import MAX_TRIES, answer, assign, assign_all
from experimentation.usecases.counting import count_events
from experimentation.usecases.exposing import enrol_exposed
from experimentation.usecases.importing import Row, import_rows
from experimentation.usecases.runtime import Runtime
from tests.cancelled import cancelling, conflict_on
from tests.counters import cells
from tests.events import exposed, made
from tests.experiments import experiment, running
from tests.usecases.conftest import NOW
from tests.wire import BUSY_JSON, answering

THREE = (Segment("country", ("DE",)), Segment("plan", ("pro",)), Segment("os", ("ios",)))

pytestmark = pytest.mark.usefixtures("aws")


def purchase(event_id, at=NOW, value=10_000):
    return made(event_id, at=at, received=at, value=value)


def put_status(name, status, **changes):
    return experiments.change(name, lambda e: replace(e, status=status, **changes), now=NOW, actor="alice")


def stored(name, user_id):
    return users.read_head(user_id, consistent=True).assignment(name)


def enrolments(name):
    """Return n per sort key, over all shards."""
    chosen = experiments.read(name, consistent=True)
    found = rollups.merge(cells(chosen, partition=rollups.enrolment_partition))
    return {key: counters["n"] for key, counters in found.items()}


def test_the_first_answer_is_stored_with_its_context(runtime):
    chosen = running("e", NOW - DAY_MS)

    decision = assign(chosen, "u1", {"country": "DE"}, runtime)

    assert decision.reason is Reason.ASSIGNED
    assert decision.assigned_at == NOW
    kept = assignments.read("e", "u1")
    assert (kept.variant, kept.assigned_at, kept.context) == (decision.variant, NOW, {"country": "DE"})
    assert enrolments("e") == {f"*#1#{decision.variant}": 1, f"country=DE#1#{decision.variant}": 1}
    assert stored("e", "u1").variant == decision.variant


def test_the_same_answer_is_given_ever_after(runtime, clock):
    chosen = running("e", NOW - DAY_MS)
    first = assign(chosen, "u1", {"country": "DE"}, runtime)
    clock.now += DAY_MS

    again = assign(chosen, "u1", {"country": "US"}, runtime)

    assert again == first._replace(reason=Reason.STORED)
    assert sum(enrolments("e").values()) == 2


@pytest.mark.parametrize("status", list(Status))
def test_an_override_holds_in_every_status_and_is_never_stored(runtime, status):
    chosen = replace(experiment(), status=status)

    decision = assign(chosen, "qa-1", {}, runtime)

    assert decision[2:] == ("treatment", None, Reason.OVERRIDE)
    assert assignments.read(chosen.id, "qa-1") is None
    assert stored(chosen.id, "qa-1") is None


@pytest.mark.parametrize("status", [Status.RUNNING, Status.PAUSED, Status.COMPLETED])
def test_a_stored_answer_holds_while_running_paused_and_completed(runtime, status):
    first = assign(running("e", NOW - DAY_MS), "u1", {}, runtime)
    now = put_status("e", status, traffic_allocation=0)
    runtime.experiments.clear()

    decision = assign(now, "u1", {}, runtime)

    assert (decision.variant, decision.reason) == (first.variant, Reason.STORED)


@pytest.mark.parametrize("status", [Status.DRAFT, Status.PAUSED, Status.COMPLETED])
def test_nobody_new_takes_part_unless_it_runs(runtime, status):
    chosen = replace(experiment(), status=status, started_at=NOW)

    decision = assign(chosen, "u1", {}, runtime)

    assert decision[2:] == (None, None, Reason.NOT_RUNNING)
    assert users.read_head("u1", consistent=True).version == 0


def test_a_user_outside_the_traffic_takes_no_part(runtime):
    chosen = running("e", NOW, traffic_allocation=0)

    decision = assign(chosen, "u1", {}, runtime)

    assert decision[2:] == (None, None, Reason.NOT_IN_TRAFFIC)
    assert enrolments("e") == {}


def test_an_assignment_comes_after_every_event_that_is_recorded(runtime, always):
    count_events([purchase("a", NOW + 500)], runtime, always)

    decision = assign(running("e", NOW), "u1", {}, runtime)

    assert decision.assigned_at == NOW + 501


def test_what_a_user_did_before_is_noted_for_cuped(runtime, always):
    metrics = tuple(Metric(kind, "purchase", kind) for kind in Kind)
    count_events([purchase("a", value=3), purchase("b", value=-5)], runtime, always)
    chosen = running("e", NOW, metrics=metrics)

    assign(chosen, "u1", {}, runtime)

    place = rollups.partition(chosen, runtime.shard(chosen.shards))
    (cell,) = rollups.read(place)
    assert cell.counters == {"xv": -2, "xvv": 4, "xc": 2, "xcc": 4, "xb": 1}


def test_ledgers_stored_apart_are_read_with_the_head_that_names_their_versions(runtime, always, monkeypatch):
    monkeypatch.setattr(stored_user, "HEAD_LIMIT_BYTES", 0)
    count_events([purchase("a", value=3)], runtime, always)
    chosen = running(
        "e", NOW, metrics=(Metric("m", "purchase", Kind.VALUE), Metric("o", "other", Kind.VALUE))
    )

    calls = []

    def behind(request):
        calls.append(request.body)
        return sum(b"METRIC#" in each for each in calls) == 1 and b"METRIC#" in calls[-1]

    with answering(client.dynamodb(), "BatchGetItem", b'{"Responses":{}}', 200, behind):
        assign(chosen, "u1", {}, runtime)

    assert sum(b"METRIC#" in each for each in calls) == 2
    place = rollups.partition(chosen, runtime.shard(chosen.shards))
    assert [cell.counters for cell in rollups.read(place)] == [{"xv": 3, "xvv": 9}]
    outcome = count_events([purchase("b", NOW + 1, value=4)], runtime, always)
    assert (len(outcome.counted), outcome.conflicts) == (1, 0)


def test_many_new_assignments_are_stored_in_transactions_that_fit(runtime, always):
    types = [f"type{n}" for n in range(6)]
    count_events([made(name, at=NOW, received=NOW, type=name) for name in types], runtime, always)
    metrics = tuple(Metric(name, name, Kind.VALUE) for name in types)
    many = [running(f"e{n}", NOW, segments=THREE, metrics=metrics) for n in range(14)]

    with cancelling(conflict_on("nothing")) as sent:
        decisions = assign_all(many, "u1", {}, runtime)

    assert {decision.reason for decision in decisions} == {Reason.ASSIGNED}
    assert [decision.experiment.id for decision in decisions] == [each.id for each in many]
    assert len(sent) > 1
    assert max(map(len, sent)) <= 100
    assert len({stored(each.id, "u1").k for each in many}) == 14


def test_one_call_answers_for_every_kind_in_the_order_asked(runtime):
    first = running("first", NOW)
    assign(first, "u1", {}, runtime)
    asked = [
        running("new", NOW, overrides={}),
        running("mine", NOW, overrides={"u1": "control"}),
        first,
        replace(experiment(), id="draft"),
        running("closed", NOW, traffic_allocation=0),
    ]

    decisions = assign_all(asked, "u1", {}, runtime)

    assert [(d.experiment.id, d.reason.value) for d in decisions] == [
        ("new", "assigned"),
        ("mine", "override"),
        ("first", "stored"),
        ("draft", "not_running"),
        ("closed", "not_in_traffic"),
    ]


def test_a_repeat_does_not_read_the_users_other_experiments(runtime):
    asked, other = running("asked", NOW), running("other", NOW)
    assign_all([asked, other], "u1", {}, runtime)
    runtime.experiments.clear()
    runtime.experiments.read_many(["asked"], NOW)

    with answering(client.dynamodb(), "BatchGetItem", BUSY_JSON):
        assert assign(asked, "u1", {}, runtime).reason is Reason.STORED


def test_what_one_event_could_not_count_in_one_transaction_is_not_assigned(runtime):
    many = [running(f"e{n:02}", NOW, segments=THREE) for n in range(17)]
    last = [running("large", NOW, segments=THREE), running("small", NOW, segments=())]
    first = running("first", NOW - 1, segments=THREE[:1])
    assign_all(many, "u1", {}, runtime)

    decided = assign_all([*last, first, many[0]], "u1", {}, runtime)

    reasons = [Reason.TOO_MANY, Reason.ASSIGNED, Reason.ASSIGNED, Reason.STORED]
    assert [each.reason for each in decided] == reasons
    assert assign(last[0], "u1", {}, runtime).variant is None
    assert assignments.read("large", "u1") is None


def test_experiments_that_are_over_make_room_for_new_ones(runtime):
    many = [running(f"e{n}", NOW - DAY_MS, segments=THREE) for n in range(18)]
    assign_all(many, "u1", {}, runtime)
    put_status("e0", Status.COMPLETED, ended_at=NOW)
    runtime.experiments.clear()

    decision = assign(running("one-more", NOW, segments=()), "u1", {}, runtime)

    assert decision.reason is Reason.ASSIGNED
    boundaries = users.read_head("u1", consistent=True).boundaries
    assert [b.experiment_id for b in boundaries if b.variant == END] == ["e0"]


def test_a_conflict_is_tried_again(runtime, clock):
    chosen = running("e", NOW)

    with cancelling(conflict_on("ENROL#"), times=3):
        decision = assign(chosen, "u1", {}, runtime)

    assert decision.reason is Reason.ASSIGNED
    assert len(clock.pauses) == 3
    assert runtime.conflicts["e"] == 3


def test_somebody_else_who_was_faster_decides(runtime):
    chosen = running("e", NOW)
    other = Runtime(clock=lambda: NOW - 7, rng=random.Random(2))
    raced = []

    def race(actions):
        if not raced:
            raced.append(True)
            assign(chosen, "u1", {"country": "US"}, other)
            return ["ConditionalCheckFailed"] + ["None"] * (len(actions) - 1)
        return ["None"]

    with cancelling(race):
        decision = assign(chosen, "u1", {"country": "DE"}, runtime)

    assert (decision.reason, decision.assigned_at) == (Reason.STORED, NOW - 7)
    assert assignments.read("e", "u1").context == {"country": "US"}


def test_a_user_whom_everybody_changes_is_asked_to_come_again(runtime, clock):
    chosen = running("e", NOW)

    with cancelling(conflict_on("HEAD"), times=100), pytest.raises(UnavailableError):
        assign(chosen, "u1", {}, runtime)

    assert len(clock.pauses) == MAX_TRIES - 1
    assert assignments.read("e", "u1") is None


def test_an_experiment_that_ended_during_the_tries_takes_nobody(runtime, clock):
    chosen = running("e", NOW)

    def ends(actions):
        if "ASSIGN#" not in json.dumps(actions):
            return ["None"]
        put_status("e", Status.COMPLETED, ended_at=NOW + 16_000)
        clock.now += 20_000
        return ["TransactionConflict"] * len(actions)

    with cancelling(ends):
        decision = assign(chosen, "u1", {}, runtime)

    assert decision.reason is Reason.NOT_RUNNING
    assert assignments.read("e", "u1") is None


def test_an_assignment_that_was_put_away_still_holds(runtime):
    first = assign(running("e", NOW - DAY_MS), "u1", {}, runtime)
    head = users.read_head("u1", consistent=True)
    away = replace(head, boundaries=(), past_until=NOW + 1, past_k=1)
    actions = [
        users.put_head(HeadWrite("u1", 1, away)),
        users.put_past(PastWrite("u1", head.boundaries, away.past_until, away.past_k)),
    ]
    client.dynamodb().transact_write_items(TransactItems=actions)

    again = assign(first.experiment, "u1", {}, runtime)

    assert (again.variant, again.assigned_at, again.reason) == (first.variant, NOW, Reason.STORED)
    assert users.read_head("u1", consistent=True).boundaries == ()


def test_the_answer_carries_the_variants_config(runtime):
    decision = assign(running("e", NOW), "u1", {}, runtime)
    nobody = assign(running("closed", NOW, traffic_allocation=0), "u1", {}, runtime)

    shown = answer(decision)

    colour = {"control": "blue", "treatment": "green"}[decision.variant]
    assert shown["config"] == {"color": colour}
    assert (shown["enrolled"], shown["assigned_at"], shown["reason"]) == (True, rfc3339(NOW), "assigned")
    assert answer(nobody) == {
        "experiment_id": "closed",
        "user_id": "u1",
        "enrolled": False,
        "variant": None,
        "config": None,
        "assigned_at": None,
        "reason": "not_in_traffic",
    }
    plain = replace(
        decision.experiment, variants=tuple(replace(v, config=None) for v in decision.experiment.variants)
    )
    assert answer(decision._replace(experiment=plain))["config"] is None


@pytest.mark.parametrize("status", [Status.RUNNING, Status.PAUSED, Status.COMPLETED])
def test_a_read_that_lags_hides_nobody_who_is_enrolled(runtime, status):
    chosen = running("e", NOW, traffic_allocation=0)
    import_rows(chosen, [Row("u1", "treatment", NOW, {})], runtime, lambda: True)
    now = put_status("e", status)

    def lags(request):
        return b'"ConsistentRead": false' in request.body

    with answering(client.dynamodb(), "GetItem", b"{}", 200, lags):
        decision = assign(now, "u1", {}, runtime)

    assert (decision.variant, decision.reason) == ("treatment", Reason.STORED)
    assert experiments.read("e", consistent=True).imported_at == NOW


def test_where_users_count_from_exposure_the_draw_is_answered_and_nobody_enrolled(runtime):
    chosen = running("e", NOW - DAY_MS, count_from=CountFrom.EXPOSURE)
    other = running("o", NOW - DAY_MS)

    with cancelling(lambda _: [], times=0) as sent:
        first = [assign(chosen, f"u{n}", {}, runtime) for n in range(20)]
        again = [assign(chosen, f"u{n}", {}, runtime) for n in range(20)]

    assert sent == []
    assert first == again
    assert {each.reason for each in first} == {Reason.DRAWN}
    assert {each.variant for each in first} == {"control", "treatment"}
    assert answer(first[0])["enrolled"] is False
    assert answer(first[0])["config"] is not None
    assert enrolments("e") == {}
    both = assign_all([chosen, other], "u1", {}, runtime)
    assert [each.reason for each in both] == [Reason.DRAWN, Reason.ASSIGNED]


def test_where_users_count_from_exposure_it_enrols_and_is_answered_from_then_on(runtime, always):
    chosen = running("e", NOW - DAY_MS, count_from=CountFrom.EXPOSURE)
    drawn = assign(chosen, "u1", {}, runtime)

    enrol_exposed([exposed(experiment_id="e", variant=drawn.variant, at=NOW - 5)], runtime, always)

    decision = assign(chosen, "u1", {}, runtime)
    assert (decision.reason, decision.variant) == (Reason.STORED, drawn.variant)
    assert decision.enrolled
    assert decision.assigned_at == NOW - 5


def test_where_users_count_from_exposure_overrides_imports_and_pauses_go_before_the_draw(runtime, always):
    chosen = running("e", NOW - DAY_MS, count_from=CountFrom.EXPOSURE, traffic_allocation=0)
    import_rows(chosen, [Row("u1", "treatment", NOW - 5, {})], runtime, always)
    assert assign(chosen, "u1", {}, runtime).reason is Reason.STORED
    assert assign(chosen, "qa-1", {}, runtime).reason is Reason.OVERRIDE
    assert assign(chosen, "u2", {}, runtime).reason is Reason.NOT_IN_TRAFFIC

    put_status("e", Status.PAUSED)
    runtime.experiments.clear()

    assert assign(chosen, "u1", {}, runtime).reason is Reason.STORED
    assert assign(chosen, "u2", {}, runtime).reason is Reason.NOT_RUNNING
