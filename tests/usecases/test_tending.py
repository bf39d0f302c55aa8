"""Tending: each day's look is taken once, after the day, and stays as it was taken."""

from dataclasses import replace

import pytest

from experimentation.domain.clock import DAY_MS, day_number
from experimentation.domain.errors import UnavailableError
from experimentation.domain.experiment import Status
from experimentation.domain.facts import FactKind
from experimentation.storage import experiments, looks, outbox, rollups
from experimentation.storage.aws.transactions import commit
from experimentation.usecases.analysing import Question, find
from experimentation.usecases.tending import CATCH_UP_DAYS, SETTLE_MS, take_due_look
from tests.cancelled import cancelling
from tests.experiments import experiment, running
from tests.usecases.conftest import NOW

pytestmark = pytest.mark.usefixtures("aws")

STARTED = NOW - NOW % DAY_MS + DAY_MS // 2
NEXT_DAY = STARTED + DAY_MS


@pytest.fixture
def chosen():
    """An experiment that starts at noon, may decide at once, and has harmed nobody yet."""
    return running("e", STARTED, min_users=100, min_days=0, planned_users=None)


def enrol(chosen, users, converters, day=0):
    """Count users of each variant and, of the treatment, who converted (the control: a tenth)."""
    for variant, converted in (("control", users // 10), ("treatment", converters)):
        counters = {
            "n": converted,
            "u": converted,
            "s": converted,
            f"q{day}": converted,
            f"c{day}": converted,
        }
        commit(
            [
                rollups.add(rollups.enrolment_partition(chosen, 0), f"*#{day}#{variant}", {"n": users}, NOW),
                rollups.add(rollups.partition(chosen, 0), f"*#purchase#{day}#{variant}", counters, NOW),
            ]
        )


def completed(chosen, ended_at):
    return experiments.change(
        chosen.id,
        lambda each: replace(each, status=Status.COMPLETED, ended_at=ended_at),
        now=ended_at,
        actor="alice",
    )


def test_a_look_is_due_only_after_the_first_day_is_over(chosen):
    assert take_due_look(chosen, STARTED + DAY_MS // 2 - 1) is None
    assert take_due_look(chosen, STARTED + DAY_MS // 2) is not None


def test_a_days_look_is_taken_once_and_never_changes(chosen):
    enrol(chosen, 1_000, 100)

    first = take_due_look(chosen, NEXT_DAY)
    enrol(chosen, 1_000, 900, day=1)
    second = take_due_look(chosen, NEXT_DAY + 60_000)

    assert first is not None
    assert (first.day, first.completed, first.action) == (day_number(STARTED), False, "keep_running")
    assert second is None
    assert looks.read(chosen.id) == [first]


def test_two_runs_at_once_store_one_look(chosen, monkeypatch):
    enrol(chosen, 1_000, 100)
    monkeypatch.setattr(looks, "read", lambda _: [])  # as if both had read before either wrote

    taken = [take_due_look(chosen, NEXT_DAY) for _ in range(2)]

    assert [each is not None for each in taken] == [True, False]


@pytest.mark.parametrize("reason", ["TransactionConflict", "ThrottlingError"])
def test_a_look_that_meets_a_transient_fault_is_for_the_next_run(chosen, reason):
    enrol(chosen, 1_000, 100)

    with cancelling(lambda actions: [reason] * len(actions)), pytest.raises(UnavailableError):
        take_due_look(chosen, NEXT_DAY)

    assert looks.read(chosen.id) == []
    assert take_due_look(chosen, NEXT_DAY + 60_000) is not None


def test_a_verdict_once_reached_stands_in_the_results(chosen):
    enrol(chosen, 5_000, 700)
    taken = take_due_look(chosen, NEXT_DAY)
    enrol(chosen, 5_000, 500, day=1)

    found = find(chosen, Question(), NEXT_DAY + DAY_MS)

    assert taken is not None
    assert taken.action == "ship"
    verdict = found.analysis.verdicts["treatment"]
    assert (verdict.action, verdict.decided_on, verdict.fallen) == ("ship", day_number(STARTED), None)


def test_a_verdict_is_told_once_with_what_decided_it(chosen):
    enrol(chosen, 5_000, 700)
    take_due_look(chosen, NEXT_DAY)
    enrol(chosen, 5_000, 700, day=1)
    take_due_look(chosen, NEXT_DAY + DAY_MS)

    fact, _started = outbox.list_page(10).facts

    assert fact.kind is FactKind.VERDICT
    assert fact.sentence.startswith(
        "Checkout button has a verdict of 2026-11-22: ship treatment, by purchase"
    )
    assert (fact.figures["variant"], fact.figures["action"]) == ("treatment", "ship")
    assert fact.figures["deciding"]["p_value"] < 0.05


def test_another_question_is_not_told_the_verdict(chosen):
    enrol(chosen, 5_000, 700)
    take_due_look(chosen, NEXT_DAY)

    found = find(chosen, Question(first_day=day_number(STARTED)), NEXT_DAY + DAY_MS)

    assert found.analysis.verdicts == {}


def test_a_missed_day_gets_no_look_and_the_next_run_takes_the_latest(chosen):
    enrol(chosen, 1_000, 100)

    look = take_due_look(chosen, STARTED + 4 * DAY_MS)

    assert look is not None
    assert look.day == day_number(STARTED) + 3


def test_a_completed_experiment_gets_its_last_look_when_its_events_have_settled(chosen):
    enrol(chosen, 1_000, 100)
    take_due_look(chosen, NEXT_DAY)
    ended = completed(chosen, NEXT_DAY + 1_000)

    early = take_due_look(ended, NEXT_DAY + SETTLE_MS)
    last = take_due_look(ended, NEXT_DAY + 1_000 + SETTLE_MS)
    again = take_due_look(ended, NEXT_DAY + 2_000 + SETTLE_MS)

    assert (early, again) == (None, None)
    assert last is not None
    assert (last.day, last.completed) == (day_number(NEXT_DAY), True)
    assert [look.completed for look in looks.read(chosen.id)] == [False, True]


def test_drafts_and_paused_experiments_have_no_look_due(chosen):
    paused = replace(chosen, status=Status.PAUSED)

    assert take_due_look(experiment(), NEXT_DAY) is None
    assert take_due_look(paused, NEXT_DAY) is None


def test_what_ended_long_ago_is_not_tended(chosen):
    ended = completed(chosen, NEXT_DAY)
    since = NEXT_DAY + CATCH_UP_DAYS * DAY_MS
    experiments.create(experiment(id="draft"), "alice")

    assert experiments.tended(NEXT_DAY) == [chosen.id]
    assert experiments.tended(NEXT_DAY + 1) == []
    assert take_due_look(ended, since) is None
