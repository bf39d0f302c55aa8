"""Words and verdicts: how sure the numbers are, and what to do about them."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from experimentation.domain.statistics.lift import Interval
from experimentation.domain.statistics.tails import norm_sf

type Direction = Literal["increase", "decrease"]
type Action = Literal[
    "investigate_srm", "keep_running", "do_not_ship", "ship", "stop_no_meaningful_effect", "stop_inconclusive"
]
type Confidence = Literal["low", "medium", "high", "significant"]


class Evidence(NamedTuple):
    """What one metric says about one treatment: the interval that decides (None: nothing decides yet)."""

    direction: Direction
    interval: Interval | None
    least_effect: float | None = None  # absolute, above 0: smaller gains are not worth shipping


class Readiness(NamedTuple):
    """Whether a verdict may be given at all."""

    mismatch: bool
    enough_users: bool
    enough_days: bool
    ended: bool  # the planned end is reached, or the experiment is completed


def confidence_word(z: float | None, enough_users: bool, mismatch: bool, significant: bool) -> Confidence:
    """Return the word for how sure the direction of an effect is.

    Source: STATISTICS 12, by the directional certainty P(Z < |z|); "high" is no protection against peeking.

    >>> [confidence_word(z, True, False, False) for z in (0.5, 1.6, 1.7)]
    ['low', 'medium', 'high']
    >>> confidence_word(4.0, True, True, True)
    'low'
    """
    if mismatch or not enough_users or z is None:
        return "low"
    if significant:
        return "significant"
    doubt = norm_sf(abs(z))
    if doubt > 0.20:
        return "low"
    return "medium" if doubt > 0.05 else "high"


def recommend(readiness: Readiness, guardrails: Sequence[Evidence], primaries: Sequence[Evidence]) -> Action:
    """Return what to do about one treatment, the first rule that applies.

    Source: STATISTICS 13; a mismatch blocks every verdict (Fabijan et al., KDD 2019).

    >>> ready = Readiness(mismatch=False, enough_users=True, enough_days=True, ended=False)
    >>> recommend(ready, [], [Evidence("decrease", Interval(-0.02, -0.003))])
    'ship'
    >>> recommend(ready._replace(ended=True), [], [Evidence("increase", Interval(-0.01, 0.004), 0.005)])
    'stop_no_meaningful_effect'
    """
    if readiness.mismatch:
        return "investigate_srm"
    if not (readiness.enough_users and readiness.enough_days):
        return "keep_running"
    return _verdict(guardrails, primaries, readiness.ended)


def is_good(evidence: Evidence) -> bool:
    """Say whether the whole interval is on the metric's good side.

    >>> is_good(Evidence("increase", Interval(0.1, 0.2))), is_good(Evidence("increase", None))
    (True, False)
    """
    gain = _gain(evidence)
    return gain is not None and gain.low > 0


def is_bad(evidence: Evidence) -> bool:
    """Say whether the whole interval is on the metric's bad side.

    >>> is_bad(Evidence("decrease", Interval(0.1, 0.2)))
    True
    """
    gain = _gain(evidence)
    return gain is not None and gain.high < 0


def _verdict(guardrails: Sequence[Evidence], primaries: Sequence[Evidence], ended: bool) -> Action:
    if any(map(is_bad, guardrails)) or any(map(is_bad, primaries)):
        return "do_not_ship"
    if any(map(is_good, primaries)):
        return "ship"
    if not ended:
        return "keep_running"
    if primaries and all(map(_is_too_small, primaries)):
        return "stop_no_meaningful_effect"
    return "stop_inconclusive"


def _is_too_small(evidence: Evidence) -> bool:
    gain = _gain(evidence)
    return gain is not None and evidence.least_effect is not None and gain.high < evidence.least_effect


def _gain(evidence: Evidence) -> Interval | None:
    """Return the interval turned so that more is better."""
    if evidence.interval is None or evidence.direction == "increase":
        return evidence.interval
    return Interval(-evidence.interval.high, -evidence.interval.low)
