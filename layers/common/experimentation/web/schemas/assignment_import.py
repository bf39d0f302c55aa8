"""The shapes of an import: assignments that were made elsewhere, and what became of them."""

from typing import Annotated

from pydantic import Field

from experimentation.web.schemas.assignments import ContextIn
from experimentation.web.schemas.model import RequestModel, ResponseModel
from experimentation.web.schemas.types import Timestamp, UserId, VariantKey

MAX_IMPORTED = 500


class ImportedAssignment(RequestModel):
    """One assignment that was made elsewhere."""

    user_id: UserId
    variant: VariantKey
    assigned_at: Timestamp
    context: ContextIn = Field(default_factory=dict)


class ImportRequest(RequestModel):
    """Up to 500 assignments that were made elsewhere."""

    assignments: Annotated[list[ImportedAssignment], Field(min_length=1, max_length=MAX_IMPORTED)]


class ImportResult(ResponseModel):
    """What became of each row, in the order they were sent."""

    experiment_id: str
    stored: int
    already_there: int
    assignments: list[dict[str, str]]
