"""The record of access as administrators read it."""

from typing import Self

from experimentation.domain.clock import rfc3339
from experimentation.storage.access.audit import Deed, Entry
from experimentation.web.schemas.model import RequestModel, ResponseModel
from experimentation.web.schemas.types import Cursor, Limit


class AuditList(RequestModel):
    """Which page of the record, newest first."""

    limit: Limit = 50
    cursor: Cursor | None = None


class AuditAnswer(ResponseModel):
    """Who did what to whom; `actor` is null for somebody who was not signed in."""

    at: str
    action: Deed
    actor: str | None
    target: str | None
    detail: str
    address: str
    user_agent: str

    @classmethod
    def of(cls, entry: Entry) -> Self:
        """Return an entry of the record."""
        return cls(
            at=rfc3339(entry.at),
            action=Deed(entry.deed),
            actor=entry.actor or None,
            target=entry.target or None,
            detail=entry.detail,
            address=entry.address,
            user_agent=entry.user_agent,
        )


class AuditPage(ResponseModel):
    """Some entries, and the cursor of the next page."""

    entries: list[AuditAnswer]
    next_cursor: str | None
