"""Analysis by segment: a difference adjusted for the labels, and whether the effect differs by label.

Both are exploratory: they are computed when the results are read, and decide nothing.
"""

from collections.abc import Sequence
from math import sqrt
from typing import NamedTuple

from experimentation.domain.statistics.tails import chi2_sf, norm_isf, norm_sf


class Stratum(NamedTuple):
    """One label: its users (all arms together), the difference among them and its variance."""

    users: int
    diff: float
    variance: float


class PostStratified(NamedTuple):
    """The labels' differences weighted by their users."""

    difference: float
    se: float
    p_value: float
    interval_low: float
    interval_high: float


class Heterogeneity(NamedTuple):
    """Cochran's Q: do the labels differ by more than chance?"""

    q: float
    dof: int
    heterogeneity_p_value: float


def post_stratified(strata: Sequence[Stratum], alpha: float = 0.05) -> PostStratified | None:
    """Return the difference adjusted for how the labels are spread over the arms; None without strata.

    Source: Miratrix, Sekhon, Yu (2013), JRSS-B 75:369: sum of W_l D_l with W_l the label's share of users.

    >>> found = post_stratified([Stratum(300, 1.0, 0.04), Stratum(100, 3.0, 0.16)])
    >>> found.difference, round(found.se, 6)
    (1.5, 0.180278)
    """
    users = sum(stratum.users for stratum in strata)
    if not users or any(stratum.variance <= 0 for stratum in strata):
        return None
    difference = sum(stratum.users * stratum.diff for stratum in strata) / users
    se = sqrt(sum((stratum.users / users) ** 2 * stratum.variance for stratum in strata))
    reach = norm_isf(alpha / 2) * se
    p_value = min(1.0, 2 * norm_sf(abs(difference) / se))
    return PostStratified(difference, se, p_value, difference - reach, difference + reach)


def heterogeneity(strata: Sequence[Stratum]) -> Heterogeneity | None:
    """Return the test that the effect is the same under every label; None with fewer than two.

    Source: Cochran (1954), Biometrics 10:101: Q = sum of (D_l - mean)^2 / se_l^2, chi-square with L - 1.

    >>> found = heterogeneity([Stratum(300, 1.0, 0.04), Stratum(100, 3.0, 0.16)])
    >>> round(found.q, 6), found.dof, f"{found.heterogeneity_p_value:.1e}"
    (20.0, 1, '7.7e-06')
    """
    if len(strata) < 2 or any(stratum.variance <= 0 for stratum in strata):
        return None
    precision = sum(1 / stratum.variance for stratum in strata)
    mean = sum(stratum.diff / stratum.variance for stratum in strata) / precision
    q = sum((stratum.diff - mean) ** 2 / stratum.variance for stratum in strata)
    return Heterogeneity(q, len(strata) - 1, chi2_sf(q, len(strata) - 1))
