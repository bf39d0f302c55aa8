"""Every adjustment of a family of p-values; the API answers Holm's and Benjamini and Hochberg's alone."""

from collections.abc import Sequence
from typing import NamedTuple

from experimentation.domain.statistics.multiplicity import benjamini_hochberg, holm


class Adjusted(NamedTuple):
    """Adjusted p-values in the order of the input."""

    holm: list[float | None]
    bh: list[float | None]
    by: list[float | None]
    bonferroni: list[float | None]


def p_adjust(p_values: Sequence[float | None]) -> Adjusted:
    """Return every adjustment of a family; a p-value of None stays None and does not count.

    Source: Holm (1979); Benjamini and Hochberg (1995); Benjamini and Yekutieli (2001); Bonferroni (1936).

    >>> p_adjust([0.01, 0.04, 0.03]).holm
    [0.03, 0.06, 0.06]
    """
    return Adjusted(holm(p_values), benjamini_hochberg(p_values), _by(p_values), _bonferroni(p_values))


def _bonferroni(p_values: Sequence[float | None]) -> list[float | None]:
    """Return p-values times the size of their family, at most 1 (Bonferroni 1936).

    >>> _bonferroni([0.02, None, 0.7])
    [0.04, None, 1.0]
    """
    size = sum(p is not None for p in p_values)
    return [None if p is None else min(1.0, size * p) for p in p_values]


def _by(p_values: Sequence[float | None]) -> list[float | None]:
    """Return Benjamini and Yekutieli's adjustment, valid under any dependence."""
    size = sum(p is not None for p in p_values)
    penalty = sum(1 / k for k in range(1, size + 1))
    return [None if p is None else min(1.0, penalty * p) for p in benjamini_hochberg(p_values)]
