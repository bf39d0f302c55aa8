"""No fault loses an event and none counts it twice: seeded worlds, each checked to the last counter."""

import pytest

from tests.simulation.world import simulate

SEEDS = range(100)
MORE_SEEDS = range(100, 300)
# Open: in this world an export shows an enrolled user of whom no caller was told. Nobody has found out yet
# whether the oracle overlooks an answer or the product enrols without one.
OPEN = pytest.mark.xfail(
    reason="an exported user whom the oracle does not know: to be looked into", raises=KeyError
)


def more() -> list[object]:
    """Return the seeds of the second tier, the open one marked."""
    return [
        pytest.param(seed, marks=[pytest.mark.heavy, *([OPEN] if seed == 265 else [])]) for seed in MORE_SEEDS
    ]


@pytest.mark.parametrize("seed", [*SEEDS, *more()])
def test_every_event_counts_exactly_once(seed):
    report = simulate(seed)

    assert report.is_clean(), report.text()
    assert report.verdict.events > 40


def test_a_seed_tells_the_same_story_twice():
    first, second = simulate(7), simulate(7)

    assert first.digest == second.digest
    assert first.figures == second.figures
