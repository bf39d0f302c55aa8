"""A small run of `make simulate`: a tenth of the experiments of some rows, in bars that are wider for it."""

import numpy as np
import pytest

from benchmarks import simulate, simulated_looks
from experimentation.domain.experiment import Kind

pytestmark = pytest.mark.xdist_group("simulated experiments")  # made once, by one process

CHOSEN = {"conversion 0.5 %", "revenue, sigma 2, 20 % pay", "count, 20 % active"}


@pytest.fixture(scope="module")
def measured() -> list[simulate.Row]:
    return list(simulate.rows(lambda usual: usual // 10, CHOSEN.__contains__, guards=False))


@pytest.mark.heavy
def test_every_figure_is_inside_its_bar(measured: list[simulate.Row]) -> None:
    assert [row for row in measured if not row.holds] == []
    assert len(measured) >= 18


@pytest.mark.heavy
def test_peeking_at_the_fixed_interval_is_far_worse_than_at_the_sequence(
    measured: list[simulate.Row],
) -> None:
    shares = {row.name: row.share for row in measured}

    assert shares["A/A, fixed interval under the same peeking"] > 4 * shares["A/A, sequence, 14 daily looks"]


def test_welch_alone_would_fail_on_skewed_revenue_at_uneven_weights() -> None:
    plan = simulated_looks.Plan("revenue", Kind.VALUE, 1000, 0.1, 0.2, 2.0)
    random = np.random.default_rng(simulate.SEED)
    looks = simulated_looks.simulated(plan, 200, simulate.DAYS, random)
    proven = simulated_looks.any_day_sign(looks, plan)
    z, silent = simulated_looks.z_of(looks, plan.kind, cautious=False)

    unsafe = ~silent & (abs(z) > simulated_looks.multiplier(sum(looks.n), 0.05, 5000))

    assert (proven != 0).any(axis=1).mean() < 0.02
    assert unsafe.any(axis=1).mean() > 0.03


def test_a_figure_outside_its_bar_is_noticed() -> None:
    assert not simulate.Row("too high", 2000, 1000, "50/50", 0.07, 0.0, 0.05).holds
