"""A small run of `make simulate`: a tenth of the experiments of some rows, in bars that are wider for it."""

import pytest

from benchmarks import simulate

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
    plan = simulate.Plan("revenue", simulate.Kind.VALUE, 1000, 0.1, 0.2, 2.0)
    random = simulate.np.random.default_rng(simulate.SEED)
    looks = simulate.simulated(plan, 200, simulate.DAYS, random)
    proven = simulate.any_day_sign(looks, plan)
    z, silent = simulate.z_of(looks, plan.kind, cautious=False)

    unsafe = ~silent & (abs(z) > simulate.multiplier(sum(looks.n), 0.05, 5000))

    assert (proven != 0).any(axis=1).mean() < 0.02
    assert unsafe.any(axis=1).mean() > 0.03


def test_a_figure_outside_its_bar_is_noticed() -> None:
    assert not simulate.Row("too high", 2000, 1000, "50/50", 0.07, 0.0, 0.05).holds
