"""Families of tests: which comparisons share an error rate, and what that makes of their p-values."""

from collections.abc import Mapping, Sequence

from experimentation.domain.experiment import Role
from experimentation.domain.statistics.comparison import Family, own_family
from experimentation.domain.statistics.examining import Examined
from experimentation.domain.statistics.multiplicity import benjamini_hochberg, holm
from experimentation.domain.statistics.study import ERROR_RATE, Correction, Study

type Compared = tuple[int, str]
"""(index of the metric, treatment)."""

type PValues = Mapping[str, float | None]
"""treatment -> p-value."""


def families(study: Study, examined: Sequence[Mapping[str, Examined]]) -> dict[Compared, Family]:
    """Return the family of every comparison that has a deciding test.

    Primaries: Bonferroni over primary metrics x treatments. Guardrails stand alone. Secondary metrics share a
    false discovery rate: p by Benjamini and Hochberg (1995), intervals by Benjamini and Yekutieli (2005),
    JASA 100:71, at R/m of the error rate with R of m found, so that both say the same.
    """
    found: dict[Compared, Family] = {}
    secondary: dict[Compared, float] = {}
    for index, by_treatment in enumerate(examined):
        for treatment, each in by_treatment.items():
            if each.test is None:
                continue
            if each.totals.metric.role is Role.SECONDARY:
                secondary[index, treatment] = each.test.p_value
            elif (family := own_family(study, each)) is not None:
                found[index, treatment] = family
    p_values = benjamini_hochberg(list(secondary.values()))
    discoveries = sum(p is not None and p < ERROR_RATE for p in p_values)
    level = ERROR_RATE * max(1, discoveries) / max(1, len(secondary))
    for compared, p in zip(secondary, p_values, strict=True):
        if p is not None:
            found[compared] = Family(p, level)
    return found


def adjusted(
    roles: Sequence[Role | None], p_values: Sequence[PValues], correction: Correction
) -> list[dict[str, float | None]]:
    """Adjust the shown p-values role by role: primaries by Holm (or as asked), others by Benjamini-Hochberg.

    Guardrails keep their own p-value: a correction would hide harm. Source: STATISTICS 6.
    """
    shown = [dict(each) for each in p_values]
    if correction == "none":
        return shown
    primary = holm if correction == "holm" else benjamini_hochberg
    for role, method in ((Role.PRIMARY, primary), (None, benjamini_hochberg)):
        compared = [(i, key) for i, each in enumerate(shown) for key in each if roles[i] is role]
        for (index, key), p in zip(compared, method([p_values[i][k] for i, k in compared]), strict=True):
            shown[index][key] = p
    return shown
