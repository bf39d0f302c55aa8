"""A breakdown by a segment: p-values corrected across its labels, and what all labels say together."""

from collections.abc import Mapping, Sequence
from typing import Any

from experimentation.domain.statistics.answer import Analysis
from experimentation.domain.statistics.comparison import Comparison
from experimentation.domain.statistics.multiplicity import holm
from experimentation.domain.statistics.strata import Stratum, heterogeneity, post_stratified

type Document = dict[str, Any]


def breakdown(labels: Mapping[str, Analysis], alpha: float) -> list[Document]:
    """Return one row per metric and treatment; exploratory, like the segments themselves.

    `post_stratified` is null while a label cannot be measured: the others do not represent its users.
    Heterogeneity leaves out labels with too few outcomes. Both use the unadjusted difference.
    Source: STATISTICS 6 and 15.
    """
    if not labels:
        return []
    first = next(iter(labels.values()))
    return [
        _row(metric.key, treatment, labels, index, alpha)
        for index, metric in enumerate(first.metrics)
        for treatment in metric.comparisons
    ]


def _row(metric: str, treatment: str, labels: Mapping[str, Analysis], index: int, alpha: float) -> Document:
    comparisons = {label: each.metrics[index].comparisons[treatment] for label, each in labels.items()}
    p_values = holm([each.p_value for each in comparisons.values()])
    strata = {
        label: stratum
        for label, each in comparisons.items()
        if (stratum := _stratum(labels[label], each)) is not None
    }
    reliable = [stratum for label, stratum in strata.items() if not comparisons[label].small_sample]
    is_whole = len(strata) == len(comparisons)
    return {
        "metric": metric,
        "variant": treatment,
        "adjusted_p_values": dict(zip(comparisons, p_values, strict=True)),
        "post_stratified": _adjusted(list(strata.values()), alpha) if is_whole else None,
        "heterogeneity": _heterogeneity(reliable),
    }


def _stratum(analysis: Analysis, comparison: Comparison) -> Stratum | None:
    """Return the label's difference, weighted by its users in all arms; None without a variance."""
    if comparison.difference is None or not comparison.se:
        return None
    return Stratum(sum(analysis.enrolled.values()), comparison.difference, comparison.se**2)


def _adjusted(strata: Sequence[Stratum], alpha: float) -> Document | None:
    adjusted = post_stratified(strata, alpha)
    if adjusted is None:
        return None
    return {
        "difference": adjusted.difference,
        "se": adjusted.se,
        "interval": (adjusted.interval_low, adjusted.interval_high),
        "p_value": adjusted.p_value,
    }


def _heterogeneity(strata: Sequence[Stratum]) -> Document | None:
    test = heterogeneity(strata)
    if test is None:
        return None
    return {"q": test.q, "degrees_of_freedom": test.dof, "p_value": test.heterogeneity_p_value}
