"""A breakdown by a segment: p-values corrected across its labels, and what all labels say together."""

from collections.abc import Mapping, Sequence
from typing import Any

from experimentation.domain.statistics.answer import Analysis
from experimentation.domain.statistics.comparison import Comparison
from experimentation.domain.statistics.multiplicity import holm
from experimentation.domain.statistics.strata import Stratum, heterogeneity, post_stratified

type Document = dict[str, Any]


def breakdown(labels: Mapping[str, Analysis], alpha: float) -> list[Document]:
    """Return one row per metric and treatment, exploratory like the segments that it sums up.

    `post_stratified` is null while a label cannot be measured, since the others do not stand for it;
    heterogeneity leaves out labels with too few outcomes. Both are of the unadjusted difference.
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
    compared = {label: each.metrics[index].comparisons[treatment] for label, each in labels.items()}
    p_values = holm([each.p_value for each in compared.values()])
    every = [_stratum(labels[label], each) for label, each in compared.items()]
    strata = [stratum for stratum in every if stratum is not None]
    reliable = [
        stratum
        for stratum, each in zip(every, compared.values(), strict=True)
        if stratum is not None and not each.small_sample
    ]
    return {
        "metric": metric,
        "variant": treatment,
        "adjusted_p_values": dict(zip(compared, p_values, strict=True)),
        "post_stratified": _adjusted(strata, alpha) if len(strata) == len(every) else None,
        "heterogeneity": _differing(reliable),
    }


def _stratum(analysis: Analysis, comparison: Comparison) -> Stratum | None:
    """Return the label's difference, weighted by its users in all arms; None without a variance."""
    if comparison.difference is None or not comparison.se:
        return None
    return Stratum(sum(analysis.enrolled.values()), comparison.difference, comparison.se**2)


def _adjusted(strata: Sequence[Stratum], alpha: float) -> Document | None:
    found = post_stratified(strata, alpha)
    if found is None:
        return None
    return {
        "difference": found.difference,
        "se": found.se,
        "interval": (found.interval_low, found.interval_high),
        "p_value": found.p_value,
    }


def _differing(strata: Sequence[Stratum]) -> Document | None:
    found = heterogeneity(strata)
    if found is None:
        return None
    return {"q": found.q, "degrees_of_freedom": found.dof, "p_value": found.heterogeneity_p_value}
