"""The words for how sure the figures are, and the rules for what to do."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from experimentation.domain.experiment import Direction
from experimentation.domain.statistics.lift import Interval
from experimentation.domain.statistics.tails import norm_sf

type Action = Literal[
    "investigate_srm",
    "keep_running",
    "do_not_ship",
    "ship",
    "stop_no_meaningful_effect",
    "stop_inconclusive",
    "no_verdict",
]
type Confidence = Literal["low", "medium", "high", "significant"]
type Tendency = Literal["better", "worse", "unclear"]


class Evidence(NamedTuple):
    """A primary metric's deciding interval for one treatment; None while nothing decides."""

    direction: Direction
    interval: Interval | None
    least_effect: float | None = None  # absolute, above 0: smaller gains are not worth shipping

    @property
    def gain(self) -> Interval | None:
        """Return the interval turned so that more is better."""
        return None if self.interval is None else gain_of(self.direction, self.interval)


class Guard(NamedTuple):
    """Whether a guardrail is proven harmed beyond its margin, and (if it has one) proven within it."""

    harmed: bool
    safe: bool = True


class Readiness(NamedTuple):
    """Whether a verdict may be given at all."""

    mismatch: bool
    enough_users: bool
    enough_days: bool
    ended: bool  # the planned end is reached, or the experiment is completed
    completed: bool = False
    any_day: bool = True  # the primaries' intervals hold on any day, so harm does not wait for enough users


def confidence_word(z: float | None, enough_users: bool, mismatch: bool, significant: bool) -> Confidence:
    """Return the word for how sure the direction of an effect is.

    Source: STATISTICS 12, by the directional certainty P(Z < |z|); "high" is no protection against peeking.

    >>> [confidence_word(z, True, False, False) for z in (0.5, 1.6, 1.7)]
    ['low', 'medium', 'high']
    >>> confidence_word(4.0, True, True, True)
    'low'
    """
    if mismatch or not enough_users:
        return "low"
    if significant:
        return "significant"
    if z is None:
        return "low"
    doubt = norm_sf(abs(z))
    if doubt > 0.20:
        return "low"
    return "medium" if doubt > 0.05 else "high"


def tendency(difference: float | None, direction: Direction, confidence: Confidence) -> Tendency:
    """Return the word for which way the metric seems to go, unclear while that is hardly more than a guess.

    >>> [tendency(0.1, way, "medium") for way in Direction], tendency(0.1, Direction.INCREASE, "low")
    (['better', 'worse'], 'unclear')
    """
    if confidence == "low" or not difference:
        return "unclear"
    return "better" if (difference > 0) == (direction == Direction.INCREASE) else "worse"


def recommend(readiness: Readiness, guards: Sequence[Guard], primaries: Sequence[Evidence]) -> Action:
    """Return what to do about one treatment, the first rule that applies.

    Source: STATISTICS 13; a mismatch blocks every verdict (Fabijan et al., KDD 2019).

    >>> ready = Readiness(mismatch=False, enough_users=True, enough_days=True, ended=False)
    >>> recommend(ready, [], [Evidence(Direction.DECREASE, Interval(-0.02, -0.003))])
    'ship'
    >>> recommend(ready._replace(enough_days=False), [Guard(harmed=True)], [])
    'do_not_ship'
    >>> recommend(ready, [], [Evidence(Direction.INCREASE, Interval(-0.01, 0.004), 0.005)])
    'stop_no_meaningful_effect'
    """
    if readiness.mismatch:
        return "investigate_srm"
    bad = any(map(is_bad, primaries))
    if any(guard.harmed for guard in guards) or (bad and readiness.any_day):
        return "do_not_ship"
    if not (readiness.enough_users and readiness.enough_days):
        return "no_verdict" if readiness.completed else "keep_running"
    return "do_not_ship" if bad else _without_harm(readiness, guards, primaries)


def _without_harm(readiness: Readiness, guards: Sequence[Guard], primaries: Sequence[Evidence]) -> Action:
    if any(map(is_good, primaries)):
        if all(guard.safe for guard in guards):
            return "ship"
    elif primaries and all(map(is_too_small, primaries)):
        return "stop_no_meaningful_effect"
    return "stop_inconclusive" if readiness.ended else "keep_running"


def is_good(evidence: Evidence) -> bool:
    """Say whether the whole interval is on the metric's good side.

    >>> is_good(Evidence(Direction.INCREASE, Interval(0.1, 0.2))), is_good(Evidence(Direction.INCREASE, None))
    (True, False)
    """
    gain = evidence.gain
    return gain is not None and gain.low > 0


def is_bad(evidence: Evidence) -> bool:
    """Say whether the whole interval is on the metric's bad side.

    >>> is_bad(Evidence(Direction.DECREASE, Interval(0.1, 0.2)))
    True
    """
    gain = evidence.gain
    return gain is not None and gain.high < 0


def is_too_small(evidence: Evidence) -> bool:
    """Say whether the whole interval lies below the least effect that would matter."""
    gain = evidence.gain
    return gain is not None and evidence.least_effect is not None and gain.high < evidence.least_effect


def gain_of(direction: Direction, interval: Interval) -> Interval:
    """Return the interval turned so that more is better."""
    if direction == Direction.INCREASE:
        return interval
    return Interval(-interval.high, -interval.low)
