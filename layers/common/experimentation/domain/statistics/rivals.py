"""Where several treatments ship: whether the one that is named is proven better than the others."""

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

from experimentation.domain.experiment import Role
from experimentation.domain.statistics.decision import gain_of
from experimentation.domain.statistics.examining import Moment, examine
from experimentation.domain.statistics.lift import Interval
from experimentation.domain.statistics.study import ERROR_RATE, Metric, MetricTotals, Query, Study
from experimentation.domain.statistics.wording import spread


class Rival(NamedTuple):
    """Another treatment that ships: the named one minus this one, on the first primary metric.

    The interval holds on any day, for all pairs of treatments together; None where not computable. `beaten`:
    the named one is proven better.
    """

    variant: str
    metric: str
    difference: float | None
    interval: Interval | None
    beaten: bool


def rivals(study: Study, metrics: Sequence[MetricTotals], named: str, shipping: Sequence[str]) -> list[Rival]:
    """Compare the named treatment with every other one that ships.

    Source: confidence sequence of STATISTICS 4, Bonferroni over all pairs of treatments, because the data
    chose which pairs are looked at.
    """
    totals = _first_primary(metrics)
    pairs = len(list(combinations(study.treatments, 2)))
    found = []
    for other in shipping:
        if other == named:
            continue
        pair = examine(study._replace(control=other), Query(), totals, named, Moment())
        difference = pair.shown.diff if pair.estimate is None else pair.estimate.diff
        interval = None if pair.any_day is None else pair.any_day.interval(ERROR_RATE / pairs)
        gain = gain_of(totals.metric.direction, interval)
        beaten = gain is not None and gain.low > 0
        found.append(Rival(other, totals.metric.key, difference, interval, beaten))
    return found


def rival_reasons(
    study: Study, metrics: Sequence[MetricTotals], named: str, found: Sequence[Rival]
) -> list[str]:
    """Return what is known of the named treatment beside each of the others, one sentence for each."""
    return [_reason(study, _first_primary(metrics).metric, named, rival) for rival in found]


def _reason(study: Study, metric: Metric, named: str, rival: Rival) -> str:
    first, other = study.title(named), study.title(rival.variant)
    if rival.interval is None:
        return f"{other} could ship as well; {first} was not compared with it."
    known = "is better" if rival.beaten else "is not proven to be better"
    within = spread(rival.interval, metric.kind)
    return f"{other} could ship as well; {first} {known} on {metric.title} ({within})."


def _first_primary(metrics: Sequence[MetricTotals]) -> MetricTotals:
    return next(each for each in metrics if each.metric.role is Role.PRIMARY and each.metric.decides)
