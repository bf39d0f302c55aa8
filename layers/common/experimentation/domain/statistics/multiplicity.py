"""p-values adjusted for being one of many."""

from collections.abc import Sequence
from typing import NamedTuple


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
    return Adjusted(holm(p_values), benjamini_hochberg(p_values), _by(p_values), bonferroni(p_values))


def bonferroni(p_values: Sequence[float | None]) -> list[float | None]:
    """Return p-values times the size of their family, at most 1 (Bonferroni 1936).

    >>> bonferroni([0.02, None, 0.7])
    [0.04, None, 1.0]
    """
    size = sum(p is not None for p in p_values)
    return [None if p is None else min(1.0, size * p) for p in p_values]


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Return Holm's step-down adjustment, which controls the chance of any false positive (Holm 1979).

    >>> holm([0.02, 0.02, 0.5])
    [0.06, 0.06, 0.5]
    """
    adjusted: list[float | None] = [None] * len(p_values)
    running = 0.0
    ranked = _ranked(p_values)
    for rank, (p, index) in enumerate(ranked):
        running = max(running, min(1.0, (len(ranked) - rank) * p))
        adjusted[index] = running
    return adjusted


def benjamini_hochberg(p_values: Sequence[float | None]) -> list[float | None]:
    """Return the step-up adjustment that controls the share of false discoveries (Benjamini, Hochberg 1995).

    >>> benjamini_hochberg([0.01, 0.04, 0.03])
    [0.03, 0.04, 0.04]
    """
    return _step_up(p_values, 1.0)


def _by(p_values: Sequence[float | None]) -> list[float | None]:
    """Return Benjamini and Yekutieli's adjustment, valid under any dependence."""
    size = sum(p is not None for p in p_values)
    return _step_up(p_values, sum(1 / k for k in range(1, size + 1)))


def _step_up(p_values: Sequence[float | None], penalty: float) -> list[float | None]:
    adjusted: list[float | None] = [None] * len(p_values)
    running = 1.0
    ranked = _ranked(p_values)
    for rank, (p, index) in reversed(list(enumerate(ranked, start=1))):
        running = min(running, penalty * len(ranked) * p / rank)
        adjusted[index] = running
    return adjusted


def _ranked(p_values: Sequence[float | None]) -> list[tuple[float, int]]:
    return sorted((p, index) for index, p in enumerate(p_values) if p is not None)
