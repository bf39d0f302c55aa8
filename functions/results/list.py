"""GET /results - the headlines of several experiments in one call, as of now."""

from experimentation.domain.experiment import Experiment
from experimentation.domain.results import report
from experimentation.storage import experiments
from experimentation.usecases.analysing import Question, find
from experimentation.web.conditions import tagged
from experimentation.web.endpoint import endpoint
from experimentation.web.listing import content_tag
from experimentation.web.reply import Reply
from experimentation.web.request import Request
from experimentation.web.schemas.results import HeadlinesQuery


@endpoint(scope="results:read", cache="max-age=30")
def handler(query: HeadlinesQuery, request: Request, now: int) -> Reply:
    """Answer in the order that was asked for; an experiment that does not exist is left out."""
    ids = list(dict.fromkeys(query.experiment_ids.split(",")))
    stored = experiments.read_many(ids)
    body = {"results": [_headline(stored[name], now) for name in ids if name in stored]}
    return tagged(request, body, content_tag(body))


def _headline(experiment: Experiment, now: int) -> dict[str, object]:
    findings = find(experiment, Question(), now)
    return report.summary(findings.experiment, findings.analysis, findings.as_of, findings.caveats)
