"""A guardrail: is it proven harmed, beyond its margin where it has one, or proven to be no worse?"""

from experimentation.domain.experiment import Analysis, Direction
from experimentation.domain.statistics.deciding import Fixed
from experimentation.domain.statistics.decision import Guard, gain_of
from experimentation.domain.statistics.exact import ExactTest
from experimentation.domain.statistics.examining import AnyDayTest, Examined, Moment
from experimentation.domain.statistics.lift import Interval
from experimentation.domain.statistics.sequential import ConfidenceSequence
from experimentation.domain.statistics.study import ERROR_RATE, Study


def guard_of(study: Study, examined: Examined, moment: Moment) -> Guard:
    """Return whether a guardrail is proven harmed beyond its margin, and proven to be no worse than it."""
    harmed = is_harmed(examined, ERROR_RATE)
    if examined.metric.margin is None:
        return Guard(harmed, safe=not harmed)
    return Guard(harmed, _is_within_margin(study, examined, moment))


def is_harmed(examined: Examined, level: float) -> bool:
    """Say whether a guardrail is proven worse, by more than its margin where it has one, at that level."""
    test = examined.any_day
    return test is not None and _beyond_margin(examined, test, level).high < 0


def _is_within_margin(study: Study, examined: Examined, moment: Moment) -> bool:
    """Say whether a guardrail is proven to be no worse than its margin allows.

    The proof is one-sided at the same error rate: one end of an interval at twice the level. A fixed plan
    proves it once, at the look that meets the plan, whose answer is kept.
    """
    test: AnyDayTest | Fixed | None = examined.any_day
    if test is None:
        return False
    if study.analysis is Analysis.FIXED and moment.look_figures is not None:
        return examined.metric.key not in moment.unsafe.get(examined.treatment, ())
    if study.analysis is Analysis.FIXED and moment.plan_met and isinstance(test, ConfidenceSequence):
        test = Fixed(test.contrast)
    return _beyond_margin(examined, test, 2 * ERROR_RATE).low > 0


def _beyond_margin(examined: Examined, test: AnyDayTest | Fixed, level: float) -> Interval:
    """Return the interval of the gain plus what may be lost: above 0 the margin is kept, below 0 broken.

    It is on one side of 0 even where the lift has no upper limit: nobody in the control did it, or the
    control's mean is not clearly different from 0.
    """
    metric = examined.metric
    margin = metric.margin or 0.0
    allowed = -margin if metric.direction == Direction.INCREASE else margin
    if isinstance(test, ExactTest):
        low, high = test.ratio(level)
        return gain_of(metric.direction, Interval(low - 1 - allowed, high - 1 - allowed))
    baseline = test.contrast.baseline
    lift = -allowed if baseline is not None and baseline.mean < 0 else allowed
    moved = test._replace(contrast=test.contrast.beyond(lift))
    return gain_of(metric.direction, moved.interval(level))
