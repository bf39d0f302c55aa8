"""No fault loses an event and none counts it twice: seeded worlds, each checked to the last counter."""

import pytest

from tests.simulation.world import simulate

SEEDS = range(100)
MORE_SEEDS = range(100, 300)
MORE = [pytest.param(seed, marks=pytest.mark.heavy) for seed in MORE_SEEDS]


@pytest.mark.parametrize("seed", [*SEEDS, *MORE])
def test_every_event_counts_exactly_once(seed):
    report = simulate(seed)

    assert report.is_clean(), report.text()
    assert report.verdict.events > 40


@pytest.mark.parametrize("seed", [7, 9])
def test_a_seed_tells_the_same_story_twice(seed):
    first, second = simulate(seed), simulate(seed)

    assert first.digest == second.digest
    assert first.figures == second.figures
