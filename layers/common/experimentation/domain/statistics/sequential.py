"""Always-valid inference: a confidence sequence that may be looked at on any day."""

from math import exp, log, sqrt
from typing import NamedTuple

from experimentation.domain.statistics.lift import fieller, raw_baseline
from experimentation.domain.statistics.means import comparability, difference_of
from experimentation.domain.statistics.moments import Moments

DEFAULT_TUNING_N = 5000


class ConfidenceSequence(NamedTuple):
    """An interval and a p-value for D that hold at every look at once; None where not computable."""

    status: str
    diff: float | None = None
    se: float | None = None
    rho: float | None = None
    halfwidth: float | None = None
    multiplier: float | None = None
    cs_low: float | None = None
    cs_high: float | None = None
    p_always_valid: float | None = None
    lift: float | None = None
    lift_cs_low_fieller: float | None = None
    lift_cs_high_fieller: float | None = None


def asymptotic_confidence_sequence(
    control: Moments, treatment: Moments, alpha: float, tuning_n: float = DEFAULT_TUNING_N
) -> ConfidenceSequence:
    """Return the asymptotic confidence sequence of treatment minus control at the present n.

    Source: Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas, arXiv 2103.06476, eq. 9 (interval), 155 (p-value)
    and 161 (rho); lift by Fieller with the multiplier as the quantile.

    >>> from experimentation.domain.statistics.moments import exact_moments
    >>> arms = exact_moments(10000, 500, 500), exact_moments(10000, 650, 650)
    >>> sequence = asymptotic_confidence_sequence(*arms, alpha=0.05)
    >>> round(sequence.cs_low, 6), round(sequence.cs_high, 6), round(sequence.p_always_valid, 6)
    (0.00471, 0.02529, 0.000242)
    """
    difference = difference_of(control.estimate, treatment.estimate)
    if difference is None:
        return ConfidenceSequence(comparability(control.estimate, treatment.estimate))
    n = control.n + treatment.n
    multiplier = sequence_multiplier(n, alpha, tuning_n)
    halfwidth = multiplier * difference.se
    sequence = ConfidenceSequence(
        "ok",
        difference.diff,
        difference.se,
        sequence_rho(alpha, tuning_n),
        halfwidth,
        multiplier,
        difference.diff - halfwidth,
        difference.diff + halfwidth,
        always_valid_p(difference.diff / difference.se, n, alpha, tuning_n),
    )
    baseline = raw_baseline(control.estimate)
    if baseline is None:
        return sequence
    low, high = fieller(difference.diff, difference.variance, baseline, multiplier) or (None, None)
    return sequence._replace(
        lift=difference.diff / baseline.mean, lift_cs_low_fieller=low, lift_cs_high_fieller=high
    )


def sequence_rho(alpha: float, tuning_n: float) -> float:
    """Return rho, which makes the sequence tightest near tuning_n users.

    Source: arXiv 2103.06476, eq. 161: rho^2 = [-2 ln a + ln(1 - 2 ln a)] / N*.

    >>> round(sequence_rho(0.05, 5000), 6)
    0.03984
    """
    return sqrt((-2 * log(alpha) + log(1 - 2 * log(alpha))) / tuning_n)


def sequence_multiplier(n: float, alpha: float, tuning_n: float) -> float:
    """Return the half-width of the sequence in standard errors at n users, both arms together.

    Source: arXiv 2103.06476, eq. 9.

    >>> round(sequence_multiplier(300, 0.05, 5000), 1), round(sequence_multiplier(300, 0.05, 50000), 1)
    (4.4, 11.5)
    """
    information = n * sequence_rho(alpha, tuning_n) ** 2
    return sqrt(2 * (information + 1) / information * (log(information + 1) / 2 - log(alpha)))


def always_valid_p(z: float, n: float, alpha: float, tuning_n: float) -> float:
    """Return the always-valid p-value of z = D / se at n users.

    It is below alpha exactly when the sequence excludes 0.
    Source: arXiv 2103.06476, eq. 155, in logs because the e-value overflows a double.

    >>> always_valid_p(0.0, 10000, 0.05, 5000)
    1.0
    """
    information = n * sequence_rho(alpha, tuning_n) ** 2
    log_e = information * z * z / (2 * (information + 1)) - log(information + 1) / 2
    return exp(min(0.0, -log_e))
