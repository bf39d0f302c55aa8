"""A small run of `make simulate`: 150 seeded experiments instead of 2,000, in wider bars."""

import pytest

from benchmarks import simulate

pytestmark = pytest.mark.xdist_group("simulated experiments")  # made once, by one process


@pytest.fixture(scope="module")
def measured() -> dict[str, simulate.Figure]:
    return {figure.name: figure for figure in simulate.figures(150, widened_by=2.5)}


@pytest.mark.heavy
def test_every_figure_is_inside_its_bar(measured: dict[str, simulate.Figure]) -> None:
    assert [figure for figure in measured.values() if not figure.holds] == []


@pytest.mark.heavy
def test_peeking_at_the_fixed_interval_is_far_worse_than_at_the_sequence(
    measured: dict[str, simulate.Figure],
) -> None:
    sequence = measured["A/A, sequence, 14 daily looks"].share
    peeking = measured["A/A, fixed interval under the same peeking"].share

    assert peeking > 4 * sequence


def test_a_figure_outside_its_bar_is_noticed() -> None:
    assert not simulate.Figure("too high", 0.06, 0.0, 0.05).holds
