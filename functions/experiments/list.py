"""GET /experiments - list experiments, newest first."""

from experimentation.storage import experiments
from experimentation.web.conditions import tagged
from experimentation.web.endpoint import endpoint
from experimentation.web.experiment_replies import CACHED
from experimentation.web.listing import content_tag, next_cursor, start_of
from experimentation.web.reply import Reply
from experimentation.web.request import Request
from experimentation.web.schemas.experiments import ExperimentList


@endpoint(scope="experiments:read", cache=CACHED)
def handler(query: ExperimentList, request: Request) -> Reply:
    """Return one page; the cursor belongs to the status that was asked for."""
    purpose = f"experiments:{query.status or 'all'}"
    page = experiments.list_page(query.status, query.limit, start_of(query.cursor, purpose))
    body = {"experiments": page.summaries, "next_cursor": next_cursor(page.next_start, purpose)}
    return tagged(request, body, content_tag(body))
