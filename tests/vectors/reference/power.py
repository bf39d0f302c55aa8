"""Sample sizes of other calculators, which the golden cases know and the API does not answer."""

from math import sqrt
from typing import NamedTuple

from experimentation.domain.statistics.lift import delta_standard_error, raw_baseline
from experimentation.domain.statistics.means import welch
from experimentation.domain.statistics.moments import Moments
from experimentation.domain.statistics.power import required_multiple
from experimentation.domain.statistics.sequential import DEFAULT_TUNING_N
from experimentation.domain.statistics.tails import norm_isf


class EvanMillerSampleSize(NamedTuple):
    """Users per arm as Evan Miller's calculator shows them."""

    n_per_arm: float | None
    n_per_arm_round: int | None


class Scaling(NamedTuple):
    """How many times the present users are still missing; 0 when there are enough already."""

    scaling_factor_fixed: float | None
    scaling_factor_sequential_5000: float | None


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
