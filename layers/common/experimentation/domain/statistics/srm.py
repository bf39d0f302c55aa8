"""Sample ratio mismatch: did the split of users follow the weights?"""

from collections.abc import Sequence
from fractions import Fraction
from math import exp, log
from typing import NamedTuple

from experimentation.domain.statistics.moments import Exact
from experimentation.domain.statistics.special import stirling_error
from experimentation.domain.statistics.tails import chi2_sf

THRESHOLD = 0.001
MISMATCH = "mismatch"
DEFAULT_CONCENTRATION = 10_000
_LEAST_EXPECTED = 5  # below this many expected users the chi-square approximation is not valid


class RatioTest(NamedTuple):
    """A chi-square test of observed users against the weights."""

    status: str
    chi2: float | None
    dof: int
    p_value: float | None
    expected: list[float]


class SequentialRatioTest(NamedTuple):
    """Always-valid p-values, one after each batch of users."""

    p_values: list[float]


def srm_chi2(observed: Sequence[int], weights: Sequence[Exact]) -> RatioTest:
    """Return Pearson's chi-square test of users per variant; weights need not sum to 1.

    Source: Fabijan et al., Diagnosing Sample Ratio Mismatch (KDD 2019); flagged below 0.001.

    >>> srm_chi2([600, 400], [1, 1])[:3]
    ('mismatch', 40.0, 1)
    >>> srm_chi2([3, 1], [1, 1]).status
    'insufficient_data'
    """
    shares = _shares(weights)
    users = sum(observed)
    expected = [users * share for share in shares]
    dof = len(observed) - 1
    rounded = [float(count) for count in expected]
    if dof < 1 or min(expected) < _LEAST_EXPECTED:
        return RatioTest("insufficient_data", None, dof, None, rounded)
    chi2 = float(sum((o - e) ** 2 / e for o, e in zip(observed, expected, strict=True)))
    p_value = chi2_sf(chi2, dof)
    return RatioTest(MISMATCH if p_value < THRESHOLD else "ok", chi2, dof, p_value, rounded)


def srm_sequential_dirichlet(
    batches: Sequence[Sequence[int]],
    weights: Sequence[Exact],
    concentration: float = DEFAULT_CONCENTRATION,
) -> SequentialRatioTest:
    """Return the p-value after every batch: the running minimum of 1 / Bayes factor, at most 1.

    Source: Lindon and Malek, arXiv 2011.03567: a Dirichlet with mean `weights` against exactly `weights`.

    >>> srm_sequential_dirichlet([[102, 98], [95, 105]], [1, 1]).p_values
    [1.0, 1.0]
    """
    totals = [0] * len(weights)
    lowest = 1.0
    p_values = []
    for batch in batches:
        totals = [total + users for total, users in zip(totals, batch, strict=True)]
        # The running minimum: more users of a broken split can hide a proven mismatch, but not disprove it.
        lowest = min(lowest, exp(min(0.0, -_log_bayes_factor(totals, weights, concentration))))
        p_values.append(lowest)
    return SequentialRatioTest(p_values)


def _log_bayes_factor(totals: Sequence[int], weights: Sequence[Exact], concentration: float) -> float:
    """Return ln BF by Stirling's formula with its error terms: differences of log-gammas would cancel."""
    users = sum(totals)
    size = concentration + users
    value = (len(totals) - 1) / 2 * log(concentration / size)
    value += stirling_error(concentration) - stirling_error(size)
    for total, share in zip(totals, map(float, _shares(weights)), strict=True):
        prior = concentration * share
        posterior = prior + total
        value += (posterior - 0.5) * log(posterior / (size * share))
        value += stirling_error(posterior) - stirling_error(prior)
    return value


def _shares(weights: Sequence[Exact]) -> list[Fraction]:
    exact = [Fraction(weight) for weight in weights]
    whole = sum(exact)
    if whole <= 0 or min(exact) <= 0:
        raise ValueError("every weight must be above 0")
    return [weight / whole for weight in exact]
