"""Power: how many users an effect needs, and how small an effect some users can show."""

from math import ceil, sqrt
from typing import NamedTuple

from experimentation.domain.statistics.sequential import sequence_multiplier
from experimentation.domain.statistics.tails import norm_isf, norm_sf

_HOPELESS = 1e15  # more users than there will ever be


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


def required_multiple(
    signal: float, n: float, alpha: float, power: float, tuning_n: float | None = None
) -> float | None:
    """Return by how much (at least 1) to multiply n users to find an effect of `signal` standard errors.

    With a tuning_n the always-valid sequence has to exclude 0 at that one look; without, the fixed interval.
    Source: power Phi(s - q) + Phi(-s - q), s = signal sqrt(multiple), solved by bisection.

    >>> round(required_multiple(1.0, 1000, 0.05, 0.8), 3)
    7.849
    """

    def found(multiple: float) -> bool:
        quantile = (
            norm_isf(alpha / 2) if tuning_n is None else sequence_multiplier(n * multiple, alpha, tuning_n)
        )
        return two_sided_power(signal * sqrt(multiple), quantile) >= power

    low = high = 1.0
    while not found(high):
        low, high = high, high * 2
        if high > _HOPELESS:
            return None
    while high - low > 1e-12 * high:
        middle = (low + high) / 2
        low, high = (low, middle) if found(middle) else (middle, high)
    return high


def required_signal(quantile: float, power: float) -> float:
    """Return of how many standard errors an effect must be for an estimate to land beyond +-quantile.

    >>> round(required_signal(1.959964, 0.8), 4)
    2.8016
    """
    low, high = 0.0, quantile + max(0.0, norm_isf(1 - power)) + 1
    while high - low > 1e-12 * high:
        middle = (low + high) / 2
        low, high = (low, middle) if two_sided_power(middle, quantile) >= power else (middle, high)
    return high


def two_sided_power(signal: float, quantile: float) -> float:
    """Return the chance that an estimate of `signal` standard errors lands beyond +-quantile.

    >>> round(two_sided_power(2.8015852, 1.959964), 4)
    0.8
    """
    return norm_sf(quantile - signal) + norm_sf(quantile + signal)


def _z_sum(alpha: float, power: float) -> float:
    return norm_isf(alpha / 2) + norm_isf(1 - power)
