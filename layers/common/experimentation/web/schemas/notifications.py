"""Notifications: what happened to experiments."""

from collections.abc import Mapping
from typing import Self

from pydantic import JsonValue

from experimentation.domain.clock import rfc3339
from experimentation.domain.facts import Fact, FactKind
from experimentation.web.schemas.model import RequestModel, ResponseModel
from experimentation.web.schemas.types import Cursor, Limit


class NotificationList(RequestModel):
    """Which page, newest first."""

    limit: Limit = 50
    cursor: Cursor | None = None


class NotificationAnswer(ResponseModel):
    """One fact, as the event bus sends it too."""

    id: str
    kind: FactKind
    at: str
    experiment_id: str
    name: str
    actor: str
    sentence: str
    figures: Mapping[str, JsonValue]

    @classmethod
    def of(cls, fact: Fact) -> Self:
        """Return a fact of the outbox."""
        return cls.model_validate(fact._asdict() | {"at": rfc3339(fact.at)})


class NotificationPage(ResponseModel):
    """Some facts, and the cursor of the next page."""

    notifications: list[NotificationAnswer]
    next_cursor: str | None
