"""Planning: users, days and detectable effects fit together and keep the power they promise."""

from math import sqrt

import pytest
from scipy import stats
from statsmodels.stats import power

from experimentation.domain.statistics.planning import Design, Effect, Outcome, detectable_effect, sample_size
from experimentation.domain.statistics.sequential import sequence_multiplier


def test_rates_use_the_pooled_formula_and_say_so() -> None:
    plan = sample_size(Outcome(0.05), 0.005, Design(daily_users=5000))

    assert plan.method == "pooled-null two-proportion formula"
    assert plan.fixed == (31_234, 62_468, 13)
    assert plan.relative_effect == pytest.approx(0.1)


def test_means_agree_with_statsmodels_in_a_family_of_four_tests() -> None:
    design = Design(variants=3, primary_metrics=2)

    plan = sample_size(Outcome(10.0, sd=32.5), 0.8, design)

    expected = power.normal_sample_size_one_tail(0.8, 0.8, 0.05 / 4 / 2, std_null=sqrt(2) * 32.5)
    assert plan.fixed is not None
    assert 0 <= plan.fixed.users_per_variant - expected < 1
    assert plan.fixed.users == 3 * plan.fixed.users_per_variant
    assert plan.fixed.days is None


@pytest.mark.parametrize("planned_users", [None, 60_000])
def test_the_sequence_excludes_zero_with_the_promised_power(planned_users: int | None) -> None:
    design = Design(planned_users=planned_users, power=0.9)

    plan = sample_size(Outcome(0.1), 0.01, design)

    assert plan.sequential is not None
    n = plan.sequential.users_per_variant
    signal = 0.01 / sqrt((0.1 * 0.9 + 0.11 * 0.89) / n)
    assert stats.norm.cdf(signal - sequence_multiplier(2 * n, 0.05, design.tuning_n)) == pytest.approx(
        0.9, abs=1e-4
    )


def test_a_well_chosen_tuning_needs_fewer_users() -> None:
    usual, tuned = (
        sample_size(Outcome(0.1), 0.01, Design(planned_users=n)).sequential for n in (None, 40_000)
    )

    assert usual is not None
    assert tuned is not None
    assert tuned.users < usual.users


def test_the_detectable_effect_is_the_reverse_of_the_sample_size() -> None:
    outcome, design = Outcome(10.0, sd=32.5), Design(variants=4)
    plan = sample_size(outcome, 0.8, design)

    assert plan.fixed is not None
    assert plan.sequential is not None
    fixed = detectable_effect(outcome, plan.fixed.users_per_variant, design).fixed
    sequential = detectable_effect(outcome, plan.sequential.users_per_variant, design).sequential
    assert fixed.absolute == pytest.approx(0.8, rel=1e-4)
    assert sequential.absolute == pytest.approx(0.8, rel=1e-4)
    assert sequential.relative == pytest.approx(0.08, rel=1e-4)


def test_a_mean_of_zero_has_no_relative_effect() -> None:
    assert sample_size(Outcome(0.0, sd=1.0), 0.1, Design()).relative_effect is None
    assert detectable_effect(Outcome(0.0, sd=0.0), 10, Design()).fixed == Effect(0.0, None)


def test_an_effect_without_variance_needs_one_user() -> None:
    plan = sample_size(Outcome(5.0, sd=0.0), 1.0, Design())

    assert plan.fixed is not None
    assert (plan.fixed.users_per_variant, plan.sequential) == (1, plan.fixed)


def test_nobody_can_show_an_effect() -> None:
    with pytest.raises(ValueError, match="at least one user"):
        detectable_effect(Outcome(0.1), 0, Design())
