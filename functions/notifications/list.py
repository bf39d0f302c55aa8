"""GET /notifications - list what happened to experiments, newest first."""

from experimentation.storage import outbox
from experimentation.web.endpoint import endpoint
from experimentation.web.listing import next_cursor, start_of
from experimentation.web.schemas.notifications import NotificationAnswer, NotificationList, NotificationPage


@endpoint(scope="experiments:read")
def handler(query: NotificationList) -> NotificationPage:
    """Return one page: starts, ends, ramps, shipped variants, verdicts and harm, each in a sentence."""
    page = outbox.list_page(query.limit, start_of(query.cursor, "notifications"))
    return NotificationPage(
        notifications=[NotificationAnswer.of(fact) for fact in page.facts],
        next_cursor=next_cursor(page.next_start, "notifications"),
    )
