"""Analysing an experiment: its counters, read and merged, and what the statistics say about them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from experimentation.domain.clock import DAY_MS, day_number
from experimentation.domain.counting.counters import EVERYONE
from experimentation.domain.errors import FieldError, InvalidError
from experimentation.domain.experiment import Experiment, Role, Status
from experimentation.domain.results.caveats import Caveats, caveats
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
from experimentation.domain.statistics.pace import users_per_day
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
    """Read the counters that the question needs, and answer it; InvalidError where a segment cannot be."""
    metrics = _metrics(experiment, question.event_types)
    _check(experiment, question, len(metrics))
    table, as_of, writes = _read(experiment, metrics, question)
    whole = question.first_day is None and question.last_day is None
    span = _span(experiment, question, table)
    study = study_of(experiment)
    keys = {metric.key for metric in metrics}
    every = all(metric.key in keys for metric in experiment.metrics)
    query = Query(question.confidence_level, question.correction, declared=whole and every)
    progress = _progress(experiment, table, now)
    totals = [metric_totals(table, experiment, each, EVERYONE, span, whole=whole) for each in metrics]
    enrolled = {key: table.enrolled(EVERYONE, key, span.last) for key in experiment.keys}
    batches = _batches(experiment, table, span)
    # The looks may name a verdict; only the declared question is what they were taken of.
    earlier = looks.read(experiment.id) if query.declared and experiment.started_at is not None else []
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
        caveats(table, experiment.keys, span, _partial(experiment, metrics)),
    )


class GuardFigures(NamedTuple):
    """What the guard goes by: the guardrails of before the start, and the users enrolled, also day by day."""

    study: Study
    guardrails: list[MetricTotals]
    enrolled: dict[str, int]
    batches: list[dict[str, int]]


def guard_figures(experiment: Experiment) -> GuardFigures:
    """Read what the guard needs and nothing else: it does so every few minutes."""
    metrics = [
        declared(experiment, metric)
        for metric in experiment.metrics
        if metric.role is Role.GUARDRAIL and not is_late(experiment, metric)
    ]
    table, _, _ = _read(experiment, metrics, Question())
    span = _span(experiment, Question(), table)
    totals = [metric_totals(table, experiment, each, EVERYONE, span, whole=True) for each in metrics]
    enrolled = {key: table.enrolled(EVERYONE, key, span.last) for key in experiment.keys}
    return GuardFigures(study_of(experiment), totals, enrolled, _batches(experiment, table, span))


def _partial(experiment: Experiment, metrics: Iterable[StudyMetric]) -> frozenset[str]:
    """Return the types of the metrics of which not all events are counted."""
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
    enrolled = {key: table.enrolled(label, key, span.last) for key in experiment.keys}
    exploratory = query._replace(declared=False)
    return analyse(study_of(experiment), progress, exploratory, enrolled, totals)


def _check(experiment: Experiment, question: Question, metrics: int) -> None:
    if question.segment is None:
        return
    known = {segment.key: len(segment.values) + 1 for segment in experiment.segments}  # and "other"
    if question.segment not in known:
        detail = f"is not declared on the experiment; declared: {', '.join(known) or 'none'}"
        raise InvalidError("There is no such segment.", [FieldError("/segment", detail)])
    if known[question.segment] * metrics * len(experiment.keys) > MOST_SEGMENT_FIGURES:
        reason = f"gives more than {MOST_SEGMENT_FIGURES} figures (values x metrics x variants)"
        detail = f"{reason}; narrow event_types"
        raise InvalidError("That is too much for one answer.", [FieldError("/segment", detail)])


def _metrics(experiment: Experiment, event_types: Sequence[str]) -> list[StudyMetric]:
    """Return the declared metrics, of the types asked for, and views of types that have none."""
    if not event_types:
        return [declared(experiment, metric) for metric in experiment.metrics]
    metrics = [
        declared(experiment, metric) for metric in experiment.metrics if metric.event_type in event_types
    ]
    known = {metric.event_type for metric in metrics}
    for event_type in dict.fromkeys(event_types):
        if event_type not in known:
            metrics += undeclared(event_type)
    return metrics


def _read(
    experiment: Experiment, metrics: Iterable[StudyMetric], question: Question
) -> tuple[Table, int | None, int]:
    """Return the counters, the time of the newest one, and how often they were written."""
    table = Table()
    if experiment.started_at is None:
        return table, None, 0
    types = dict.fromkeys(metric.event_type for metric in metrics)
    prefixes = rollup_prefixes(types, question.segment, hours=question.hours)
    populations = [f"{EVERYONE}#"]
    if question.segment is not None:
        populations.append(segment_prefix(question.segment))
    shards = rollups.shards_of(experiment)
    counters = rollups.slices(rollups.partition, experiment, shards, prefixes)
    enrolments = rollups.slices(rollups.enrolment_partition, experiment, shards, populations)
    # The enrolments last, and consistently: whoever is among the converters then is among the users too.
    counted, enrolled = read_counters(experiment.id, [Wanted(counters), Wanted(enrolments, consistent=True)])
    for cell in counted:
        table.add_rollup(cell.key, cell.counters)
    for cell in enrolled:
        table.add_enrolment(cell.key, cell.counters)
    cells = [*counted, *enrolled]
    return table, max((cell.written_at for cell in cells), default=None), sum(cell.writes for cell in cells)


def _span(experiment: Experiment, question: Question, table: Table) -> Span:
    zero = day_number(experiment.started_at or 0)
    seen = table.span() or Span(0, 0)
    first = seen.first if question.first_day is None else question.first_day - zero
    last = seen.last if question.last_day is None else question.last_day - zero
    if first > last:  # asked for from a day after all that there is, or up to one before
        return Span(last, last) if question.first_day is None else Span(first, first)
    return Span(first, last)


def _progress(experiment: Experiment, table: Table, now: int) -> Progress:
    if experiment.started_at is None:
        return Progress(0, completed=False, users_per_day=None, started=False)
    until = now if experiment.ended_at is None else min(now, experiment.ended_at)
    days = max(0, until - experiment.started_at) // DAY_MS
    completed = experiment.status is Status.COMPLETED
    rate = None
    if experiment.status is Status.RUNNING:
        rate = users_per_day(_enrolled_by_day(experiment, table), experiment.started_at, until)
    return Progress(days, completed, rate, paused=experiment.status is Status.PAUSED)


def _enrolled_by_day(experiment: Experiment, table: Table) -> dict[int, int]:
    """Return the users enrolled on each UTC day since 1970, all variants together."""
    zero = day_number(experiment.started_at or 0)
    by_day: dict[int, int] = {}
    for key in experiment.keys:
        for day in table.enrolments.get((EVERYONE, key), {}):
            by_day[zero + day] = by_day.get(zero + day, 0) + table.newly_enrolled(
                EVERYONE, key, Span(day, day)
            )
    return by_day


def _batches(experiment: Experiment, table: Table, span: Span) -> list[dict[str, int]]:
    """Return the users enrolled day by day, for the sequential mismatch test."""
    days = sorted(
        {
            day
            for key in experiment.keys
            for day in table.enrolments.get((EVERYONE, key), {})
            if day <= span.last
        }
    )
    return [
        {key: table.newly_enrolled(EVERYONE, key, Span(day, day)) for key in experiment.keys} for day in days
    ]
