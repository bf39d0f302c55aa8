"""Inputs that no formula likes: the answer is null and a word, never NaN, Infinity or a negative variance."""

import math
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experimentation.domain.experiment import Direction
from experimentation.domain.statistics import (
    beta_binomial,
    cuped,
    lift,
    means,
    moments,
    planning,
    power,
    proportions,
    srm,
    tails,
)
from experimentation.domain.statistics.bayes import Posterior, Prior
from tests.vectors.reference import bayes, multiplicity, ratio, sequential
from tests.vectors.reference import power as reference
from tests.vectors.reference.moments import moments_of
from tests.vectors.reference.proportions import compare_proportions

NOBODY = moments.exact_moments(0, 0, 0)
ONE = moments.exact_moments(1, 3, 9)
CONSTANT = moments.exact_moments(10, 20, 40)
VARIED = moments.exact_moments(10, 4, 4)
BILLION = 10**9


@pytest.mark.parametrize("control", [NOBODY, ONE, CONSTANT, VARIED])
@pytest.mark.parametrize("treatment", [NOBODY, ONE, CONSTANT, VARIED])
def test_two_arms_give_finite_numbers_or_null(control: moments.Moments, treatment: moments.Moments) -> None:
    results = (
        means.welch_t(control, treatment, 0.05),
        sequential.asymptotic_confidence_sequence(control, treatment, 0.05),
        bayes.normal_effect(control, treatment),
        reference.mid_experiment_scaling(control, treatment, 0.05, 0.8, 0.05),
    )

    assert all(_is_finite(value) for result in results for value in result)


def test_zero_variance_and_no_conversion_at_all_are_insufficient_data_with_the_reason() -> None:
    nobody_converts = moments.exact_moments(100, 0, 0)

    for arm in (CONSTANT, nobody_converts):
        test = means.welch_t(arm, arm, 0.05)
        assert (test.status, test.reason) == ("insufficient_data", "zero_variance")
        assert (test.p_value, test.interval, test.lift_interval) == (None, None, None)


@pytest.mark.parametrize(
    ("control", "treatment", "status"),
    [
        (NOBODY, VARIED, "insufficient_data"),
        (VARIED, ONE, "insufficient_data"),
        (CONSTANT, CONSTANT, "insufficient_data"),
        (CONSTANT, VARIED, "ok"),
        (moments.exact_moments(4, 8, 10), VARIED, "inconsistent_data"),
    ],
)
def test_a_word_says_why_there_is_no_test(
    control: moments.Moments, treatment: moments.Moments, status: str
) -> None:
    test = means.welch_t(control, treatment, 0.05)

    assert test.status == status
    assert (test.p_value is None) == (status != "ok")
    assert sequential.asymptotic_confidence_sequence(control, treatment, 0.05).status == status


def test_a_difference_exists_where_its_test_does_not() -> None:
    test = means.welch_t(ONE, moments.exact_moments(1, 5, 25), 0.05)

    assert (test.diff, test.interval, test.contrast) == (2.0, None, None)


def test_a_control_mean_of_zero_has_no_lift_but_a_test() -> None:
    nothing = moments.exact_moments(100, 0, 0)

    test = means.welch_t(nothing, moments.exact_moments(100, 9, 9), 0.05)

    assert test.lift is None
    assert test.lift_interval is None
    assert test.p_value is not None


def test_values_near_a_billion_keep_their_variance() -> None:
    spread = [BILLION, BILLION + Decimal("0.0001"), BILLION + Decimal("0.0002")]

    assert moments_of(spread).variance == Fraction(1, 10**8)


def test_a_float_sum_is_refused() -> None:
    with pytest.raises(TypeError, match="exact"):
        moments.exact_moments(3, 0.3, 1)  # type: ignore[arg-type]


@given(st.lists(st.integers(-BILLION * 10_000, BILLION * 10_000), min_size=2, max_size=20))
def test_a_variance_is_never_negative(stored: list[int]) -> None:
    variance = moments_of(Fraction(value, 10_000) for value in stored).variance

    assert variance is not None
    assert variance >= 0
    assert (variance == 0) == (len(set(stored)) == 1)


@pytest.mark.parametrize(("n", "conversions"), [(0, 0), (1, 0), (1, 1), (500, 0), (500, 500)])
@pytest.mark.parametrize("other", [(0, 0), (1, 1), (30, 0), (30, 30)])
def test_rates_at_their_limits_stay_between_zero_and_one(
    n: int, conversions: int, other: tuple[int, int]
) -> None:
    result = compare_proportions(proportions.Rate(n, conversions), proportions.Rate(*other), 0.05)

    assert all(map(_is_finite, result))
    limits = result.wilson_control_low, result.wilson_control_high
    assert limits == (None, None) if n == 0 else 0.0 <= (limits[0] or 0.0) < (limits[1] or 0.0) <= 1.0
    assert result.status == ("ok" if n and other[0] else "insufficient_data")


def test_a_wilson_interval_touches_the_end_that_was_observed() -> None:
    assert proportions.wilson(proportions.Rate(500, 500), 0.05) == lift.Interval(
        pytest.approx(0.99237566), 1.0
    )


def test_an_unbounded_lift_interval_is_null() -> None:
    weak_baseline = moments.exact_moments(2, 3, 5), moments.exact_moments(2, 8, 34)

    assert means.welch_t(*weak_baseline, 0.05).lift_interval is None


@pytest.mark.parametrize("observed", [[0, 0], [4, 5], [3, 9000]])
def test_few_expected_users_are_no_mismatch(observed: list[int]) -> None:
    weights = [1, 1] if sum(observed) < 100 else [1, 9999]

    test = srm.srm_chi2(observed, weights)

    assert (test.status, test.p_value, test.chi2) == ("insufficient_data", None, None)


def test_a_weight_of_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="above 0"):
        srm.srm_chi2([5, 5], [1, 0])


def test_no_batches_give_no_sequential_p_values() -> None:
    assert srm.srm_sequential_dirichlet([], [1, 1]).p_values == []


@pytest.mark.parametrize("p_values", [[], [None], [None, 0.01, None, 0.04]])
def test_missing_p_values_stay_missing_and_do_not_count(p_values: list[float | None]) -> None:
    adjusted = multiplicity.p_adjust(p_values)

    known = [p for p in p_values if p is not None]
    assert [p is None for p in adjusted.holm] == [p is None for p in p_values]
    assert [p for p in adjusted.bonferroni if p is not None] == [p * len(known) for p in known]


def test_a_covariate_that_never_varies_leaves_the_numbers_unadjusted() -> None:
    arm = cuped.PairedMoments(4, *map(Fraction, (10, 30, 8, 16, 20)))
    other = cuped.PairedMoments(4, *map(Fraction, (12, 42, 8, 16, 24)))

    test = cuped.cuped_welch(arm, other, 0.05)

    plain = means.welch_t(moments.exact_moments(4, 10, 30), moments.exact_moments(4, 12, 42), 0.05)
    assert (test.status, test.theta, test.test.p_value) == ("no_history", 0.0, plain.p_value)
    assert test.variance_reduction == 0.0


@pytest.mark.parametrize("n", [0, 1])
def test_cuped_and_ratios_of_almost_nobody_are_null(n: int) -> None:
    sums = [Fraction(n)] * 5

    adjusted = cuped.cuped_welch(cuped.PairedMoments(n, *sums), cuped.PairedMoments(n, *sums), 0.05)
    shares = ratio.ratio_delta(ratio.RatioMoments(n, *sums), ratio.RatioMoments(n, *sums), 0.05)

    assert (adjusted.status, adjusted.test.p_value) == ("insufficient_data", None)
    assert (shares.test.status, shares.test.p_value) == ("insufficient_data", None)


def test_a_ratio_without_a_denominator_is_null() -> None:
    empty = ratio.RatioMoments(5, *map(Fraction, (3, 5, 0, 0, 0)))

    assert ratio.ratio_delta(empty, empty, 0.05).test.diff is None


def test_no_effect_needs_no_number_of_users() -> None:
    assert reference.sample_size_mean(1, 1, 0, 0.05, 0.8).n_total is None
    assert reference.sample_size_proportion(0.1, 0.1, 0.05, 0.8).n_per_arm is None
    assert reference.sample_size_evanmiller(0.1, 0, 0.05, 0.8).n_per_arm is None
    assert reference.mde(1, 1, 0, 10, 0.05, 0.8).mde_abs is None
    assert reference.mde(0, 0, 10, 10, 0.05, 0.8) == (0.0, None)
    assert planning.sample_size(planning.Outcome(0.1), 0, planning.Design()).sequential is None


def test_a_hopelessly_small_effect_has_no_multiple() -> None:
    assert power.required_multiple(1e-12, 100, 0.05, 0.8) is None


def test_a_rate_outside_zero_to_one_is_refused() -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        planning.sample_size(planning.Outcome(0.9), 0.2, planning.Design())


@pytest.mark.parametrize("p", [0.0, 1.0, -0.1, math.nan])
def test_a_quantile_of_no_probability_is_refused(p: float) -> None:
    with pytest.raises(ValueError, match="strictly between"):
        tails.norm_isf(p)
    with pytest.raises(ValueError, match="strictly between"):
        tails.t_isf(p, 5)


def test_far_tails_are_zero_not_errors() -> None:
    assert tails.t_sf(1e200, 3) == 0.0
    assert tails.t_sf(1e-200, 3) == 0.5
    assert tails.chi2_sf(math.inf, 2) == 0.0
    with pytest.raises(ValueError, match="too far out"):
        tails.t_isf(1e-300, 1)


def test_arms_without_spread_have_no_chance_to_be_best() -> None:
    assert bayes.prob_best_normal([Posterior(1.0, 0.0), Posterior(2.0, 1.0)]).prob_best == [None, None]
    assert bayes.prob_best_normal([]).prob_best == []


def test_no_users_leave_the_prior() -> None:
    nobody = proportions.Rate(0, 0)

    assert beta_binomial.beta_binomial(nobody, nobody).chance_to_win == pytest.approx(0.5)


def test_a_relative_prior_is_in_units_of_the_control_mean() -> None:
    control, treatment = moments.exact_moments(1000, 2000, 9000), moments.exact_moments(1000, 2100, 9000)

    relative = bayes.normal_effect(control, treatment, prior=Prior(0.0, 0.01), scale="relative")

    assert relative == bayes.normal_effect(control, treatment, prior=Prior(0.0, 0.02))
    assert (
        bayes.normal_effect(NOBODY, treatment, prior=Prior(0, 1), scale="relative").status
        == "insufficient_data"
    )
    with pytest.raises(ValueError, match="scale"):
        bayes.normal_effect(control, treatment, prior=Prior(0.0, 0.01), scale="log")


def test_a_relative_prior_over_a_control_mean_of_zero_is_no_prior() -> None:
    centred = moments.exact_moments(10, 0, 40)

    effect = bayes.normal_effect(centred, VARIED, prior=Prior(0.0, 0.01), scale="relative")

    assert (effect.status, effect.chance_to_win) == ("insufficient_data", None)


def test_chances_and_losses_flip_for_a_metric_that_should_decrease() -> None:
    control, treatment = moments.exact_moments(1000, 2000, 9000), moments.exact_moments(1000, 2100, 9000)

    up = bayes.normal_effect(control, treatment)
    down = bayes.normal_effect(control, treatment, direction=Direction.DECREASE)

    assert up.chance_to_win == pytest.approx(1 - (down.chance_to_win or 0.0))
    assert up.expected_loss_treatment == down.expected_loss_control
    assert up.post_mean == down.post_mean


def _is_finite(value: object) -> bool:
    return not isinstance(value, float) or math.isfinite(value)
