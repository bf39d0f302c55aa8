"""The guard: what it proves it acts on once, with the figures, whoever runs twice."""

from dataclasses import replace

import pytest

from experimentation.domain.errors import UnavailableError
from experimentation.domain.experiment import Direction, GuardRule, Kind, Metric, Reaction, Role, Status
from experimentation.domain.facts import FactKind
from experimentation.domain.lifecycle import transition
from experimentation.storage import experiments, history, outbox, rollups
from experimentation.storage.aws.transactions import commit
from experimentation.usecases.guarding import guard
from tests.cancelled import cancelling, conflict_on
from tests.experiments import PURCHASE_RATE, running
from tests.usecases.conftest import NOW

pytestmark = pytest.mark.usefixtures("aws")

CRASHES = Metric("crashes", "crash", Kind.CONVERSION, Direction.DECREASE, Role.GUARDRAIL, name="Crashes")
PAUSE = GuardRule(harm=Reaction.PAUSE, mismatch=Reaction.PAUSE)


def started(rule=PAUSE, crashes=CRASHES):
    return running("e", NOW - 60_000, metrics=(PURCHASE_RATE, crashes), guard=rule)


def count(chosen, users, crashed):
    """Count users and crashes of control and treatment."""
    for variant, n, harmed in zip(("control", "treatment"), users, crashed, strict=True):
        counters = {"n": harmed, "u": harmed, "s": harmed, "q0": harmed, "c0": harmed}
        enrolment = rollups.enrolment_partition(chosen, 0)
        commit([rollups.add(enrolment, f"*#0#{variant}", {"n": n}, NOW)])
        if harmed:
            commit([rollups.add(rollups.partition(chosen, 0), f"*#crash#0#{variant}", counters, NOW)])


def log():
    entries = history.list_page("e", 100).entries
    return [(each.actor, each.action, each.reason) for each in entries if each.actor == "guard"]


def told():
    return [fact for fact in reversed(outbox.list_page(100).facts) if fact.actor == "guard"]


def paused_and_resumed(clock):
    """Return the experiment that the guard paused for harm and a person let run again."""
    chosen = started()
    count(chosen, (2_000, 2_000), (5, 120))
    guard(chosen, clock)
    clock.now += 60_000
    now = clock()
    return experiments.change("e", lambda each: transition(each, Status.RUNNING, now), now=now, actor="alice")


def test_harm_pauses_with_the_figures_that_proved_it(clock):
    chosen = started()
    count(chosen, (2_000, 2_000), (5, 120))

    after = guard(chosen, clock)

    assert after.status is Status.PAUSED
    ((actor, action, reason),) = log()
    assert (actor, action) == ("guard", "status")
    assert reason.startswith("Crashes is worse by 5.8 points with treatment (+")
    entry = next(each for each in history.list_page("e", 9).entries if each.actor == "guard")
    (figures,) = entry.figures["findings"]
    assert (figures["metric"], figures["variant"]) == ("crashes", "treatment")
    assert figures["converters"] == {"control": 5, "treatment": 120}
    assert figures["p_value"] < figures["alpha"] == 0.005
    assert {fact.kind for fact in told()} == {FactKind.PAUSED, FactKind.HARM}


def test_harm_is_only_told_where_nothing_else_is_declared(clock):
    chosen = started(GuardRule())
    count(chosen, (2_000, 2_000), (5, 120))

    after = [guard(chosen, clock) for _ in range(2)]

    assert {each.status for each in after} == {Status.RUNNING}
    assert experiments.read("e").version == chosen.version
    assert [(actor, action) for actor, action, _ in log()] == [("guard", "harm")]
    assert [fact.kind for fact in told()] == [FactKind.HARM]


@pytest.mark.parametrize("rule", [GuardRule(), PAUSE])
def test_two_runs_that_read_before_either_wrote_act_once(rule, clock, monkeypatch):
    chosen = started(rule)
    count(chosen, (2_000, 2_000), (5, 120))
    monkeypatch.setattr(outbox, "marked", lambda _: set())

    for _ in range(2):
        guard(chosen, clock)

    assert len(log()) == 1
    assert [fact.kind for fact in told()].count(FactKind.HARM) == 1


def test_what_meets_a_transient_fault_is_told_by_the_next_run(clock):
    chosen = started(GuardRule())
    count(chosen, (2_000, 2_000), (5, 120))

    with cancelling(conflict_on("LOG#")), pytest.raises(UnavailableError):
        guard(chosen, clock)
    guard(chosen, clock)

    assert [fact.kind for fact in told()] == [FactKind.HARM]


def test_who_lets_it_run_again_is_not_overruled_by_the_same_finding(clock):
    resumed = paused_and_resumed(clock)
    count(resumed, (1_000, 1_000), (5, 60))

    after = guard(resumed, clock)

    assert after.status is Status.RUNNING
    assert len(log()) == 1


def test_a_new_finding_pauses_it_again(clock):
    resumed = paused_and_resumed(clock)
    count(resumed, (3_000, 0), (10, 0))

    after = guard(resumed, clock)

    assert after.status is Status.PAUSED
    assert log()[0][2].startswith("users are not split as the weights say")
    assert FactKind.MISMATCH in [fact.kind for fact in told()]


def test_a_split_that_is_off_pauses_or_is_told(clock):
    chosen = started(GuardRule(harm=Reaction.PAUSE, mismatch=Reaction.NOTIFY))
    count(chosen, (3_000, 2_400), (10, 10))

    after = guard(chosen, clock)

    assert after.status is Status.RUNNING
    assert [(action, reason.split(" (")[0]) for _, action, reason in log()] == [
        ("mismatch", "users are not split as the weights say")
    ]


@pytest.mark.parametrize(
    "crashes",
    [
        replace(CRASHES, margin="1"),  # 100 % worse is allowed, 40 % are measured
        replace(CRASHES, role=Role.SECONDARY),
        replace(CRASHES, direction=Direction.INCREASE),
    ],
)
def test_what_is_no_proven_harm_of_a_guardrail_is_left_alone(crashes, clock):
    chosen = started(crashes=crashes)
    count(chosen, (20_000, 20_000), (1_000, 1_400))

    assert guard(chosen, clock).status is Status.RUNNING
    assert told() == []


def test_a_guardrail_that_was_added_after_the_start_is_left_alone(clock):
    chosen = started()
    late = replace(chosen, metrics=(PURCHASE_RATE, replace(CRASHES, declared_at=NOW + 1)))
    count(chosen, (2_000, 2_000), (5, 120))

    assert guard(late, clock) is late


def test_harm_beyond_a_margin_says_so(clock):
    chosen = started(crashes=replace(CRASHES, margin="0.1"))
    count(chosen, (20_000, 20_000), (1_000, 1_400))

    assert guard(chosen, clock).status is Status.PAUSED
    assert "beyond its margin of 10%" in log()[0][2]


def test_nothing_is_read_of_what_does_not_run(clock, monkeypatch):
    chosen = started()
    monkeypatch.setattr(rollups, "read_slices", lambda *_, **__: pytest.fail("read"))

    for status in (Status.DRAFT, Status.PAUSED, Status.COMPLETED):
        assert guard(replace(chosen, status=status), clock).status is status


def test_somebody_who_pauses_meanwhile_is_not_told_of_as_the_guard(clock):
    chosen = started()
    count(chosen, (2_000, 2_000), (5, 120))
    experiments.change("e", lambda each: transition(each, Status.PAUSED, NOW), now=NOW + 1, actor="alice")

    after = guard(chosen, clock)

    assert after.status is Status.PAUSED
    assert told() == []
