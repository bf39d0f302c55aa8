"""GET /experiments/{experiment_id}/results - the decision, the figures and the series, as of now."""

import json
from hashlib import sha256

from experimentation.domain.errors import FieldError, InvalidError
from experimentation.domain.results import report
from experimentation.domain.results.breakdown import breakdown
from experimentation.domain.results.series import require_short, series
from experimentation.storage import experiments
from experimentation.usecases.analysing import Findings, Question, find
from experimentation.web.conditions import tagged
from experimentation.web.endpoint import endpoint
from experimentation.web.reply import Reply, encoded
from experimentation.web.request import Request
from experimentation.web.schemas.results import ResultsQuery
from experimentation.web.schemas.types import ExperimentId

LARGEST_BYTES = 5_500_000  # as Lambda sends it; the limit is 6 MB


@endpoint(scope="results:read", cache="max-age=30")
def handler(experiment_id: ExperimentId, query: ResultsQuery, request: Request, now: int) -> Reply:
    """Answer 304 while no counter and no definition has changed."""
    if query.start_date is not None and query.end_date is not None and query.end_date < query.start_date:
        raise InvalidError("The window is empty.", [FieldError("/end_date", "is before start_date")])
    findings = find(experiments.read(experiment_id, consistent=True), _question(query), now)
    document = _document(findings, query)
    if query.segment is not None and query.include_time_series:
        _require_sendable(document)
    return tagged(request, document, _tag(findings, request))


def _require_sendable(document: dict[str, object]) -> None:
    """Raise InvalidError where segments and a series, each small enough, are too much for one answer."""
    if len(json.dumps(encoded(document))) > LARGEST_BYTES:
        detail = "is too much beside this segment; ask for one after the other, or narrow event_types"
        raise InvalidError("The answer is too long.", [FieldError("/include_time_series", detail)])


def _question(query: ResultsQuery) -> Question:
    return Question(
        tuple(query.event_types.split(",")) if query.event_types else (),
        query.start_date,
        query.end_date,
        query.segment,
        query.confidence_level,
        query.correction,
        hours=query.include_time_series and query.granularity == "hour",
    )


def _document(findings: Findings, query: ResultsQuery) -> dict[str, object]:
    experiment, analysis, as_of = findings.experiment, findings.analysis, findings.as_of
    caveats = findings.caveats
    if query.format == "summary":
        document = report.summary(experiment, analysis, as_of, caveats)
    elif query.format == "metrics_only":
        document = {"experiment_id": experiment.id, "metrics": report.metrics(analysis, caveats)}
    else:
        has_window = query.start_date is not None or query.end_date is not None
        document = report.full(experiment, analysis, findings.span, as_of, caveats, chosen_window=has_window)
    if query.segment is not None:
        document["segments"] = [report.segment(*each, caveats) for each in findings.segments]
        document["breakdown"] = breakdown(dict(findings.segments), analysis.alpha)
    if query.include_time_series:
        document["time_series"] = _series(findings, query)
    return document


def _series(findings: Findings, query: ResultsQuery) -> list[dict[str, object]]:
    rows_per_step = len(findings.metrics) * len(findings.experiment.keys)
    require_short(query.granularity, findings.span, rows_per_step)
    return series(
        findings.table,
        findings.experiment,
        findings.metrics,
        findings.span,
        query.granularity,
        findings.study,
        findings.query,
    )


def _tag(findings: Findings, request: Request) -> str:
    """Return a strong tag of all that the answer depends on: definition, counters, looks, days, question."""
    experiment = findings.experiment
    parts = (
        experiment.version,
        findings.writes,
        findings.as_of,
        findings.progress,
        sorted(findings.caveats.partial),
        len(findings.looks),
        request.raw_query,
    )
    return f'"{sha256(repr(parts).encode()).hexdigest()[:32]}"'
