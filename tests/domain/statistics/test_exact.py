"""The exact test on converters: right at any count, and never in contradiction with its interval."""

import mpmath
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from experimentation.domain.statistics.exact import ExactTest
from experimentation.domain.statistics.proportions import Rate

counts = st.integers(0, 400)


def oracle(control: int, treated: int, share: float) -> float:
    """Return the Dirichlet-multinomial p-value from log-gammas of fifty digits."""
    with mpmath.workdps(50):
        prior = [20 * (1 - mpmath.mpf(share)), 20 * mpmath.mpf(share)]
        log_bf = mpmath.loggamma(20) - mpmath.loggamma(20 + control + treated)
        for each, count, weight in zip(prior, (control, treated), (1 - share, share), strict=True):
            log_bf += mpmath.loggamma(each + count) - mpmath.loggamma(each) - count * mpmath.log(weight)
        return float(min(mpmath.mpf(1), mpmath.exp(-log_bf)))


@given(control=counts, treated=counts, share=st.sampled_from([0.5, 0.1, 0.01, 0.75]))
def test_the_p_value_agrees_with_its_formula_in_fifty_digits(
    control: int, treated: int, share: float
) -> None:
    test = ExactTest(Rate(1000, control), Rate(1000, treated), share / (1 - share))

    assert test.p_value == pytest.approx(oracle(control, treated, share), rel=1e-9)


@given(control=counts, treated=counts, odds=st.sampled_from([1.0, 0.111, 9.0]), level=st.floats(0.001, 0.2))
def test_the_intervals_exclude_no_effect_exactly_when_p_is_below_the_level(
    control: int, treated: int, odds: float, level: float
) -> None:
    test = ExactTest(Rate(1000, control), Rate(1000, treated), odds)

    low, high = test.ratio(level)
    interval = test.interval(level)

    assert low <= high
    assert (test.p_value < level) == (low > 1 or high < 1)
    assert (test.p_value < level) == (interval.low > 0 or interval.high < 0)


@given(control=st.integers(0, 60), treated=st.integers(0, 60), odds=st.sampled_from([1.0, 0.111, 9.0]))
def test_what_is_not_rejected_is_an_interval(control: int, treated: int, odds: float) -> None:
    test = ExactTest(Rate(1000, control), Rate(1000, treated), odds)
    low, high = test.ratio(0.05)

    for step in range(-40, 41):
        ratio = 2.0 ** (step / 5)
        inside = low * 1.001 < ratio < high / 1.001
        outside = ratio < low / 1.001 or ratio > high * 1.001
        rejected = ExactTest(test.control, test.treatment, odds * ratio)._p_value(0.0) < 0.05
        assert not (inside and rejected)
        assert not (outside and not rejected)


@pytest.mark.parametrize(("control", "treated"), [(0.0, 0.06), (0.0005, 0.06), (0.001, 0.004)])
def test_the_interval_in_points_covers_the_true_difference_as_often_as_it_claims(
    control: float, treated: float
) -> None:
    users, covered, counted = 2000, 0.0, 0.0
    low, high = (int(stats.binom.ppf(end, users, treated)) for end in (1e-3, 1 - 1e-3))
    for few in range(8):
        chance_of_few = stats.binom.pmf(few, users, control)
        if chance_of_few < 1e-3:
            continue
        for many in range(max(1, low), high + 1, 3):
            chance = chance_of_few * stats.binom.pmf(many, users, treated)
            interval = ExactTest(Rate(users, few), Rate(users, many), 1.0).interval(0.05)
            assert interval is not None
            counted += chance
            covered += chance * (interval.low <= treated - control <= interval.high)
    assert covered / counted >= 0.95


def test_five_crashes_against_a_hundred_and_twenty_are_proof() -> None:
    assert ExactTest(Rate(2000, 5), Rate(2000, 120), 1.0).p_value < 1e-20


def test_a_control_that_never_fails_has_no_upper_limit_for_the_lift() -> None:
    test = ExactTest(Rate(7000, 0), Rate(7000, 21), 1.0)

    assert test.lift_interval(0.05) is None
    assert test.interval(0.05).low > 0
