"""Analysing an experiment: its counters are read and merged, and the statistics computed from them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from experimentation.domain.clock import day_number
from experimentation.domain.counting.counters import EVERYONE
from experimentation.domain.errors import FieldError, InvalidError
from experimentation.domain.experiment import Experiment, Role
from experimentation.domain.results.caveats import Caveats, caveats
from experimentation.domain.results.progress import enrolled_by_day, progress_of
from experimentation.domain.results.totals import (
    Span,
    Table,
    declared,
    is_late,
    metric_totals,
    rollup_prefixes,
    segment_prefix,
    study_of,
    undeclared,
)
from experimentation.domain.statistics.analysis import analyse, take_look
from experimentation.domain.statistics.answer import Analysis
from experimentation.domain.statistics.looks import Look
from experimentation.domain.statistics.study import (
    Correction,
    MetricTotals,
    Progress,
    Query,
    Study,
)
from experimentation.domain.statistics.study import Metric as StudyMetric
from experimentation.storage import event_types, looks, rollups
from experimentation.usecases.reading_counters import Wanted, read_counters


@dataclass(frozen=True, slots=True)
class Question:
    """What a reader wants to know; days are UTC day numbers since 1970, both included."""

    event_types: tuple[str, ...] = ()
    first_day: int | None = None
    last_day: int | None = None
    segment: str | None = None
    confidence_level: float = 0.95
    correction: Correction = "holm"
    hours: bool = False

    @property
    def is_unbounded(self) -> bool:
        """Whether it is about all days."""
        return self.first_day is None and self.last_day is None


class SegmentAnalysis(NamedTuple):
    """One value of the segment asked for: always exploratory."""

    label: str
    analysis: Analysis


class Findings(NamedTuple):
    """The answer, and what it was computed from: the tag of the answer follows `writes` and `as_of`."""

    experiment: Experiment
    table: Table
    span: Span
    metrics: list[StudyMetric]
    study: Study
    query: Query
    progress: Progress
    analysis: Analysis
    segments: list[SegmentAnalysis]
    as_of: int | None
    writes: int
    totals: list[MetricTotals]
    batches: list[dict[str, int]]
    looks: list[Look]
    caveats: Caveats

    def look(self, day: int) -> Look:
        """Return the look of that UTC day, as it is to be stored."""
        enrolled = self.analysis.enrolled
        return take_look(self.study, self.progress, enrolled, self.totals, self.batches, self.looks, day)


MOST_SEGMENT_FIGURES = 3_000  # labels x metrics x variants: 4 MB, and three seconds of a function of 512 MB


def find(experiment: Experiment, question: Question, now: int) -> Findings:
    """Read the counters that the question needs, and answer it; InvalidError for a segment that cannot be."""
    metrics = _metrics(experiment, question.event_types)
    _check(experiment, question, len(metrics))
    query = _query(experiment, question, metrics)
    table, as_of, writes = _read(experiment, metrics, question)
    # The looks may name a verdict, but they were taken of the declared question: no other one reads them.
    earlier = looks.read(experiment.id) if query.declared and experiment.started_at is not None else []
    partial = _partial(experiment, metrics)

    span = _span(experiment, question, table)
    study = study_of(experiment)
    by_day = enrolled_by_day(experiment, table)
    progress = progress_of(experiment, by_day, now)
    whole = question.is_unbounded
    totals = [metric_totals(table, experiment, each, EVERYONE, span, whole=whole) for each in metrics]
    batches = _until(span, by_day)
    enrolled = _enrolled(experiment, table, EVERYONE, span)
    analysis = analyse(study, progress, query, enrolled, totals, batches, earlier)
    segments = [
        SegmentAnalysis(label, _of_segment(experiment, table, span, metrics, label, query, progress))
        for label in (table.labels(question.segment) if question.segment else ())
    ]
    return Findings(
        experiment,
        table,
        span,
        metrics,
        study,
        query,
        progress,
        analysis,
        segments,
        as_of,
        writes,
        totals,
        batches,
        earlier,
        caveats(table, experiment.keys, span, partial),
    )


class GuardFigures(NamedTuple):
    """What the guard decides by: the guardrails declared before the start, and the users enrolled."""

    study: Study
    guardrails: list[MetricTotals]
    enrolled: dict[str, int]
    batches: list[dict[str, int]]


def guard_figures(experiment: Experiment) -> GuardFigures:
    """Read what the guard needs and nothing else: it runs every few minutes."""
    metrics = [
        declared(experiment, metric)
        for metric in experiment.metrics
        if metric.role is Role.GUARDRAIL and not is_late(experiment, metric)
    ]
    table = _read(experiment, metrics, Question()).table
    span = _span(experiment, Question(), table)
    totals = [metric_totals(table, experiment, each, EVERYONE, span, whole=True) for each in metrics]
    enrolled = _enrolled(experiment, table, EVERYONE, span)
    batches = _until(span, enrolled_by_day(experiment, table))
    return GuardFigures(study_of(experiment), totals, enrolled, batches)


def _partial(experiment: Experiment, metrics: Iterable[StudyMetric]) -> frozenset[str]:
    """Return the event types of the metrics whose events are not all counted."""
    if experiment.started_at is None:
        return frozenset()
    return event_types.partial_among(metric.event_type for metric in metrics)


def _of_segment(
    experiment: Experiment,
    table: Table,
    span: Span,
    metrics: Iterable[StudyMetric],
    label: str,
    query: Query,
    progress: Progress,
) -> Analysis:
    totals = [metric_totals(table, experiment, each, label, span, whole=False) for each in metrics]
    enrolled = _enrolled(experiment, table, label, span)
    exploratory = query._replace(declared=False)
    return analyse(study_of(experiment), progress, exploratory, enrolled, totals)


def _check(experiment: Experiment, question: Question, metrics: int) -> None:
    if question.segment is None:
        return
    labels = {segment.key: len(segment.values) + 1 for segment in experiment.segments}  # and "other"
    if question.segment not in labels:
        detail = f"is not declared on the experiment; declared: {', '.join(labels) or 'none'}"
        raise InvalidError("There is no such segment.", [FieldError("/segment", detail)])
    if labels[question.segment] * metrics * len(experiment.keys) > MOST_SEGMENT_FIGURES:
        reason = f"gives more than {MOST_SEGMENT_FIGURES} figures (values x metrics x variants)"
        detail = f"{reason}; narrow event_types"
        raise InvalidError("That is too much for one answer.", [FieldError("/segment", detail)])


def _metrics(experiment: Experiment, event_types: Sequence[str]) -> list[StudyMetric]:
    """Return the declared metrics, of the types asked for, and views of types that have none."""
    metrics = [
        declared(experiment, metric)
        for metric in experiment.metrics
        if not event_types or metric.event_type in event_types
    ]
    with_metric = {metric.event_type for metric in metrics}
    for event_type in dict.fromkeys(event_types):
        if event_type not in with_metric:
            metrics += undeclared(event_type)
    return metrics


def _query(experiment: Experiment, question: Question, metrics: Iterable[StudyMetric]) -> Query:
    has_all = {metric.key for metric in experiment.metrics} <= {metric.key for metric in metrics}
    declared_one = question.is_unbounded and has_all
    return Query(question.confidence_level, question.correction, declared=declared_one)


class _Counters(NamedTuple):
    """The counters, the time of the newest one, and how often they were written."""

    table: Table
    as_of: int | None = None
    writes: int = 0


def _read(experiment: Experiment, metrics: Iterable[StudyMetric], question: Question) -> _Counters:
    table = Table()
    if experiment.started_at is None:
        return _Counters(table)
    types = dict.fromkeys(metric.event_type for metric in metrics)
    prefixes = rollup_prefixes(types, question.segment, hours=question.hours)
    populations = [f"{EVERYONE}#"]
    if question.segment is not None:
        populations.append(segment_prefix(question.segment))
    shards = rollups.shards_of(experiment)
    counters = rollups.slices(rollups.partition, experiment, shards, prefixes)
    enrolments = rollups.slices(rollups.enrolment_partition, experiment, shards, populations)
    # The enrolments last, and consistently: every converter that was counted is then among the users too.
    counted, enrolled = read_counters(experiment.id, [Wanted(counters), Wanted(enrolments, consistent=True)])
    for cell in counted:
        table.add_rollup(cell.key, cell.counters)
    for cell in enrolled:
        table.add_enrolment(cell.key, cell.counters)
    cells = [*counted, *enrolled]
    as_of = max((cell.written_at for cell in cells), default=None)
    return _Counters(table, as_of, sum(cell.writes for cell in cells))


def _span(experiment: Experiment, question: Question, table: Table) -> Span:
    zero = day_number(experiment.started_at or 0)
    seen = table.span() or Span(0, 0)
    first = seen.first if question.first_day is None else question.first_day - zero
    last = seen.last if question.last_day is None else question.last_day - zero
    if first > last:  # the question starts after the last day with counters, or ends before the first
        return Span(last, last) if question.first_day is None else Span(first, first)
    return Span(first, last)


def _enrolled(experiment: Experiment, table: Table, label: str, span: Span) -> dict[str, int]:
    """Return the users enrolled in each variant by the end of the span."""
    return {key: table.enrolled(label, key, span.last) for key in experiment.keys}


def _until(span: Span, by_day: Mapping[int, dict[str, int]]) -> list[dict[str, int]]:
    """Return the users enrolled day by day, for the sequential mismatch test."""
    return [users for day, users in by_day.items() if day <= span.last]
