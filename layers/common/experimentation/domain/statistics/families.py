"""Families of tests: which comparisons share an error rate, and what that makes of their p-values."""

from collections.abc import Callable, Mapping, Sequence

from experimentation.domain.experiment import Role
from experimentation.domain.statistics.comparison import Family, own_family
from experimentation.domain.statistics.examining import Examined
from experimentation.domain.statistics.multiplicity import benjamini_hochberg, holm
from experimentation.domain.statistics.study import ERROR_RATE, Correction, Study

type Compared = tuple[int, str]
"""(index of the metric, treatment)."""

type PValues = Mapping[str, float | None]
"""treatment -> p-value."""

type Method = Callable[[Sequence[float | None]], list[float | None]]
"""Adjusts the p-values of one family."""


def families(study: Study, examined: Sequence[Mapping[str, Examined]]) -> dict[Compared, Family]:
    """Return the family of every comparison that has a deciding test.

    Primaries: Bonferroni over primary metrics x treatments. Guardrails stand alone. Secondary metrics share a
    false discovery rate: p by Benjamini and Hochberg (1995), intervals by Benjamini and Yekutieli (2005),
    JASA 100:71, at R/m of the error rate with R of m found, so that both say the same.
    """
    alone: dict[Compared, Family] = {}
    secondary: dict[Compared, float] = {}
    for index, by_treatment in enumerate(examined):
        for treatment, each in by_treatment.items():
            if each.test is None:
                continue
            if each.metric.role is Role.SECONDARY:
                secondary[index, treatment] = each.test.p_value
            else:
                alone[index, treatment] = own_family(study, each.metric, each.test)
    return alone | _false_discovery(secondary)


def _false_discovery(p_values: Mapping[Compared, float]) -> dict[Compared, Family]:
    """Return the family of comparisons that share a false discovery rate."""
    adjusted_p_values = benjamini_hochberg(list(p_values.values()))
    discoveries = sum(p is not None and p < ERROR_RATE for p in adjusted_p_values)
    level = ERROR_RATE * max(1, discoveries) / max(1, len(p_values))
    pairs = zip(p_values, adjusted_p_values, strict=True)
    return {compared: Family(p, level) for compared, p in pairs if p is not None}


def adjusted(
    roles: Sequence[Role | None], p_values: Sequence[PValues], correction: Correction
) -> list[dict[str, float | None]]:
    """Adjust the shown p-values role by role: primaries by Holm (or as asked), others by Benjamini-Hochberg.

    Guardrails keep their own p-value: a correction would hide harm. Source: STATISTICS 6.
    """
    shown = [dict(by_treatment) for by_treatment in p_values]
    if correction == "none":
        return shown
    primary = holm if correction == "holm" else benjamini_hochberg
    for family, method in ((Role.PRIMARY, primary), (None, benjamini_hochberg)):
        _adjust_together(
            [by_treatment for role, by_treatment in zip(roles, shown, strict=True) if role is family], method
        )
    return shown


def _adjust_together(metrics: Sequence[dict[str, float | None]], method: Method) -> None:
    """Replace the p-values of these metrics, by treatment, by those adjusted as one family."""
    adjusted_p_values = iter(method([p for by_treatment in metrics for p in by_treatment.values()]))
    for by_treatment in metrics:
        for treatment in by_treatment:
            by_treatment[treatment] = next(adjusted_p_values)
