"""Group-sequential bounds against published tables and an independent integration."""

from math import sqrt

import numpy as np
import pytest
from scipy import stats

from experimentation.domain.statistics import group_sequential as gs

# Lan and DeMets' spending function of O'Brien-Fleming shape, two-sided 0.05, equal steps: Reboussin, DeMets,
# Kim, Lan (2000), Controlled Clinical Trials 21:190, the programs' own example; their search stops at 1e-4.
LAN_DEMETS = [4.8769, 3.3569, 2.6803, 2.2898, 2.0310]

# Jennison and Turnbull (2000), Group Sequential Methods, tables 2.1 and 2.3: two-sided 0.05.
POCOCK = {2: 2.178, 3: 2.289, 4: 2.361, 5: 2.413, 10: 2.555}
OBRIEN_FLEMING = {2: 1.977, 3: 2.004, 4: 2.024, 5: 2.040, 10: 2.087}


def equal(looks: int) -> tuple[float, ...]:
    return tuple((k + 1) / looks for k in range(looks))


def crossing(fractions: tuple[float, ...], bounds: list[float], drift: float = 0.0) -> float:
    """Return the chance to cross, by a fine grid over both sides and no symmetry."""
    grid = np.linspace(-9, 9, 6001)
    step = grid[1] - grid[0]
    weights = np.full(len(grid), step)
    density, inside, before = None, 1.0, 0.0
    for fraction, bound in zip(fractions, bounds, strict=True):
        sd = sqrt(fraction - before)
        edge = bound * sqrt(fraction)
        if density is None:
            density = stats.norm.pdf(grid, drift * fraction, sd)
        else:
            kernel = stats.norm.pdf(grid[:, None] - grid[None, :], drift * (fraction - before), sd)
            density = kernel @ (density * weights)
        weights = np.where(np.abs(grid) <= edge, step, 0.0)
        # the cell that holds the edge counts by the part of it that is inside
        for sign in (-1, 1):
            cell = int(np.argmin(np.abs(grid - sign * edge)))
            weights[cell] = step * (0.5 + (edge - abs(grid[cell])) / step)
        inside, before = float((density * weights).sum()), fraction
    return 1 - inside


def test_bounds_equal_the_published_ones() -> None:
    bounds = gs.boundary(equal(5), 0.05).bounds

    assert bounds == pytest.approx(LAN_DEMETS, abs=1.5e-4)


@pytest.mark.parametrize(("table", "power"), [(POCOCK, 0.0), (OBRIEN_FLEMING, 0.5)])
def test_the_integration_gives_the_published_constants_their_level(
    table: dict[int, float], power: float
) -> None:
    for looks, constant in table.items():
        stage = gs.Stage(0.0, 0.0, [0.0], [0.5])
        stages = []
        for k, fraction in enumerate(equal(looks)):
            bound = constant * (1 / fraction) ** power * sqrt(fraction)
            following = equal(looks)[k + 1] if k + 1 < looks else None
            stage = gs._advanced(stage, fraction, bound, following)
            stages.append(stage)
        assert gs.Boundary((), tuple(stages)).power(0.0) == pytest.approx(0.05, abs=1e-4)


@pytest.mark.parametrize(
    "fractions",
    [
        (0.3, 0.5, 1.0),
        pytest.param((0.1, 0.45, 0.6, 0.95), marks=pytest.mark.heavy),
        pytest.param(equal(7), marks=pytest.mark.heavy),
    ],
)
@pytest.mark.parametrize("drift", [0.0, 2.8])
def test_crossing_agrees_with_an_independent_integration(fractions: tuple[float, ...], drift: float) -> None:
    found = gs.boundary(fractions, 0.05)

    assert found.power(drift) == pytest.approx(crossing(fractions, list(found.bounds), drift), abs=2e-6)


@pytest.mark.parametrize("level", [0.05, 0.05 / 6, 1e-6])
def test_what_is_spent_is_what_was_allowed(level: float) -> None:
    fractions = equal(14)

    assert gs.boundary(fractions, level).power(0.0) == pytest.approx(level, rel=1e-6)


@pytest.mark.parametrize("z", [0.5, 1.7, 2.5, 4.0, 9.0, 30.0])
def test_the_p_value_is_the_level_at_which_the_look_just_rejects(z: float) -> None:
    fractions = equal(10)[:6]

    level = gs.smallest_level(fractions, -z)

    if z > 20:
        assert level < 1e-100
    elif level < 1:
        assert gs.boundary(fractions, level).bounds[-1] == pytest.approx(z, abs=1e-6)
    else:
        assert z < 1


def test_one_look_at_the_end_is_the_fixed_test() -> None:
    assert gs.boundary((1.0,), 0.05).bounds[0] == pytest.approx(stats.norm.isf(0.025), rel=1e-10)
    assert gs.smallest_level((1.0,), 2.5) == pytest.approx(2 * stats.norm.sf(2.5), rel=1e-8)


def test_looks_that_come_too_close_spend_nothing_but_the_last_always_does() -> None:
    earlier = [0.5, 0.995]

    assert not gs.spends(earlier[:1], 0.51)
    assert gs.spends(earlier[:1], 0.995)
    assert gs.spends(earlier, 1.1)
    assert not gs.spends([*earlier, 1.0], 1.1)
