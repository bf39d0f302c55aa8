"""Sample sizes of textbooks and other calculators, which golden cases know and the API does not answer."""

from math import ceil, sqrt
from typing import NamedTuple

from experimentation.domain.statistics.lift import raw_baseline
from experimentation.domain.statistics.means import welch
from experimentation.domain.statistics.moments import Moments
from experimentation.domain.statistics.power import required_multiple, two_sided_power
from experimentation.domain.statistics.sequential import DEFAULT_TUNING_N
from experimentation.domain.statistics.tails import norm_isf
from tests.vectors.reference.lift import delta_standard_error


class MeanSampleSize(NamedTuple):
    """Users for a difference of means; None where no number of users would do."""

    n_control: float | None
    n_treatment: float | None
    n_total: float | None
    n_total_ceil: int | None


class RateSampleSize(NamedTuple):
    """Users per arm for a difference of rates, with the variance under no effect pooled and not."""

    n_per_arm: float | None
    n_per_arm_ceil: int | None
    n_per_arm_unpooled: float | None


class DetectableEffect(NamedTuple):
    """The smallest difference that is found with the asked power, and the power at that difference."""

    mde_abs: float | None
    power_at_mde: float | None


class EvanMillerSampleSize(NamedTuple):
    """Users per arm as Evan Miller's calculator shows them."""

    n_per_arm: float | None
    n_per_arm_round: int | None


class Scaling(NamedTuple):
    """How many times the present users are still missing; 0 when there are enough already."""

    scaling_factor_fixed: float | None
    scaling_factor_sequential_5000: float | None


def sample_size_mean(
    sd_control: float, sd_treatment: float, delta: float, alpha: float, power: float, ratio: float = 1.0
) -> MeanSampleSize:
    """Return the users for a difference delta in means, `ratio` treatment users to one control user.

    Source: n = (z_{1-a/2} + z_power)^2 (v_C + v_T / ratio) / delta^2 (Chow, Shao, Wang, section 3.2).

    >>> sample_size_mean(32.5, 32.5, 0.8, 0.05, 0.9, ratio=9).n_total_ceil
    192682
    """
    if delta == 0:
        return MeanSampleSize(None, None, None, None)
    control = _z_sum(alpha, power) ** 2 * (sd_control**2 + sd_treatment**2 / ratio) / delta**2
    total = control * (1 + ratio)
    return MeanSampleSize(control, control * ratio, total, ceil(total))


def sample_size_proportion(
    p_control: float, p_treatment: float, alpha: float, power: float
) -> RateSampleSize:
    """Return the users per arm that tell two rates apart.

    Source: the pooled-null formula of R's power.prop.test (Fleiss, Levin, Paik, section 4.2).

    >>> sample_size_proportion(0.05, 0.055, 0.05, 0.8).n_per_arm_ceil
    31234
    """
    if not (0 <= p_control <= 1 and 0 <= p_treatment <= 1):
        raise ValueError("a rate lies between 0 and 1")
    if p_control == p_treatment:
        return RateSampleSize(None, None, None)
    effect = (p_treatment - p_control) ** 2
    pooled = (p_control + p_treatment) / 2
    separate = p_control * (1 - p_control) + p_treatment * (1 - p_treatment)
    root = norm_isf(alpha / 2) * sqrt(2 * pooled * (1 - pooled)) + norm_isf(1 - power) * sqrt(separate)
    n = root**2 / effect
    return RateSampleSize(n, ceil(n), _z_sum(alpha, power) ** 2 * separate / effect)


def mde(
    sd_control: float, sd_treatment: float, n_control: int, n_treatment: int, alpha: float, power: float
) -> DetectableEffect:
    """Return the minimum detectable effect (z_{1-a/2} + z_power) se of the given users.

    Source: Bloom (1995), Minimum detectable effects, Evaluation Review 19.

    >>> round(mde(0.3, 0.3, 14000, 14000, 0.05, 0.8).mde_abs, 6)
    0.010046
    """
    if n_control < 1 or n_treatment < 1:
        return DetectableEffect(None, None)
    se = sqrt(sd_control**2 / n_control + sd_treatment**2 / n_treatment)
    if se == 0:
        return DetectableEffect(0.0, None)
    effect = _z_sum(alpha, power) * se
    return DetectableEffect(effect, two_sided_power(effect / se, norm_isf(alpha / 2)))


def sample_size_evanmiller(
    p_control: float, mde_abs: float, alpha: float, power: float
) -> EvanMillerSampleSize:
    """Return the users per arm with the baseline's variance under no effect, mirrored above one half.

    Source: evanmiller.org/ab-testing/sample-size.html.

    >>> sample_size_evanmiller(0.2, 0.05, 0.05, 0.8).n_per_arm_round
    1030
    """
    if mde_abs == 0:
        return EvanMillerSampleSize(None, None)
    baseline = 1 - p_control if p_control > 0.5 else p_control
    moved = baseline + mde_abs
    null_sd = sqrt(2 * baseline * (1 - baseline))
    effect_sd = sqrt(max(0.0, baseline * (1 - baseline) + moved * (1 - moved)))
    n = ((norm_isf(alpha / 2) * null_sd + norm_isf(1 - power) * effect_sd) / mde_abs) ** 2
    return EvanMillerSampleSize(n, round(n))


def mid_experiment_scaling(
    control: Moments, treatment: Moments, alpha: float, power: float, mde_relative: float
) -> Scaling:
    """Return how many times the present users are still needed to find a lift of mde_relative.

    Source: the power of a relative effect whose delta-method variance shrinks with the users (GrowthBook,
    mid-experiment power); `sequential` with the sequence's multiplier at tuning 5000.

    >>> from fractions import Fraction
    >>> from experimentation.domain.statistics.moments import exact_moments
    >>> arms = exact_moments(500, 500, 1500), exact_moments(500, 525, Fraction(155125, 100))
    >>> [round(factor, 2) for factor in mid_experiment_scaling(*arms, 0.05, 0.8, 0.05)]
    [25.46, 55.67]
    """
    baseline = raw_baseline(control.estimate)
    contrast = welch(control.estimate, treatment.estimate, baseline)
    if contrast is None or baseline is None or mde_relative == 0:
        return Scaling(None, None)
    signal = abs(mde_relative) / delta_standard_error(contrast.diff, contrast.variance, baseline)
    n = control.n + treatment.n
    fixed = required_multiple(signal, n, alpha, power)
    always = required_multiple(signal, n, alpha, power, DEFAULT_TUNING_N)
    return Scaling(None if fixed is None else fixed - 1, None if always is None else always - 1)


def _z_sum(alpha: float, power: float) -> float:
    return norm_isf(alpha / 2) + norm_isf(1 - power)
