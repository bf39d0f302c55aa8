"""GET /audit - list who did what to accounts, keys and sessions, newest first."""

from experimentation.storage.access import audit
from experimentation.web.endpoint import endpoint
from experimentation.web.listing import next_cursor, start_of
from experimentation.web.schemas.audit import AuditAnswer, AuditList, AuditPage


@endpoint(scope="admin")
def handler(query: AuditList, now: int) -> AuditPage:
    """Return one page."""
    page = audit.page(query.limit, start_of(query.cursor, "audit"), now)
    return AuditPage(
        entries=[AuditAnswer.of(entry) for entry in page.entries],
        next_cursor=next_cursor(page.next_after, "audit"),
    )
