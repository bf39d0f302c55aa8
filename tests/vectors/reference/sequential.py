"""The confidence sequence of two arms without a declared plan, as the golden cases ask for it."""

from typing import NamedTuple

from experimentation.domain.statistics.lift import raw_baseline
from experimentation.domain.statistics.means import comparability, welch
from experimentation.domain.statistics.moments import Moments
from experimentation.domain.statistics.sequential import DEFAULT_TUNING_N, ConfidenceSequence, sequence_rho


class SequenceLook(NamedTuple):
    """The sequence at one look; None where not computable, and then `status` says why."""

    status: str
    sequence: ConfidenceSequence | None


def asymptotic_confidence_sequence(
    control: Moments, treatment: Moments, alpha: float, tuning_n: float = DEFAULT_TUNING_N
) -> SequenceLook:
    """Return the asymptotic confidence sequence of treatment minus control at the present n.

    Source: Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas, arXiv 2103.06476, eq. 9 (interval), 155 (p-value)
    and 161 (rho); lift by Fieller with the multiplier as the quantile.

    >>> from experimentation.domain.statistics.moments import exact_moments
    >>> arms = exact_moments(10000, 500, 500), exact_moments(10000, 650, 650)
    >>> sequence = asymptotic_confidence_sequence(*arms, alpha=0.05).sequence
    >>> [round(limit, 6) for limit in sequence.interval(0.05)], round(sequence.p_value, 6)
    ([0.00471, 0.02529], 0.000242)
    """
    estimates = control.estimate, treatment.estimate
    contrast = welch(*estimates, raw_baseline(control.estimate))
    if contrast is None:
        return SequenceLook(comparability(*estimates)[0], None)
    n, rho = control.n + treatment.n, sequence_rho(alpha, tuning_n)
    return SequenceLook("ok", ConfidenceSequence(contrast, n, rho))
