"""A guardrail: is it proven harmed, beyond its margin where it has one, or proven to be no worse?"""

from experimentation.domain.experiment import Analysis, Direction
from experimentation.domain.statistics.deciding import Fixed, Test
from experimentation.domain.statistics.decision import Guard, gain_of
from experimentation.domain.statistics.exact import ExactTest
from experimentation.domain.statistics.examining import Examined, Moment
from experimentation.domain.statistics.lift import Interval
from experimentation.domain.statistics.sequential import ConfidenceSequence
from experimentation.domain.statistics.study import ERROR_RATE, Study


def guard_of(study: Study, examined: Examined, moment: Moment) -> Guard:
    """Return whether a guardrail is proven harmed beyond its margin, and proven to be no worse than it.

    The second proof is one-sided at the same error rate: one end of an interval at twice the level. A fixed
    plan gives it once, at the look at which it is met: that one is kept as well.
    """
    metric, test = examined.totals.metric, examined.any_day
    if test is None:
        return Guard(harmed=False, safe=metric.margin is None)
    harmed = is_harmed(examined, ERROR_RATE)
    if metric.margin is None:
        return Guard(harmed, safe=not harmed)
    is_fixed = study.analysis is Analysis.FIXED
    if is_fixed and moment.kept is not None:
        return Guard(harmed, safe=metric.key not in moment.unsafe.get(examined.treatment, ()))
    proof: Test = test
    if is_fixed and moment.plan_met and not isinstance(test, ExactTest) and examined.estimate is not None:
        proof = Fixed(examined.estimate)
    within = _beyond_margin(examined, proof, 2 * ERROR_RATE)
    return Guard(harmed, safe=within is not None and within.low > 0)


def is_harmed(examined: Examined, level: float) -> bool:
    """Say whether a guardrail is proven worse, by more than its margin where it has one, at that level."""
    test = examined.any_day
    beyond = None if test is None else _beyond_margin(examined, test, level)
    return beyond is not None and beyond.high < 0


def _beyond_margin(examined: Examined, test: Test, level: float) -> Interval | None:
    """Return the interval of the gain plus what may be lost: above 0 the margin is kept, below 0 broken.

    It has a side also where the lift has no upper limit: nobody in the control did it, or its mean is not
    clearly off 0.
    """
    metric = examined.totals.metric
    margin = metric.margin or 0.0
    allowed = -margin if metric.direction == Direction.INCREASE else margin
    if isinstance(test, ExactTest):
        low, high = test.ratio(level)
        return gain_of(metric.direction, Interval(low - 1 - allowed, high - 1 - allowed))
    if isinstance(test, Fixed | ConfidenceSequence):
        baseline = test.contrast.baseline
        lift = -allowed if baseline is not None and baseline.mean < 0 else allowed
        moved = test._replace(contrast=test.contrast.beyond(lift))
        return gain_of(metric.direction, moved.interval(level))
    return None
