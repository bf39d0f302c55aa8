"""GET /experiments - list and search experiments, newest first or sorted."""

from experimentation.domain.search import Sort
from experimentation.storage import experiments
from experimentation.web.conditions import tagged
from experimentation.web.endpoint import endpoint
from experimentation.web.experiment_replies import CACHED
from experimentation.web.listing import content_tag, next_cursor, next_pair, pair_of, start_of
from experimentation.web.reply import Reply
from experimentation.web.request import Request
from experimentation.web.schemas.experiments import ExperimentList


@endpoint(scope="experiments:read", cache=CACHED)
def handler(query: ExperimentList, request: Request) -> Reply:
    """Return one page; a cursor is good for the same filters and order only."""
    wanted = query.wanted()
    purpose = f"experiments:{query.sort}:{wanted!r}"
    if query.sort is Sort.NEWEST:
        page = experiments.list_page(wanted, query.limit, start_of(query.cursor, purpose))
        summaries, cursor = page.summaries, next_cursor(page.next_start, purpose)
    else:
        after = pair_of(query.cursor, purpose)
        summaries, last = experiments.sorted_page(wanted, query.sort, query.limit, after)
        cursor = next_pair(last, purpose)
    body = {"experiments": summaries, "next_cursor": cursor}
    return tagged(request, body, content_tag(body))
