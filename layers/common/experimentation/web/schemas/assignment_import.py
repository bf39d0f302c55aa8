"""The shapes of an import: assignments that were made elsewhere, and the outcome of each."""

from typing import Annotated

from pydantic import Field

from experimentation.domain.counting.placing import Placement
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


class ImportedRow(ResponseModel):
    """The outcome of one row.

    stored; already_there, or there with other_variant; late: enrolled from now on, because what the user
    did since did not fit; not_running, where now is after the end; too_old; too_many_experiments; again: to
    be sent again.
    """

    user_id: str
    status: Placement


class ImportResult(ResponseModel):
    """The outcome of each row, in the order of the request."""

    experiment_id: str
    stored: int
    already_there: int
    assignments: list[ImportedRow]

    @classmethod
    def of(cls, experiment_id: str, user_ids: list[str], placed: list[Placement]) -> "ImportResult":
        """Return the answer; `stored` includes the late ones."""
        return cls(
            experiment_id=experiment_id,
            stored=placed.count(Placement.STORED) + placed.count(Placement.LATE),
            already_there=placed.count(Placement.ALREADY_THERE) + placed.count(Placement.OTHER_VARIANT),
            assignments=[
                ImportedRow(user_id=user_id, status=status)
                for user_id, status in zip(user_ids, placed, strict=True)
            ],
        )
