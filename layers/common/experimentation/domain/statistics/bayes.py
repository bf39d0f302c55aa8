"""The Bayesian view of a difference in means: chance to beat control, expected loss; not safe to peek at."""

from math import sqrt
from typing import NamedTuple

from experimentation.domain.experiment import Direction
from experimentation.domain.statistics.tails import norm_pdf, norm_sf


class Prior(NamedTuple):
    """A normal prior on the difference, in its own units."""

    mean: float
    sd: float


class Posterior(NamedTuple):
    """The normal posterior of D = m_T - m_C; of a metric that should decrease a negative D is the gain."""

    mean: float
    sd: float

    def chance_to_win(self, direction: Direction) -> float:
        """Return the probability that the treatment is better."""
        return norm_sf(-self._gain(direction) / self.sd)

    def expected_loss(self, direction: Direction) -> float:
        """Return what choosing the treatment loses on average, in the metric's own units: E[max(0, -gain)].

        Source: Stucchio, Bayesian A/B Testing at VWO (2015): sd density(z) - gain P(Z > z), z = gain / sd.
        """
        gain = self._gain(direction)
        z = gain / self.sd
        return max(0.0, self.sd * (norm_pdf(z) - z * norm_sf(z)))

    def _gain(self, direction: Direction) -> float:
        return self.mean if direction == Direction.INCREASE else -self.mean


def posterior_of(difference: float, variance: float, prior: Prior | None = None) -> Posterior:
    """Return the normal posterior of a measured difference; the default prior is flat.

    A prior shrinks the estimate: what is measured at an early stop is too large on average.
    Source: conjugate normal with known variance (Gelman et al., Bayesian Data Analysis, 2.5).

    >>> posterior_of(0.2, 0.01, Prior(0.0, 0.1)).mean
    0.1
    """
    if prior is None:
        return Posterior(difference, sqrt(variance))
    precision = 1 / prior.sd**2 + 1 / variance
    return Posterior((prior.mean / prior.sd**2 + difference / variance) / precision, 1 / sqrt(precision))
