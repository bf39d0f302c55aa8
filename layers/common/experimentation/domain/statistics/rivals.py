"""Where several treatments may ship: whether the recommended one is proven better than the others."""

from collections.abc import Sequence
from math import comb
from typing import NamedTuple

from experimentation.domain.experiment import Role
from experimentation.domain.statistics.decision import Evidence, is_good
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
    return [_rival(study, totals, named, other) for other in shipping if other != named]


def _rival(study: Study, totals: MetricTotals, named: str, other: str) -> Rival:
    metric = totals.metric
    pair = examine(study._replace(control=other), Query(), totals, named, Moment())
    measured = pair.estimate or pair.shown
    level = ERROR_RATE / comb(len(study.treatments), 2)
    interval = None if pair.any_day is None else pair.any_day.interval(level)
    beaten = is_good(Evidence(metric.direction, interval))
    return Rival(other, metric.key, measured.diff, interval, beaten)


def rival_reasons(
    study: Study, metrics: Sequence[MetricTotals], named: str, others: Sequence[Rival]
) -> list[str]:
    """Return one sentence per rival: whether the named treatment is proven better than it."""
    return [_reason(study, _first_primary(metrics).metric, named, rival) for rival in others]


def _reason(study: Study, metric: Metric, named: str, rival: Rival) -> str:
    first, other = study.title(named), study.title(rival.variant)
    if rival.interval is None:
        return f"{other} could ship as well; {first} was not compared with it."
    verb = "is better" if rival.beaten else "is not proven to be better"
    within = spread(rival.interval, metric.kind)
    return f"{other} could ship as well; {first} {verb} on {metric.title} ({within})."


def _first_primary(metrics: Sequence[MetricTotals]) -> MetricTotals:
    return next(each for each in metrics if each.metric.role is Role.PRIMARY and each.metric.decides)
