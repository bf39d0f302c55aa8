"""The steps of an experiment's life, and the moments that they set."""

from dataclasses import replace
from itertools import product

import pytest

from experimentation.domain.errors import ConflictError
from experimentation.domain.experiment import Status
from experimentation.domain.lifecycle import (
    CACHE_TTL_MS,
    CLIENT_TIMEOUT_MS,
    CLOCK_SKEW_MS,
    COMPLETION_DELAY_MS,
    removable,
    transition,
)
from experimentation.storage.aws import client
from tests.experiments import CREATED_AT, experiment

NOW = CREATED_AT + 60_000

STEPS = {
    (Status.DRAFT, Status.RUNNING),
    (Status.RUNNING, Status.PAUSED),
    (Status.PAUSED, Status.RUNNING),
    (Status.RUNNING, Status.COMPLETED),
    (Status.PAUSED, Status.COMPLETED),
}


@pytest.mark.parametrize(("before", "after"), sorted(STEPS))
def test_an_experiment_takes_the_steps_of_its_life(before: Status, after: Status) -> None:
    assert transition(experiment(status=before), after, NOW).status is after


@pytest.mark.parametrize(("before", "after"), sorted(set(product(Status, Status)) - STEPS))
def test_any_other_step_is_a_conflict(before: Status, after: Status) -> None:
    with pytest.raises(ConflictError) as caught:
        transition(experiment(status=before), after, NOW)

    assert caught.value.errors[0].pointer == "/status"


def test_the_first_start_is_when_it_started() -> None:
    started = transition(experiment(), Status.RUNNING, NOW)
    paused = transition(started, Status.PAUSED, NOW + 1)
    resumed = transition(paused, Status.RUNNING, NOW + 2)

    assert started.started_at == paused.started_at == resumed.started_at == NOW
    assert resumed.ended_at is None


def test_an_experiment_runs_from_its_start_to_its_end_but_for_its_pauses() -> None:
    life = experiment()
    for status, at in (
        (Status.RUNNING, NOW),
        (Status.PAUSED, NOW + 10),
        (Status.RUNNING, NOW + 20),
        (Status.COMPLETED, NOW + 30),
    ):
        life = transition(life, status, at)

    end = NOW + 30 + COMPLETION_DELAY_MS
    times = (NOW - 1, NOW, NOW + 9, NOW + 10, NOW + 19, NOW + 20, NOW + 30, end - 1, end)
    assert [life.was_running(at) for at in times] == [
        False,
        True,
        True,
        False,
        False,
        True,
        True,
        True,
        False,
    ]


def test_an_experiment_that_ends_in_a_pause_did_not_run_again() -> None:
    paused = transition(experiment(status=Status.RUNNING, started_at=NOW), Status.PAUSED, NOW + 10)
    ended = transition(paused, Status.COMPLETED, NOW + 20)

    assert [ended.was_running(at) for at in (NOW + 9, NOW + 10, NOW + 25)] == [True, False, False]
    assert not experiment().was_running(NOW)


def test_a_clock_that_is_behind_ends_a_pause_at_its_beginning() -> None:
    paused = transition(experiment(status=Status.RUNNING, started_at=NOW), Status.PAUSED, NOW + 10)

    resumed = transition(paused, Status.RUNNING, NOW + 5)

    assert [resumed.was_running(at) for at in (NOW + 5, NOW + 10, NOW + 11)] == [True, True, True]


def test_what_a_draft_declared_by_a_clock_that_was_ahead_counts_as_declared_before_the_start() -> None:
    ahead = tuple(replace(metric, declared_at=NOW + 500) for metric in experiment().metrics)

    started = transition(experiment(metrics=ahead), Status.RUNNING, NOW)

    assert [metric.declared_at for metric in started.metrics] == [NOW]


def test_completion_lies_ahead_until_everybody_has_seen_it() -> None:
    completed = transition(experiment(status=Status.RUNNING, started_at=1), Status.COMPLETED, NOW)

    assert completed.ended_at == NOW + COMPLETION_DELAY_MS
    assert COMPLETION_DELAY_MS == CACHE_TTL_MS + CLIENT_TIMEOUT_MS + CLOCK_SKEW_MS


def test_the_delay_covers_every_attempt_of_the_client() -> None:
    seconds = client.ATTEMPTS * (client.CONNECT_TIMEOUT_SECONDS + client.READ_TIMEOUT_SECONDS)

    assert seconds * 1000 < CLIENT_TIMEOUT_MS


def test_a_draft_may_be_deleted() -> None:
    removable(experiment())


@pytest.mark.parametrize("status", [Status.RUNNING, Status.PAUSED, Status.COMPLETED])
def test_what_has_run_may_not_be_deleted(status: Status) -> None:
    with pytest.raises(ConflictError):
        removable(experiment(status=status))
