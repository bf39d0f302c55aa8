"""The engine against scipy, statsmodels and mpmath, on fixed and on random inputs."""

from fractions import Fraction
from math import isclose

import mpmath
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import integrate, stats
from statsmodels.stats import multitest, power, proportion

from experimentation.domain.statistics import beta_binomial, cuped, means, srm, tails
from experimentation.domain.statistics.bayes import Posterior
from experimentation.domain.statistics.proportions import Rate
from tests.vectors.reference import bayes, multiplicity, proportions, ratio
from tests.vectors.reference import power as our_power
from tests.vectors.reference.moments import moments_of

TOLERANCE = 1e-8
users = st.integers(2, 100_000)
alphas = st.floats(0.001, 0.3)
values = st.lists(st.integers(-50_000, 50_000), min_size=3, max_size=40)


def close(actual: float | None, expected: float, tolerance: float = TOLERANCE) -> bool:
    return actual is not None and isclose(actual, float(expected), rel_tol=tolerance, abs_tol=1e-12)


def exact_t_sf(t: float, dof: float) -> float:
    with mpmath.workdps(60):
        x = mpmath.mpf(dof) / (mpmath.mpf(dof) + mpmath.mpf(t) ** 2)
        tail = mpmath.betainc(mpmath.mpf(dof) / 2, 0.5, 0, x, regularized=True) / 2
        return float(tail if t >= 0 else 1 - tail)


@given(t=st.floats(-40, 40), dof=st.floats(1, 1e9))
def test_t_sf_agrees_with_scipy(t: float, dof: float) -> None:
    expected = stats.t.sf(t, dof)
    assume(expected > 1e-290)

    assert isclose(tails.t_sf(t, dof), expected, rel_tol=1e-9)


@pytest.mark.parametrize("dof", [0.7, 1, 2.5, 19_999.9, 20_000.1, 1e6, 4e9])
@pytest.mark.parametrize("t", [-3.1, 0.0, 1e-9, 0.7, 1.224, 1.226, 5.5, 30.0])
def test_t_sf_agrees_with_sixty_digits(t: float, dof: float) -> None:
    assert isclose(tails.t_sf(t, dof), exact_t_sf(t, dof), rel_tol=1e-11)


@given(p=st.floats(1e-100, 1 - 1e-9), dof=st.floats(1, 1e9))
def test_t_isf_inverts_t_sf(p: float, dof: float) -> None:
    assume(abs(p - 0.5) > 1e-6)

    assert isclose(tails.t_sf(tails.t_isf(p, dof), dof), p, rel_tol=1e-9)


@given(x=st.floats(-37, 37))
def test_norm_sf_agrees_with_scipy(x: float) -> None:
    assert isclose(tails.norm_sf(x), stats.norm.sf(x), rel_tol=1e-11)


@given(p=st.floats(1e-300, 1 - 1e-12))
def test_norm_isf_agrees_with_scipy(p: float) -> None:
    assert isclose(tails.norm_isf(p), stats.norm.isf(p), rel_tol=1e-11, abs_tol=1e-15)


@given(x=st.floats(1e-6, 1300), dof=st.integers(1, 60))
def test_chi2_sf_agrees_with_scipy(x: float, dof: int) -> None:
    expected = stats.chi2.sf(x, dof)
    assume(expected > 1e-290)

    assert isclose(tails.chi2_sf(x, dof), expected, rel_tol=1e-9)


@given(first=values, second=values, alpha=alphas)
def test_welch_agrees_with_scipy_on_the_raw_values(first: list[int], second: list[int], alpha: float) -> None:
    assume(len(set(first)) > 1 and len(set(second)) > 1)
    oracle = stats.ttest_ind(second, first, equal_var=False)
    low, high = oracle.confidence_interval(1 - alpha)

    test = means.welch_t(moments_of(first), moments_of(second), alpha)

    assert close(test.contrast.z if test.contrast else None, oracle.statistic)
    assert close(test.contrast.dof if test.contrast else None, oracle.df)
    assert close(test.p_value, oracle.pvalue)
    scale = max(abs(low), abs(high))
    assert test.interval is not None
    assert isclose(test.interval.low, low, rel_tol=TOLERANCE, abs_tol=scale * 1e-10)
    assert isclose(test.interval.high, high, rel_tol=TOLERANCE, abs_tol=scale * 1e-10)


@given(first=values, second=values, shift=st.integers(-300, 300), alpha=alphas)
def test_the_lift_interval_excludes_zero_exactly_when_p_is_below_alpha(
    first: list[int], second: list[int], shift: int, alpha: float
) -> None:
    assume(len(set(first)) > 1 and len(set(second)) > 1)
    control = moments_of(2_000_000 + value for value in first)
    treatment = moments_of(2_000_000 + 100 * shift + value for value in second)

    test = means.welch_t(control, treatment, alpha)

    assume(test.lift_interval is not None)
    low, high = test.lift_interval or (0.0, 0.0)
    assert low < high
    assert (low > 0 or high < 0) == ((test.p_value or 0.0) < alpha)


@given(n=users, share=st.floats(0, 1), other=users, other_share=st.floats(0, 1), alpha=alphas)
def test_rates_agree_with_statsmodels(
    n: int, share: float, other: int, other_share: float, alpha: float
) -> None:
    control, treatment = (
        Rate(n, int(n * share)),
        Rate(other, int(other * other_share)),
    )
    low, high = proportion.proportion_confint(control.conversions, n, alpha, method="wilson")
    counts = treatment.conversions, other, control.conversions, n
    hybrid = proportion.confint_proportions_2indep(*counts, method="newcomb", compare="diff", alpha=alpha)

    result = proportions.compare_proportions(control, treatment, alpha)

    assert close(result.wilson_control_low, low)
    assert close(result.wilson_control_high, high)
    assert close(result.newcombe_low, hybrid[0])
    assert close(result.newcombe_high, hybrid[1])


@pytest.mark.heavy
@settings(max_examples=30, deadline=None)
@given(p_values=st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_adjusted_p_values_agree_with_statsmodels(p_values: list[float]) -> None:
    adjusted = multiplicity.p_adjust(p_values)

    for name, method in (("holm", "holm"), ("bh", "fdr_bh"), ("by", "fdr_by"), ("bonferroni", "bonferroni")):
        expected = multitest.multipletests(p_values, method=method)[1]
        assert np.allclose(np.array(getattr(adjusted, name), dtype=float), expected, rtol=1e-9, atol=1e-12)


@given(observed=st.lists(st.integers(100, 10_000), min_size=2, max_size=6), data=st.data())
def test_sample_ratio_agrees_with_scipy(observed: list[int], data: st.DataObject) -> None:
    weights = data.draw(st.lists(st.integers(10, 50), min_size=len(observed), max_size=len(observed)))
    expected = np.array(weights) / sum(weights) * sum(observed)
    oracle = stats.chisquare(observed, expected)

    test = srm.srm_chi2(observed, weights)

    assert close(test.chi2, oracle.statistic)
    assume(oracle.pvalue > 1e-290)
    assert close(test.p_value, oracle.pvalue)


def test_the_sequential_mismatch_test_agrees_with_its_formula_in_fifty_digits() -> None:
    weights, totals = [Fraction(7, 10), Fraction(3, 10)], [710_000, 290_300]
    with mpmath.workdps(50):
        prior = [10_000 * mpmath.mpf(w.numerator) / w.denominator for w in weights]
        log_factor = mpmath.loggamma(10_000) - mpmath.loggamma(10_000 + sum(totals))
        for a, count, weight in zip(prior, totals, weights, strict=True):
            log_factor += mpmath.loggamma(a + count) - mpmath.loggamma(a)
            log_factor -= count * mpmath.log(mpmath.mpf(weight.numerator) / weight.denominator)
        expected = float(mpmath.exp(-log_factor))

    assert isclose(srm.srm_sequential_dirichlet([totals], weights).p_values[0], expected, rel_tol=1e-8)


def test_the_sequential_mismatch_p_value_never_rises_again() -> None:
    p_values = srm.srm_sequential_dirichlet([[1000, 600], [500, 700], [5000, 5000]], [1, 1]).p_values

    assert p_values[0] < 0.01
    assert p_values == sorted(p_values, reverse=True)


@settings(max_examples=25, deadline=None)
@given(
    n=st.integers(1, 300), share=st.floats(0, 1), other=st.integers(1, 300), other_share=st.floats(0, 1),
    prior=st.sampled_from([(1.0, 1.0), (0.5, 0.5), (3.2, 40.0)]),
)  # fmt: skip
def test_beta_binomial_agrees_with_quadrature(
    n: int, share: float, other: int, other_share: float, prior: tuple[float, float]
) -> None:
    control, treatment = (
        Rate(n, int(n * share)),
        Rate(other, int(other * other_share)),
    )
    c = stats.beta(prior[0] + control.conversions, prior[1] + n - control.conversions)
    t = stats.beta(prior[0] + treatment.conversions, prior[1] + other - treatment.conversions)
    loss = integrate.quad(lambda x: t.cdf(x) * c.sf(x), 0, 1, limit=500, points=[c.mean(), t.mean()])[0]

    shared = beta_binomial.Beta(*prior)
    result = beta_binomial.beta_binomial(control, treatment, shared)
    swapped = beta_binomial.beta_binomial(treatment, control, shared)

    assert isclose(result.expected_loss, loss, rel_tol=1e-6, abs_tol=1e-9)
    assert isclose(swapped.expected_loss - result.expected_loss, t.mean() - c.mean(), abs_tol=1e-9)


@pytest.mark.parametrize(("a", "b"), [(20, 30), (900, 1000), (99_000, 100_000)])
def test_chance_above_agrees_with_scipy(a: int, b: int) -> None:
    oracle = stats.beta(a + 1, 2 * b - a + 1)
    reach = 12 / (8 * b) ** 0.5
    expected = integrate.quad(
        lambda x: stats.beta.pdf(x, b + 1, b + 1) * oracle.cdf(x),
        max(0.0, 0.5 - reach), min(1.0, 0.5 + reach), limit=500, epsabs=1e-12,
    )[0]  # fmt: skip

    chance = beta_binomial.chance_above(
        beta_binomial.Beta(b + 1, b + 1), beta_binomial.Beta(a + 1, 2 * b - a + 1)
    )

    assert isclose(chance, expected, rel_tol=1e-6)


@settings(max_examples=30)
@given(arms=st.lists(st.tuples(st.floats(-5, 5), st.floats(0.01, 3)), min_size=2, max_size=5))
def test_the_chances_to_be_best_sum_to_one(arms: list[tuple[float, float]]) -> None:
    best = bayes.prob_best_normal([Posterior(*arm) for arm in arms]).prob_best

    assert isclose(sum(chance or 0.0 for chance in best), 1.0, abs_tol=1e-7)


@given(difference=st.floats(-3, 3), se=st.floats(0.3, 2))
def test_two_arms_beat_each_other_as_often_as_their_difference_is_positive(
    difference: float, se: float
) -> None:
    best = bayes.prob_best_normal([Posterior(0.0, se), Posterior(difference, 2 * se)]).prob_best

    assert close(best[1], stats.norm.cdf(difference / (se * 5**0.5)), 1e-7)


@given(pairs=st.lists(st.tuples(st.integers(-99, 99), st.integers(-99, 99)), min_size=12, max_size=40))
def test_cuped_agrees_with_a_t_test_on_explicitly_adjusted_values(pairs: list[tuple[int, int]]) -> None:
    x, y = (np.array(column, dtype=float) for column in zip(*pairs, strict=True))
    assume(np.var(x) > 0)
    theta = np.cov(x, y)[0, 1] / np.var(x, ddof=1)
    adjusted = y - theta * (x - x.mean())
    half = len(pairs) // 2
    assume(np.var(adjusted[:half]) > 1e-6 and np.var(adjusted[half:]) > 1e-6)
    oracle = stats.ttest_ind(adjusted[half:], adjusted[:half], equal_var=False)

    found = cuped.cuped_welch(_paired(pairs[:half]), _paired(pairs[half:]), 0.05)
    test = found.test

    assert close(found.theta, theta)
    assert close(test.p_value, oracle.pvalue, 1e-7)
    assert close(test.contrast.dof if test.contrast else None, oracle.df)


@given(pairs=st.lists(st.tuples(st.integers(0, 20), st.integers(1, 30)), min_size=12, max_size=40))
def test_a_ratio_agrees_with_a_t_test_on_linearised_values(pairs: list[tuple[int, int]]) -> None:
    half = len(pairs) // 2
    linear = []
    for arm in (pairs[:half], pairs[half:]):
        m, d = (np.array(column, dtype=float) for column in zip(*arm, strict=True))
        linear.append((m - m.sum() / d.sum() * d) / d.mean() + m.sum() / d.sum())
    assume(min(np.var(arm) for arm in linear) > 1e-6)
    oracle = stats.ttest_ind(linear[1], linear[0], equal_var=False)

    test = ratio.ratio_delta(_ratio(pairs[:half]), _ratio(pairs[half:]), 0.05).test

    assert close(test.p_value, oracle.pvalue, 1e-7)


@given(delta=st.floats(0.05, 2), sd=st.floats(0.5, 5), wanted=st.floats(0.5, 0.99), alpha=alphas)
def test_sample_sizes_of_means_agree_with_statsmodels(
    delta: float, sd: float, wanted: float, alpha: float
) -> None:
    expected = power.normal_sample_size_one_tail(delta, wanted, alpha / 2, std_null=2**0.5 * sd)

    size = our_power.sample_size_mean(sd, sd, delta, alpha, wanted)

    assert close(size.n_control, expected)


def _paired(pairs: list[tuple[int, int]]) -> cuped.PairedMoments:
    x, y = zip(*pairs, strict=True)
    sums = sum(y), sum(b * b for b in y), sum(x), sum(a * a for a in x), sum(a * b for a, b in pairs)
    return cuped.PairedMoments(len(pairs), *map(Fraction, sums))


def _ratio(pairs: list[tuple[int, int]]) -> ratio.RatioMoments:
    m, d = zip(*pairs, strict=True)
    sums = sum(m), sum(a * a for a in m), sum(d), sum(b * b for b in d), sum(a * b for a, b in pairs)
    return ratio.RatioMoments(len(pairs), *map(Fraction, sums))
