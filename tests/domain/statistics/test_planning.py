"""Planning: users, days and detectable effects fit together and keep the power they promise."""

from math import sqrt

import pytest
from scipy import stats
from statsmodels.stats import power

from experimentation.domain.experiment import Analysis
from experimentation.domain.statistics.planning import Design, Effect, Outcome, detectable_effect, sample_size
from experimentation.domain.statistics.sequential import sequence_multiplier
from experimentation.domain.statistics.study import Study, tuning_n


def test_rates_use_the_pooled_formula_and_say_so() -> None:
    plan = sample_size(Outcome(0.05), 0.005, Design(daily_users=5000))

    assert plan.method == "pooled-null two-proportion formula"
    assert plan.fixed == (31_234, 62_468, 13)
    assert plan.relative_effect == pytest.approx(0.1)


def test_means_agree_with_statsmodels_in_a_family_of_four_tests() -> None:
    design = Design(weights=(1, 1, 1), primary_metrics=2)

    plan = sample_size(Outcome(10.0, sd=32.5), 0.8, design)

    expected = power.normal_sample_size_one_tail(0.8, 0.8, 0.05 / 4 / 2, std_null=sqrt(2) * 32.5)
    assert plan.fixed is not None
    assert 0 <= plan.fixed.users_per_variant - expected < 1
    assert plan.fixed.users == 3 * plan.fixed.users_per_variant
    assert plan.fixed.days is None


@pytest.mark.parametrize("weights", [(50, 50), (90, 10), (10, 90), (60, 30, 10)])
def test_the_sequence_excludes_zero_with_the_promised_power_once_the_answer_is_declared(
    weights: tuple[int, ...],
) -> None:
    design = Design(weights=weights, power=0.9)

    needed = sample_size(Outcome(0.1), 0.01, design).sequential

    assert needed is not None
    declared = study(needed.users, weights)
    n_control, n_treatment = (needed.users * weights[i] / sum(weights) for i in (0, -1))
    signal = 0.01 / sqrt(0.1 * 0.9 / n_control + 0.11 * 0.89 / n_treatment)
    level, tuned = 0.05 / (len(weights) - 1), tuning_n(declared, "t" * (len(weights) - 1))
    quantile = sequence_multiplier(n_control + n_treatment, level, tuned)
    assert stats.norm.cdf(signal - quantile) == pytest.approx(0.9, abs=1e-4)


def study(planned_users: int, weights: tuple[int, ...]) -> Study:
    shares = {"t" * i: round(1_000_000 * weight / sum(weights)) for i, weight in enumerate(weights)}
    return Study("", shares, Analysis.SEQUENTIAL, 1, planned_users, 150, 7, None)


def test_the_answer_is_what_it_implies_when_it_is_declared() -> None:
    wanted = sample_size(Outcome(0.05), 0.005, Design())

    again = sample_size(Outcome(0.05), 0.005, Design(planned_users=wanted.sequential.users))  # type: ignore[union-attr]

    assert wanted.sequential == (59_804, 119_608, None)
    assert again == wanted


def test_uneven_weights_count_the_control_for_what_it_is_worth() -> None:
    even, uneven = (sample_size(Outcome(10.0, 32.5), 0.8, Design(weights=w)).fixed for w in ((1, 1), (9, 1)))

    assert even is not None
    assert uneven is not None
    # 1 / (w_C w_T) against 1 / (0.5 x 0.5)
    assert uneven.users / even.users == pytest.approx(0.25 / 0.09, rel=1e-3)
    assert uneven.users == 10 * uneven.users_per_variant


@pytest.mark.parametrize("treatment", [0.045, 0.055, 0.3])
def test_uneven_rates_reach_their_power_under_the_test_that_decides(treatment: float) -> None:
    needed = sample_size(Outcome(0.05), treatment - 0.05, Design(weights=(90, 10))).fixed

    assert needed is not None
    n_control, n_treatment = 0.9 * needed.users, 0.1 * needed.users
    se = sqrt(0.05 * 0.95 / n_control + treatment * (1 - treatment) / n_treatment)
    assert stats.norm.cdf(abs(treatment - 0.05) / se - stats.norm.isf(0.025)) >= 0.8


def test_group_sequential_needs_a_little_more_than_fixed_and_far_less_than_the_sequence() -> None:
    plan = sample_size(Outcome(0.05), 0.005, Design())

    assert plan.fixed is not None
    assert plan.group_sequential is not None
    assert plan.sequential is not None
    # Jennison and Turnbull (2000), table 2.4: O'Brien and Fleming's inflation at 20 looks is 1.047
    assert plan.group_sequential.users / plan.fixed.users == pytest.approx(1.047, abs=0.005)
    assert plan.group_sequential.users < 0.6 * plan.sequential.users


def test_the_detectable_effect_is_the_reverse_of_the_sample_size() -> None:
    outcome, design = Outcome(10.0, sd=32.5), Design(weights=(70, 10, 20))
    plan = sample_size(outcome, 0.8, design)

    assert plan.fixed is not None
    assert plan.sequential is not None
    assert plan.group_sequential is not None
    for analysis in Analysis:
        needed = plan.by(analysis)
        assert needed is not None
        effect = detectable_effect(outcome, needed.users, design).by(analysis)
        assert effect.absolute == pytest.approx(0.8, rel=1e-4)
        assert effect.relative == pytest.approx(0.08, rel=1e-4)


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
