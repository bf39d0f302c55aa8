"""The shapes of assignments: who asks, with which context, and the answer."""

import json
from typing import Annotated, Any

from pydantic import AfterValidator, Field, StrictBool, StrictFloat, StrictInt, StrictStr

from experimentation.web.schemas.model import RequestModel, ResponseModel
from experimentation.web.schemas.types import ExperimentId, Timestamp, UserId, VariantKey

MAX_CONTEXT_KEYS = 20
MAX_CONTEXT_BYTES = 2_048
MAX_EXPERIMENTS = 100
MAX_IMPORTED = 500


def _small(context: dict[str, Any]) -> dict[str, Any]:
    if len(context) > MAX_CONTEXT_KEYS:
        raise ValueError(f"should have at most {MAX_CONTEXT_KEYS} keys")
    if len(json.dumps(context, ensure_ascii=False).encode()) > MAX_CONTEXT_BYTES:
        raise ValueError(f"should have at most {MAX_CONTEXT_BYTES} bytes of JSON")
    return context


ContextKey = Annotated[str, Field(min_length=1, max_length=64)]
ContextValue = StrictStr | StrictBool | StrictInt | StrictFloat
ContextIn = Annotated[dict[ContextKey, ContextValue], AfterValidator(_small)]


class AssignmentRequest(RequestModel):
    """One user; `context` is what results can be split by."""

    user_id: UserId
    context: ContextIn = Field(default_factory=dict)


class AssignAllRequest(AssignmentRequest):
    """One user in all running experiments, or in those named."""

    experiments: Annotated[list[ExperimentId], Field(min_length=1, max_length=MAX_EXPERIMENTS)] | None = None


class UserQuery(RequestModel):
    """Which user."""

    user_id: UserId


class AssignmentQuery(UserQuery):
    """Which user, and whether to show how the variant follows."""

    explain: bool = False


class ImportedAssignment(RequestModel):
    """One assignment that was made elsewhere."""

    user_id: UserId
    variant: VariantKey
    assigned_at: Timestamp
    context: ContextIn = Field(default_factory=dict)


class ImportRequest(RequestModel):
    """Up to 500 assignments that were made elsewhere."""

    assignments: Annotated[list[ImportedAssignment], Field(min_length=1, max_length=MAX_IMPORTED)]


class AssignmentOut(ResponseModel):
    """The answer for one user and experiment; `reason` says where it comes from."""

    experiment_id: str
    user_id: str
    enrolled: bool
    variant: str | None
    config: Any
    assigned_at: str | None
    reason: str


class AssignmentsOut(ResponseModel):
    """The answers for one user."""

    user_id: str
    assignments: list[AssignmentOut]


class ImportResult(ResponseModel):
    """What became of each row, in the order they were sent."""

    experiment_id: str
    stored: int
    already_there: int
    assignments: list[dict[str, str]]
