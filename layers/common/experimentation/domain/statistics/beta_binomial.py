"""Conversion rates under Beta priors: chance to win and expected loss, exact for any counts and priors."""

from math import exp, log, log1p, pi, sqrt
from typing import NamedTuple

from experimentation.domain.statistics.proportions import Rate
from experimentation.domain.statistics.special import beta_fraction, stirling_error

_STEPS_PER_SD = 8  # the trapezoidal rule on a smooth bell converges faster than any power of the step
_NEGLIGIBLE = -45.0  # natural log of a weight that a double's sum no longer sees


class Beta(NamedTuple):
    """A Beta distribution of a rate."""

    alpha: float
    beta: float

    @property
    def mean(self) -> float:
        """Return the expected rate."""
        return self.alpha / (self.alpha + self.beta)

    @property
    def logit_sd(self) -> float:
        """Return the approximate standard deviation of the rate's logit."""
        return sqrt(1 / self.alpha + 1 / self.beta)


class BetaBinomial(NamedTuple):
    """Chance that the treatment's rate is higher, and the expected loss of choosing the treatment."""

    chance_to_win: float
    expected_loss: float


FLAT = Beta(1, 1)


def beta_binomial(control: Rate, treatment: Rate, prior: Beta = FLAT) -> BetaBinomial:
    """Return the comparison of two rates that share a Beta prior.

    Source: Evan Miller, Formulas for Bayesian A/B Testing; E[max(C - T, 0)] = E[C] P(C' > T) - E[T] P(C > T')
    where ' adds one conversion; P by quadrature over the logit, so that priors need not be whole numbers.

    >>> result = beta_binomial(Rate(1, 1), Rate(1, 0))
    >>> [round(value, 6) for value in result]
    [0.166667, 0.366667]
    """
    c = Beta(prior.alpha + control.conversions, prior.beta + control.n - control.conversions)
    t = Beta(prior.alpha + treatment.conversions, prior.beta + treatment.n - treatment.conversions)
    return BetaBinomial(chance_above(t, c), _expected_excess(c, t))


def chance_above(x: Beta, y: Beta) -> float:
    """Return P(X > Y) for independent Beta variables.

    >>> round(chance_above(Beta(1, 2), Beta(2, 1)), 6)
    0.166667
    """
    # The nodes follow the narrower distribution, or they could miss its bell.
    if x.logit_sd > y.logit_sd:
        return 1 - chance_above(y, x)
    total = weights = 0.0
    step = x.logit_sd / _STEPS_PER_SD
    mode = log(x.alpha / x.beta)
    for sign in (1, -1):
        k = 0 if sign == 1 else 1
        while True:
            logit = mode + sign * k * step
            weight = _log_weight(x, logit) - _log_weight(x, mode)
            if weight < _NEGLIGIBLE:
                break
            total += exp(weight) * beta_cdf(logit, y)
            weights += exp(weight)
            k += 1
    return min(1.0, total / weights)


def beta_cdf(logit: float, distribution: Beta) -> float:
    """Return P(X <= x) of a Beta variable at the x with this logit.

    Source: NIST DLMF 8.17.22; the factor in front in Loader's (2000) form, free of cancellation.

    >>> round(beta_cdf(0.0, Beta(2, 1)), 6)
    0.25
    """
    a, b = distribution
    x, y = 1 / (1 + exp(-logit)), 1 / (1 + exp(logit))
    size = a + b
    log_factor = a * log(x / (a / size)) + b * log(y / (b / size)) + log(a * b / (2 * pi * size)) / 2
    log_factor += stirling_error(size) - stirling_error(a) - stirling_error(b)
    if x < (a + 1) / (size + 2):
        return exp(log_factor) * beta_fraction(x, a, b) / a
    return 1 - exp(log_factor) * beta_fraction(y, b, a) / b


def _expected_excess(x: Beta, y: Beta) -> float:
    """Return E[max(X - Y, 0)]."""
    more_x, more_y = x._replace(alpha=x.alpha + 1), y._replace(alpha=y.alpha + 1)
    return max(0.0, x.mean * chance_above(more_x, y) - y.mean * chance_above(x, more_y))


def _log_weight(distribution: Beta, logit: float) -> float:
    """Return the log density of the logit, up to a constant."""
    softplus = log1p(exp(-abs(logit)))
    return -distribution.alpha * (softplus + max(-logit, 0.0)) - distribution.beta * (
        softplus + max(logit, 0.0)
    )
