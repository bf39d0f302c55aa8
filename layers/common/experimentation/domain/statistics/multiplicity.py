"""p-values adjusted for being one of many."""

from collections.abc import Sequence


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
    adjusted: list[float | None] = [None] * len(p_values)
    running = 1.0
    ranked = _ranked(p_values)
    for rank, (p, index) in reversed(list(enumerate(ranked, start=1))):
        running = min(running, len(ranked) * p / rank)
        adjusted[index] = running
    return adjusted


def _ranked(p_values: Sequence[float | None]) -> list[tuple[float, int]]:
    return sorted((p, index) for index, p in enumerate(p_values) if p is not None)
