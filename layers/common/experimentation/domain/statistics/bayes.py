"""The Bayesian view of a difference in means: chance to beat control and expected loss, unsafe to peek at."""

from collections.abc import Sequence
from itertools import pairwise
from math import prod, sqrt
from typing import NamedTuple

from experimentation.domain.experiment import Direction
from experimentation.domain.statistics.means import INSUFFICIENT_DATA, Contrast, comparability, welch
from experimentation.domain.statistics.moments import Moments
from experimentation.domain.statistics.special import GAUSS_NODES
from experimentation.domain.statistics.tails import norm_isf, norm_pdf, norm_sf

_REACH = 9  # standard deviations; beyond them a normal density is below 1e-18


class Prior(NamedTuple):
    """A normal prior on the difference, in its own units or ("relative") in units of the control mean."""

    mean: float
    sd: float
    scale: str = "absolute"


class NormalEffect(NamedTuple):
    """The posterior of D = m_T - m_C; an expected loss is in the metric's own units."""

    status: str
    post_mean: float | None = None
    post_sd: float | None = None
    chance_to_win: float | None = None
    cred_low: float | None = None
    cred_high: float | None = None
    expected_loss_treatment: float | None = None
    expected_loss_control: float | None = None


class Arm(NamedTuple):
    """A normal posterior: of one variant's mean, or of a difference."""

    mean: float
    se: float


class BestArm(NamedTuple):
    """For each arm the probability that its mean is the largest."""

    prob_best: list[float | None]


def normal_effect(
    control: Moments,
    treatment: Moments,
    alpha: float = 0.05,
    prior: Prior | None = None,
    direction: Direction = Direction.INCREASE,
) -> NormalEffect:
    """Return the normal posterior of the difference; without a prior it is flat.

    For a metric that should decrease, chances and losses are those of the lower mean.

    Source: conjugate normal with known variance (Gelman et al., Bayesian Data Analysis, 2.5); expected loss
    as in Stucchio, Bayesian A/B Testing at VWO (2015).

    >>> from experimentation.domain.statistics.moments import exact_moments
    >>> effect = normal_effect(exact_moments(1000, 2500, 9000), exact_moments(1000, 2500, 9000))
    >>> effect.chance_to_win, round(effect.expected_loss_treatment, 6)
    (0.5, 0.029601)
    """
    contrast = welch(control.estimate, treatment.estimate, None)
    if contrast is None:
        return NormalEffect(comparability(control.estimate, treatment.estimate)[0])
    scaled = None if prior is None else _in_units_of(control, prior)
    if prior is not None and scaled is None:
        return NormalEffect(INSUFFICIENT_DATA)
    return posterior_of(contrast, alpha, scaled, direction)


def posterior_of(contrast: Contrast, alpha: float, prior: Prior | None, direction: Direction) -> NormalEffect:
    """Return the normal posterior of a contrast under a prior in its own units; None is flat."""
    posterior = Arm(contrast.diff, contrast.se)
    if prior is not None:
        posterior = _updated(prior, contrast.diff, contrast.variance)
    mean, sd = posterior
    margin = norm_isf(alpha / 2) * sd
    gain = mean if direction == Direction.INCREASE else -mean
    return NormalEffect(
        "ok",
        mean,
        sd,
        norm_sf(-gain / sd),
        mean - margin,
        mean + margin,
        _mean_shortfall(gain, sd),
        _mean_shortfall(-gain, sd),
    )


def shrunken(difference: float, variance: float, prior: Prior) -> float:
    """Return the posterior mean of a difference: what was measured when stopping early exaggerates.

    >>> shrunken(0.2, 0.01, Prior(0.0, 0.1))
    0.1
    """
    return _updated(prior, difference, variance).mean


def prob_best_normal(arms: Sequence[Arm]) -> BestArm:
    """Return the probability of each arm to be the best: the integral of its density times the others' cdfs.

    Source: Scott (2010), A modern Bayesian look at the multi-armed bandit, eq. 2; 5-point Gauss-Legendre on
    panels of at most one standard deviation of any arm.

    >>> [round(p, 6) for p in prob_best_normal([Arm(0.05, 0.0022), Arm(0.056, 0.0023)]).prob_best]
    [0.029705, 0.970295]
    """
    if not arms or any(arm.se <= 0 for arm in arms):
        return BestArm([None] * len(arms))
    edges = sorted({arm.mean + k * arm.se for arm in arms for k in range(-_REACH, _REACH + 1)})
    chances = [0.0] * len(arms)
    for low, high in pairwise(edges):
        middle, half = (low + high) / 2, (high - low) / 2
        for node, weight in GAUSS_NODES:
            x = middle + half * node
            below = [norm_sf((arm.mean - x) / arm.se) for arm in arms]
            for index, arm in enumerate(arms):
                density = norm_pdf((x - arm.mean) / arm.se) / arm.se
                chances[index] += half * weight * density * prod(below[:index] + below[index + 1 :])
    return BestArm([min(1.0, chance) for chance in chances])


def _mean_shortfall(mean: float, sd: float) -> float:
    """Return E[max(0, -X)] of a normal X: sd density(z) - mean P(Z > z) with z = mean / sd."""
    z = mean / sd
    return max(0.0, sd * (norm_pdf(z) - z * norm_sf(z)))


def _in_units_of(control: Moments, prior: Prior) -> Prior | None:
    if prior.scale == "absolute":
        return prior
    if prior.scale != "relative":
        raise ValueError("a prior's scale is absolute or relative")
    if not control.mean:
        return None
    size = abs(float(control.mean))
    return Prior(prior.mean * size, prior.sd * size)


def _updated(prior: Prior, diff: float, variance: float) -> Arm:
    precision = 1 / prior.sd**2 + 1 / variance
    return Arm((prior.mean / prior.sd**2 + diff / variance) / precision, 1 / sqrt(precision))
