"""Time series of results: what each hour, day or week added, and the running totals with their intervals."""

from collections.abc import Iterable, Sequence
from itertools import product
from typing import Literal

from experimentation.domain.clock import DAY_MS, HOUR_MS, day_number, rfc3339
from experimentation.domain.counting.counters import EVERYONE
from experimentation.domain.counting.event import UNIT
from experimentation.domain.counting.stored import Enrolment, Hours
from experimentation.domain.counting.windows import cumulative, window
from experimentation.domain.errors import FieldError, InvalidError
from experimentation.domain.experiment import Experiment
from experimentation.domain.results.totals import Span, Table, variant_totals
from experimentation.domain.statistics.comparison import compare_variant
from experimentation.domain.statistics.examining import Moment
from experimentation.domain.statistics.study import Metric, MetricTotals, Query, Study

type Granularity = Literal["hour", "day", "week"]
type Row = dict[str, object]

DAYS_PER_WEEK = 7
HOURS_PER_DAY = 24
MAX_HOUR_DAYS = 31
_NO_HOURS, _NO_ENROLMENT = Hours(), Enrolment()
MAX_ROWS = {"hour": 20_000, "day": 5_000, "week": 5_000}  # those of days have intervals: 3 MB, seconds


def require_short(granularity: Granularity, span: Span, rows_a_step: int) -> None:
    """Raise InvalidError where a series over the span has more rows than one answer may hold."""
    days = span.last - span.first + 1
    if granularity == "hour" and days > MAX_HOUR_DAYS:
        raise _too_long(f"gives at most {MAX_HOUR_DAYS} days")
    if steps_of(granularity, days) * rows_a_step > MAX_ROWS[granularity]:
        raise _too_long(f"gives more than {MAX_ROWS[granularity]} rows (steps x metrics x variants)")


def _too_long(reason: str) -> InvalidError:
    detail = f"{reason}; narrow start_date and end_date, or event_types"
    return InvalidError("The series is too long.", [FieldError("/granularity", detail)])


def steps_of(granularity: Granularity, days: int) -> int:
    """Return how many steps a series over so many days has.

    >>> steps_of("week", 8), steps_of("day", 8), steps_of("hour", 8)
    (2, 8, 192)
    """
    if granularity == "hour":
        return days * HOURS_PER_DAY
    return days if granularity == "day" else -(-days // DAYS_PER_WEEK)


def series(
    table: Table,
    experiment: Experiment,
    metrics: Iterable[Metric],
    span: Span,
    granularity: Granularity,
    study: Study,
    query: Query,
) -> list[Row]:
    """Return one row per step, metric and variant, in this order; weeks begin on the span's first day.

    Rows of days and weeks also have `converters` (unique within the step) and, under `cumulative`, the totals
    since the first day, for treatments with the always-valid interval on that day. It is never adjusted by
    CUPED: the sums for an earlier day are not kept.
    """
    if experiment.started_at is None:
        return []
    zero = day_number(experiment.started_at)
    if granularity == "hour":
        return _hours(table, experiment, metrics, span, zero)
    width = 1 if granularity == "day" else DAYS_PER_WEEK
    firsts = range(span.first, span.last + 1, width)
    steps = [Span(first, min(first + width - 1, span.last)) for first in firsts]
    return [row for metric in metrics for row in _steps(table, experiment, metric, steps, zero, study, query)]


def _steps(
    table: Table,
    experiment: Experiment,
    metric: Metric,
    steps: Sequence[Span],
    zero: int,
    study: Study,
    query: Query,
) -> list[Row]:
    if not steps:
        return []
    days = {key: table.days.get((EVERYONE, metric.event_type, key), {}) for key in experiment.keys}
    running = {key: cumulative(days[key], steps[0].first, steps[-1].last) for key in experiment.keys}
    rows: list[Row] = []
    for step in steps:
        users = {key: table.enrolled(EVERYONE, key, step.last) for key in experiment.keys}
        until = MetricTotals(
            metric,
            {key: variant_totals(metric, users[key], running[key][step.last]) for key in experiment.keys},
        )
        for key in experiment.keys:
            totals = window(days[key], *step)
            row: Row = {
                "start": rfc3339((zero + step.first) * DAY_MS),
                "metric": metric.key,
                "variant": key,
                "enrolled": table.newly_enrolled(EVERYONE, key, step),
                "count": totals.count,
                "sum": totals.sum / UNIT,
                "converters": totals.converters,
            }
            rows.append(row | {"cumulative": _until(study, query, until, key)})
    return rows


def _until(study: Study, query: Query, totals: MetricTotals, key: str) -> Row:
    variant = totals.variants[key]
    shown: Row = {
        "enrolled": variant.users,
        "count": variant.count,
        "sum": float(variant.sum),
        "converters": variant.converters,
    }
    if key == study.control:
        return shown
    comparison = compare_variant(study, query, totals, key, Moment())
    valid = comparison.always_valid
    return shown | {
        "difference": comparison.difference,
        "interval": comparison.interval,
        "lift": comparison.lift,
        "always_valid": None if valid is None else valid._asdict(),
        "small_sample": comparison.small_sample,
    }


def _hours(
    table: Table, experiment: Experiment, metrics: Iterable[Metric], span: Span, zero: int
) -> list[Row]:
    days = range(span.first, span.last + 1)
    rows: list[Row] = []
    for metric, day, hour, key in product(metrics, days, range(HOURS_PER_DAY), experiment.keys):
        counted = table.hours.get((metric.event_type, key), {}).get(day, _NO_HOURS)
        enrolment = table.enrolments.get((EVERYONE, key), {}).get(day, _NO_ENROLMENT)
        row: Row = {
            "start": rfc3339((zero + day) * DAY_MS + hour * HOUR_MS),
            "metric": metric.key,
            "variant": key,
            "enrolled": enrolment.by_hour.get(hour, 0),
            "count": counted.count.get(hour, 0),
            "sum": counted.sum.get(hour, 0) / UNIT,
        }
        rows.append(row)
    return rows
