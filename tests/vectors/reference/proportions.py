"""Four looks at two conversion rates; the API answers Wilson's and Newcombe's intervals alone."""

from math import sqrt
from typing import NamedTuple

from experimentation.domain.statistics.lift import Interval
from experimentation.domain.statistics.proportions import Rate, newcombe, wilson
from experimentation.domain.statistics.tails import norm_isf, norm_sf


class Proportions(NamedTuple):
    """Two conversion rates and their difference (treatment minus control); None where not computable."""

    status: str
    rate_control: float | None = None
    rate_treatment: float | None = None
    diff: float | None = None
    wilson_control_low: float | None = None
    wilson_control_high: float | None = None
    wilson_treatment_low: float | None = None
    wilson_treatment_high: float | None = None
    newcombe_low: float | None = None
    newcombe_high: float | None = None
    agresti_caffo_low: float | None = None
    agresti_caffo_high: float | None = None
    z_pooled: float | None = None
    p_pooled: float | None = None
    p_unpooled: float | None = None
    wald_low: float | None = None
    wald_high: float | None = None


def agresti_caffo(control: Rate, treatment: Rate, alpha: float) -> Interval:
    """Return the Wald interval after adding one success and one failure to each arm.

    Source: Agresti and Caffo (2000), American Statistician 54.

    >>> low, high = agresti_caffo(Rate(500, 0), Rate(500, 0), 0.05)
    >>> round(low, 6), round(high, 6)
    (-0.005516, 0.005516)
    """
    padded = [Rate(rate.n + 2, rate.conversions + 1) for rate in (control, treatment)]
    return _wald(padded[0], padded[1], alpha)


def compare_proportions(control: Rate, treatment: Rate, alpha: float) -> Proportions:
    """Return rates, Wilson, Newcombe, Agresti-Caffo and Wald intervals, and the pooled and unpooled z tests.

    Source: the functions above; z tests as in Agresti, Categorical Data Analysis, chapter 3.

    >>> aspirin = compare_proportions(Rate(11037, 104), Rate(11034, 189), 0.05)
    >>> round(aspirin.diff, 4), round(aspirin.wald_low, 4), round(aspirin.wald_high, 4)
    (0.0077, 0.0047, 0.0107)
    """
    wilson_control, wilson_treatment = wilson(control, alpha), wilson(treatment, alpha)
    hybrid = newcombe(control, treatment, alpha)
    result = Proportions(
        "ok" if hybrid else "insufficient_data",
        rate_control=control.share if control.n else None,
        rate_treatment=treatment.share if treatment.n else None,
    )
    if wilson_control:
        result = result._replace(
            wilson_control_low=wilson_control.low, wilson_control_high=wilson_control.high
        )
    if wilson_treatment:
        result = result._replace(
            wilson_treatment_low=wilson_treatment.low, wilson_treatment_high=wilson_treatment.high
        )
    if hybrid is None:
        return result
    padded = agresti_caffo(control, treatment, alpha)
    result = result._replace(
        diff=_exact_difference(control, treatment),
        newcombe_low=hybrid.low,
        newcombe_high=hybrid.high,
        agresti_caffo_low=padded.low,
        agresti_caffo_high=padded.high,
    )
    return _with_tests(result, control, treatment, alpha)


def _with_tests(result: Proportions, control: Rate, treatment: Rate, alpha: float) -> Proportions:
    diff = _exact_difference(control, treatment)
    both = Rate(control.n + treatment.n, control.conversions + treatment.conversions)
    pooled = _variance_of_mean(both) * both.n * (1 / control.n + 1 / treatment.n)
    if pooled > 0:
        z = diff / sqrt(pooled)
        result = result._replace(z_pooled=z, p_pooled=2 * norm_sf(abs(z)))
    unpooled = _variance_of_mean(control) + _variance_of_mean(treatment)
    if unpooled > 0:
        interval = _wald(control, treatment, alpha)
        result = result._replace(
            p_unpooled=2 * norm_sf(abs(diff) / sqrt(unpooled)), wald_low=interval.low, wald_high=interval.high
        )
    return result


def _wald(control: Rate, treatment: Rate, alpha: float) -> Interval:
    diff = _exact_difference(control, treatment)
    margin = norm_isf(alpha / 2) * sqrt(_variance_of_mean(control) + _variance_of_mean(treatment))
    return Interval(diff - margin, diff + margin)


def _exact_difference(control: Rate, treatment: Rate) -> float:
    crossed = treatment.conversions * control.n - control.conversions * treatment.n
    return crossed / (control.n * treatment.n)


def _variance_of_mean(rate: Rate) -> float:
    """Return p (1 - p) / n, the plug-in variance of a rate."""
    return rate.conversions * (rate.n - rate.conversions) / rate.n**3
