"""Concurrent changes of one experiment over the wire: none is lost, and of two rivals one wins."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise

import pytest

from experimentation.domain.errors import ConflictError, PreconditionFailedError
from experimentation.domain.experiment import Experiment, Layer, Prerequisite, Status
from experimentation.domain.lifecycle import transition
from experimentation.domain.search import Wanted
from experimentation.storage import experiments, history, layers, prerequisites
from tests.experiments import CREATED_AT, experiment

pytestmark = pytest.mark.integration

NOW = CREATED_AT + 60_000
RIVALS = 8


def outcomes(work: Callable[[int], object]) -> Counter[str]:
    """Do the work of every rival at once and count what came of it."""

    def outcome(number: int) -> str:
        try:
            work(number)
        except (ConflictError, PreconditionFailedError) as error:
            return type(error).__name__
        return "done"

    with ThreadPoolExecutor(RIVALS) as pool:
        return Counter(pool.map(outcome, range(RIVALS)))


def test_of_many_that_create_one_id_one_wins() -> None:
    rivals = [experiment(id="race-create", created_at=CREATED_AT + number) for number in range(RIVALS)]

    found = outcomes(lambda number: experiments.create(rivals[number], "alice"))

    assert found == {"done": 1, "ConflictError": RIVALS - 1}
    assert len(history.list_page("race-create", 100).entries) == 1
    listed = experiments.list_page(Wanted(), 100).summaries
    assert [summary["id"] for summary in listed].count("race-create") == 1


def test_of_many_that_read_the_same_version_one_wins() -> None:
    experiments.create(experiment(id="race-match"), "alice")

    def rename(number: int) -> None:
        def apply(before: Experiment) -> Experiment:
            if before.version != 1:
                raise PreconditionFailedError("changed")
            return replace(before, name=f"Name {number}")

        experiments.change("race-match", apply, now=NOW, actor="alice")

    assert outcomes(rename) == {"done": 1, "PreconditionFailedError": RIVALS - 1}
    assert experiments.read("race-match", consistent=True).version == 2


def test_no_change_is_lost_without_a_version() -> None:
    experiments.create(experiment(id="race-open", overrides={}), "alice")

    def override(number: int) -> None:
        experiments.change(
            "race-open",
            lambda before: replace(before, overrides=before.overrides | {f"qa-{number}": "control"}),
            now=NOW + number,
            actor="alice",
        )

    assert outcomes(override) == {"done": RIVALS}
    after = experiments.read("race-open", consistent=True)
    assert sorted(after.overrides) == [f"qa-{number}" for number in range(RIVALS)]
    assert after.version == RIVALS + 1
    versions = [entry.version for entry in history.list_page("race-open", 100).entries]
    assert sorted(versions) == list(range(1, RIVALS + 2))


def test_an_experiment_is_started_once() -> None:
    experiments.create(experiment(id="race-start"), "alice")

    found = outcomes(
        lambda number: experiments.change(
            "race-start", lambda before: transition(before, Status.RUNNING, NOW), now=NOW, actor="alice"
        )
    )

    assert found == {"done": 1, "ConflictError": RIVALS - 1}


def test_of_many_that_claim_overlapping_ranges_none_overlap() -> None:
    rivals = [
        experiment(
            id=f"race-layer-{number}",
            layer=Layer("race", 100_000 * number, 100_000 * number + 150_000),
            traffic_allocation=150_000,
        )
        for number in range(RIVALS)
    ]

    outcomes(lambda number: experiments.create(rivals[number], "alice"))

    claims = layers.read("race").claims
    assert len(claims) >= RIVALS // 3
    assert all(one.end <= other.start for one, other in pairwise(claims))
    held = experiments.read_many(each.id for each in rivals)
    assert sorted(held) == sorted(claim.experiment_id for claim in claims)


def test_of_many_that_close_a_cycle_together_one_fails() -> None:
    names = [f"race-cycle-{number}" for number in range(RIVALS)]
    for name in names:
        experiments.create(experiment(id=name), "alice")

    def build_on_the_next(number: int) -> None:
        base = Prerequisite(names[(number + 1) % 3], ("control",))
        experiments.change(
            names[number % 3],
            lambda each: replace(each, prerequisite=base),
            now=NOW,
            actor="alice",
            checks=prerequisites.checks,
        )

    outcomes(build_on_the_next)

    found = experiments.read_many(names[:3])
    built = [each for each in found.values() if each.prerequisite is not None]
    assert len(built) == 2
