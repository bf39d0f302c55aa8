"""Two arms under a normal prior, and the best of several; the API answers a pair under a flat one."""

from collections.abc import Sequence
from itertools import pairwise
from math import prod
from typing import NamedTuple

from experimentation.domain.experiment import Direction
from experimentation.domain.statistics.bayes import Posterior, Prior, posterior_of
from experimentation.domain.statistics.means import INSUFFICIENT_DATA, comparability, welch
from experimentation.domain.statistics.moments import Moments
from experimentation.domain.statistics.special import GAUSS_NODES
from experimentation.domain.statistics.tails import norm_isf, norm_pdf, norm_sf

_REACH = 9  # standard deviations; beyond them a normal density is below 1e-18


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


class BestArm(NamedTuple):
    """For each arm the probability that its mean is the largest."""

    prob_best: list[float | None]


def normal_effect(
    control: Moments,
    treatment: Moments,
    alpha: float = 0.05,
    prior: Prior | None = None,
    direction: Direction = Direction.INCREASE,
    scale: str = "absolute",
) -> NormalEffect:
    """Return the posterior of the difference; a prior of scale "relative" is in units of the control mean.

    Source: the functions of the product's bayes module, and the credible interval mean +- z sd.

    >>> from experimentation.domain.statistics.moments import exact_moments
    >>> effect = normal_effect(exact_moments(1000, 2500, 9000), exact_moments(1000, 2500, 9000))
    >>> effect.chance_to_win, round(effect.expected_loss_treatment, 6)
    (0.5, 0.029601)
    """
    contrast = welch(control.estimate, treatment.estimate, None)
    if contrast is None:
        return NormalEffect(comparability(control.estimate, treatment.estimate)[0])
    scaled = None if prior is None else _in_units_of(control, prior, scale)
    if prior is not None and scaled is None:
        return NormalEffect(INSUFFICIENT_DATA)
    posterior = posterior_of(contrast.diff, contrast.variance, scaled)
    margin = norm_isf(alpha / 2) * posterior.sd
    opposite = Direction.DECREASE if direction is Direction.INCREASE else Direction.INCREASE
    return NormalEffect(
        "ok",
        posterior.mean,
        posterior.sd,
        posterior.chance_to_win(direction),
        posterior.mean - margin,
        posterior.mean + margin,
        posterior.expected_loss(direction),
        posterior.expected_loss(opposite),
    )


def prob_best_normal(arms: Sequence[Posterior]) -> BestArm:
    """Return the probability of each arm to be the best: the integral of its density times the others' cdfs.

    Source: Scott (2010), A modern Bayesian look at the multi-armed bandit, eq. 2; 5-point Gauss-Legendre on
    panels of at most one standard deviation of any arm.

    >>> [round(p, 6) for p in prob_best_normal([Posterior(0.05, 0.0022), Posterior(0.056, 0.0023)]).prob_best]
    [0.029705, 0.970295]
    """
    if not arms or any(arm.sd <= 0 for arm in arms):
        return BestArm([None] * len(arms))
    edges = sorted({arm.mean + k * arm.sd for arm in arms for k in range(-_REACH, _REACH + 1)})
    chances = [0.0] * len(arms)
    for low, high in pairwise(edges):
        middle, half = (low + high) / 2, (high - low) / 2
        for node, weight in GAUSS_NODES:
            x = middle + half * node
            below = [norm_sf((arm.mean - x) / arm.sd) for arm in arms]
            for index, arm in enumerate(arms):
                density = norm_pdf((x - arm.mean) / arm.sd) / arm.sd
                chances[index] += half * weight * density * prod(below[:index] + below[index + 1 :])
    return BestArm([min(1.0, chance) for chance in chances])


def _in_units_of(control: Moments, prior: Prior, scale: str) -> Prior | None:
    if scale == "absolute":
        return prior
    if scale != "relative":
        raise ValueError("a prior's scale is absolute or relative")
    if not control.mean:
        return None
    size = abs(float(control.mean))
    return Prior(prior.mean * size, prior.sd * size)
