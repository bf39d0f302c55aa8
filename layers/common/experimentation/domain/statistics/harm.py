"""A guardrail: is it proven harmed, beyond its margin where it has one, or proven to be no worse?"""

from experimentation.domain.experiment import Analysis
from experimentation.domain.statistics.deciding import Fixed, Test
from experimentation.domain.statistics.decision import (
    Guard,
    gain_of,
)
from experimentation.domain.statistics.exact import ExactTest
from experimentation.domain.statistics.examining import Examined, Moment
from experimentation.domain.statistics.lift import Interval
from experimentation.domain.statistics.study import (
    ERROR_RATE,
    Study,
)


def guard_of(study: Study, examined: Examined, moment: Moment) -> Guard:
    """Return whether a guardrail is proven harmed beyond its margin, and proven to be no worse than it.

    The second proof is one-sided at the same error rate: one end of an interval at twice the level.
    """
    metric, test = examined.totals.metric, examined.any_day
    if test is None:
        return Guard(harmed=False, safe=metric.margin is None)
    harmed = is_harmed(examined, ERROR_RATE)
    if metric.margin is None:
        return Guard(harmed)
    decides_now = moment.at_look and moment.plan_met and study.analysis is Analysis.FIXED
    proof: Test = test
    if decides_now and not isinstance(test, ExactTest) and examined.estimate is not None:
        proof = Fixed(examined.estimate)
    within = _relative_gain(examined, proof, 2 * ERROR_RATE)
    return Guard(
        harmed,
        safe=within is not None and within.low > -metric.margin,
    )


def is_harmed(examined: Examined, level: float) -> bool:
    """Say whether a guardrail is proven worse, by more than its margin where it has one, at that level."""
    metric, test = examined.totals.metric, examined.any_day
    if test is None:
        return False
    if metric.margin is None:
        gain = gain_of(metric.direction, test.interval(level))
    else:
        gain = _relative_gain(examined, test, level)
    return gain is not None and gain.high < -(metric.margin or 0)


def _relative_gain(examined: Examined, test: Test, level: float) -> Interval | None:
    """Return the interval of the gain relative to the size of the control mean."""
    lift = test.lift_interval(level)
    if lift is None:
        return None
    baseline = None if examined.estimate is None else examined.estimate.baseline
    if baseline is not None and baseline.mean < 0:
        lift = Interval(-lift.high, -lift.low)
    return gain_of(examined.totals.metric.direction, lift)
