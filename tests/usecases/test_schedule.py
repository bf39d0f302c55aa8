"""The schedule: each transition happens once, whoever runs twice, and after an outage what is due is done."""

from dataclasses import replace

import pytest

from experimentation.domain.changes import edited
from experimentation.domain.clock import DAY_MS
from experimentation.domain.errors import InvalidError
from experimentation.domain.experiment import Layer, Prerequisite, RampStep, Schedule, Status
from experimentation.domain.facts import FactKind
from experimentation.domain.lifecycle import COMPLETION_DELAY_MS, transition
from experimentation.storage import experiments, history, outbox
from experimentation.storage.experiments import read
from experimentation.usecases.tending import keep_schedule
from tests.experiments import experiment
from tests.usecases.conftest import NOW

pytestmark = pytest.mark.usefixtures("aws")

HOUR = 3_600_000
PLAN = Schedule(
    NOW + HOUR, NOW + 9 * HOUR, (RampStep(NOW + 2 * HOUR, 250_000), RampStep(NOW + 3 * HOUR, 1_000_000))
)


def draft(**changes):
    made = experiment(id="e", traffic_allocation=50_000, **({"schedule": PLAN} | changes))
    experiments.create(made, "alice")
    return made


def tend(clock, hours):
    """Run at that time, twice."""
    clock.now = NOW + int(hours * HOUR)
    chosen = read("e", consistent=True)
    once = keep_schedule(chosen, clock)
    assert keep_schedule(chosen, clock) == once, "a second run that read before the first one wrote"
    return once


def told():
    return [(fact.kind, fact.actor) for fact in reversed(outbox.list_page(100).facts)]


def log():
    return [(entry.actor, entry.action) for entry in history.list_page("e", 100).entries[:-1]]


def test_start_without_its_prerequisite_is_refused_and_told(clock):
    draft(prerequisite=Prerequisite("gone", ("control",)))

    assert tend(clock, 1).status is Status.DRAFT

    assert told() == [(FactKind.START_FAILED, "schedule")]
    assert history.list_page("e", 1).entries[0].reason == (
        "The prerequisite does not exist. prerequisite/experiment_id: there is no experiment gone."
    )


def test_it_starts_grows_and_ends_by_itself(clock):
    draft()

    seen = [tend(clock, hours) for hours in (0.9, 1, 1.5, 2, 3, 8.9, 9, 10)]

    assert [(each.status.value, each.traffic_allocation) for each in seen] == [
        ("draft", 50_000),
        ("running", 50_000),
        ("running", 50_000),
        ("running", 250_000),
        ("running", 1_000_000),
        ("running", 1_000_000),
        ("completed", 1_000_000),
        ("completed", 1_000_000),
    ]
    assert (seen[1].started_at, seen[-1].ended_at) == (NOW + HOUR, NOW + 9 * HOUR + COMPLETION_DELAY_MS)
    by = "schedule"
    assert log() == [(by, "status"), (by, "changed"), (by, "changed"), (by, "status")]
    assert told() == [
        (FactKind.STARTED, by),
        (FactKind.RAMPED, by),
        (FactKind.RAMPED, by),
        (FactKind.COMPLETED, by),
    ]
    sentences = [fact.sentence for fact in reversed(outbox.list_page(100).facts)]
    assert sentences[:2] == [
        "Checkout button has started with 5% of users, by the schedule.",
        "Checkout button takes 25% of users instead of 5%, by the schedule.",
    ]


def test_after_an_outage_what_is_due_is_done_at_once(clock):
    draft()

    started = tend(clock, 5)
    ended = tend(clock, 100)

    assert (started.status, started.traffic_allocation) == (Status.RUNNING, 1_000_000)
    assert ended.status is Status.COMPLETED
    assert told() == [(FactKind.STARTED, "schedule"), (FactKind.COMPLETED, "schedule")]


def test_a_start_whose_end_has_passed_fails_once_and_says_so(clock):
    draft()

    kept = [tend(clock, hours) for hours in (9, 10, 11)]

    assert {each.status for each in kept} == {Status.DRAFT}
    assert kept[-1].schedule.start_at is None
    assert log() == [("schedule", "start_failed")]
    (entry, _) = history.list_page("e", 100).entries
    assert "schedule/end_at: has passed" in entry.reason
    assert told() == [(FactKind.START_FAILED, "schedule")]
    assert experiments.tended(NOW, starts_by=NOW + 12 * HOUR) == []


def test_a_step_into_a_neighbours_range_fails_once_and_says_so(clock):
    draft(layer=Layer("shop", 0, 50_000), schedule=replace(PLAN, ramp=(RampStep(NOW + 2 * HOUR, 500_000),)))
    neighbour = Layer("shop", 300_000, 1_000_000)
    experiments.create(experiment(id="other", layer=neighbour, traffic_allocation=700_000), "alice")
    tend(clock, 1)

    kept = [tend(clock, hours) for hours in (2, 2.1)]

    assert {(each.status, each.traffic_allocation) for each in kept} == {(Status.RUNNING, 50_000)}
    assert kept[-1].schedule == Schedule(NOW + HOUR, NOW + 9 * HOUR)
    assert log()[0] == ("schedule", "ramp_failed")
    assert "other" in history.list_page("e", 1).entries[0].reason
    assert told() == [(FactKind.STARTED, "schedule"), (FactKind.RAMP_FAILED, "schedule")]


def test_steps_that_are_over_may_stay_or_go(clock):
    draft()
    tend(clock, 3)
    only_the_last = replace(PLAN, ramp=PLAN.ramp[1:])

    changed = edited(read("e"), {"schedule": only_the_last}, clock())

    assert changed.schedule == only_the_last
    with pytest.raises(InvalidError) as refused:
        edited(read("e"), {"schedule": replace(PLAN, ramp=(RampStep(clock() - 1, 1_000_000),))}, clock())
    assert [each.pointer for each in refused.value.errors] == [
        "/schedule/ramp/0/at",
        "/schedule/ramp/0/percent",
    ]


def test_a_pause_stops_the_ramp_but_not_the_end(clock):
    draft()
    tend(clock, 1)
    experiments.change("e", lambda each: transition(each, Status.PAUSED, NOW), now=clock(), actor="alice")

    paused, ended = tend(clock, 3), tend(clock, 9)

    assert (paused.status, paused.traffic_allocation) == (Status.PAUSED, 50_000)
    assert ended.status is Status.COMPLETED


def test_whoever_starts_or_grows_by_hand_is_ahead_of_the_schedule(clock):
    draft()
    experiments.change("e", lambda each: transition(each, Status.RUNNING, NOW), now=NOW, actor="alice")
    experiments.change("e", lambda each: replace(each, traffic_allocation=400_000), now=NOW, actor="alice")

    seen = [tend(clock, hours).traffic_allocation for hours in (1, 2, 3)]

    assert seen == [400_000, 400_000, 1_000_000]
    assert [actor for actor, _ in log()] == ["schedule", "alice", "alice"]


def test_a_draft_is_tended_from_its_start_on_and_others_are_not():
    draft()
    experiments.create(experiment(id="other"), "alice")

    assert experiments.tended(NOW, starts_by=NOW + HOUR - 1) == []
    assert experiments.tended(NOW, starts_by=NOW + HOUR) == ["e"]


def test_two_runs_that_race_write_one_transition(clock, monkeypatch):
    stale = draft()
    clock.now = NOW + HOUR
    keep_schedule(stale, clock)

    again = keep_schedule(stale, clock)

    assert again.version == 2
    assert told() == [(FactKind.STARTED, "schedule")]


def test_a_fact_is_listed_for_a_year_and_waits_to_be_sent(clock):
    draft()
    tend(clock, 1)

    (fact,) = outbox.pending(10)
    outbox.sent(fact)

    assert outbox.pending(10) == []
    assert outbox.list_page(10).facts == [fact]
    assert fact.id == f"e:started:{stale_time():x}:2"
    assert outbox.KEPT_DAYS * DAY_MS > 365 * DAY_MS


def stale_time():
    return read("e").created_at
