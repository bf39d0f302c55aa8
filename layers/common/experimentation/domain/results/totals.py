"""Adds rollup counters up to the exact totals that the statistics need, for any window and segment."""

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import NamedTuple
from urllib.parse import unquote

from experimentation.domain.counting import stored
from experimentation.domain.counting.counters import EVERYONE, HOURS
from experimentation.domain.counting.event import UNIT
from experimentation.domain.counting.stored import Day, Enrolment, Hours, Moment
from experimentation.domain.counting.windows import WindowTotals, window
from experimentation.domain.experiment import Direction, Experiment, Kind, Metric, Role
from experimentation.domain.statistics.moments import as_float
from experimentation.domain.statistics.study import CovariateSums, MetricTotals, Study, VariantTotals
from experimentation.domain.statistics.study import Metric as StudyMetric

_UNITS = {Kind.VALUE: UNIT, Kind.COUNT: 1, Kind.CONVERSION: 1}


class Span(NamedTuple):
    """Relative days, both included."""

    first: int
    last: int


class Table:
    """All counters that were read of one experiment, added over shards; days count from the start."""

    def __init__(self) -> None:
        self.days: dict[tuple[str, str, str], dict[int, Day]] = {}
        self.hours: dict[tuple[str, str], dict[int, Hours]] = {}
        self.before: dict[tuple[str, str], Day] = {}
        self.enrolments: dict[tuple[str, str], dict[int, Enrolment]] = {}

    def add_rollup(self, key: str, counters: Mapping[str, int]) -> None:
        """Add one rollup item."""
        segment, event_type, day, variant = stored.rollup_key(key)
        if day is None:
            self.before.setdefault((event_type, variant), Day()).add(counters)
        elif segment == HOURS:
            self.hours.setdefault((event_type, variant), {}).setdefault(day, Hours()).add(counters)
        else:
            self.days.setdefault((segment, event_type, variant), {}).setdefault(day, Day()).add(counters)

    def add_enrolment(self, key: str, counters: Mapping[str, int]) -> None:
        """Add one enrolment item."""
        segment, day, variant = stored.enrolment_key(key)
        self.enrolments.setdefault((segment, variant), {}).setdefault(day, Enrolment()).add(counters)

    def span(self) -> Span | None:
        """Return the first and the last day with anything on it; None when nothing was counted."""
        counted = [day for days in self.days.values() for day in days]
        enrolled = [day for days in self.enrolments.values() for day in days]
        days = counted + enrolled
        return Span(min(days), max(days)) if days else None

    def enrolled(self, segment: str, variant: str, last: int | None = None) -> int:
        """Return the users assigned by the end of day `last`, or in all."""
        days = self.enrolments.get((segment, variant), {})
        return sum(each.enrolled for day, each in days.items() if last is None or day <= last)

    def newly_enrolled(self, segment: str, variant: str, span: Span) -> int:
        """Return the users assigned within the days."""
        before = self.enrolled(segment, variant, span.first - 1)
        return self.enrolled(segment, variant, span.last) - before

    def labels(self, key: str) -> list[str]:
        """Return the labels of one segment key that have users, in order."""
        prefix = f"{key}="
        return sorted({segment for segment, _ in self.enrolments if unquote(segment).startswith(prefix)})


def metric_totals(
    table: Table, experiment: Experiment, metric: StudyMetric, segment: str, span: Span, *, whole: bool
) -> MetricTotals:
    """Return one metric's totals per variant; CUPED sums only for the `whole` experiment."""
    variants: dict[str, VariantTotals] = {}
    for variant in experiment.keys:
        totals = window(table.days.get((segment, metric.event_type, variant), {}), *span)
        covariate = _covariate(table, experiment, metric, variant) if whole else None
        users = table.enrolled(segment, variant, span.last)
        variants[variant] = variant_totals(metric, users, totals, covariate)
    return MetricTotals(metric, variants)


def variant_totals(
    metric: StudyMetric, users: int, totals: WindowTotals, covariate: CovariateSums | None = None
) -> VariantTotals:
    """Return one variant's totals for the statistics: sums in units of the metric, not in 1e-4."""
    is_value = metric.kind == Kind.VALUE
    squares = Fraction(totals.sum_squares, UNIT * UNIT) if is_value else Fraction(totals.count_squares)
    total = Fraction(totals.sum, UNIT)
    return VariantTotals(users, totals.converters, totals.count, total, squares, covariate)


def study_of(experiment: Experiment) -> Study:
    """Return what an experiment declares, in the types of the statistics."""
    primaries = [metric for metric in experiment.metrics if metric.role is Role.PRIMARY]
    return Study(
        experiment.control,
        weights={variant.key: variant.weight for variant in experiment.variants},
        analysis=experiment.analysis,
        primary_metrics=sum(not is_late(experiment, metric) for metric in primaries),
        planned_users=experiment.planned_users,
        min_users=experiment.min_users,
        min_days=experiment.min_days,
        minimum_effect=as_float(experiment.minimum_effect),
        adjustment=experiment.adjustment,
        names={variant.key: variant.name for variant in experiment.variants if variant.name is not None},
    )


def declared(experiment: Experiment, metric: Metric) -> StudyMetric:
    """Return a declared metric in the type of the statistics."""
    return StudyMetric(
        metric.key,
        metric.event_type,
        metric.kind,
        metric.direction,
        metric.role,
        late=is_late(experiment, metric),
        margin=as_float(metric.margin),
        name=metric.name,
    )


def is_late(experiment: Experiment, metric: Metric) -> bool:
    """Say whether the metric was declared after the start: it is exploratory and has no covariate."""
    return experiment.started_at is not None and metric.declared_at > experiment.started_at


def undeclared(event_type: str) -> list[StudyMetric]:
    """Return the three metrics that show an event type which no metric was declared on."""
    return [
        StudyMetric(event_type, event_type, Kind.CONVERSION, Direction.INCREASE, None),
        StudyMetric(f"{event_type}:count", event_type, Kind.COUNT, Direction.INCREASE, None),
        StudyMetric(f"{event_type}:value", event_type, Kind.VALUE, Direction.INCREASE, None),
    ]


def rollup_prefixes(event_types: Iterable[str], segment_key: str | None, *, hours: bool) -> list[str]:
    """Return the sort key prefixes of the items that an answer needs."""
    types = list(event_types)
    prefixes = [f"{EVERYONE}#{event_type}#" for event_type in types]
    if hours:
        prefixes += [f"{HOURS}#{event_type}#" for event_type in types]
    if segment_key is not None:
        prefixes.append(segment_prefix(segment_key))
    return prefixes


def segment_prefix(key: str) -> str:
    """Return how the labels of one segment key begin."""
    return f"{key}="


def _covariate(
    table: Table, experiment: Experiment, metric: StudyMetric, variant: str
) -> CovariateSums | None:
    """Return the sums with what users did before; None of what was not declared before the start."""
    if not metric.decides or experiment.started_at is None:
        return None
    days = table.days.get((EVERYONE, metric.event_type, variant), {})
    parts = [table.before.get((metric.event_type, variant), Day()), *days.values()]
    unit = _UNITS[metric.kind]

    def total(moment: Moment, unit: int) -> Fraction:
        return Fraction(sum(each.covariates.get((metric.kind, moment), 0) for each in parts), unit)

    return CovariateSums(total("x", unit), total("xx", unit * unit), total("xy", unit * unit))
