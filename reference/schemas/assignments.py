"""What calls about assignments answer, for the documentation: usecases/assigning.py makes them.

The explanation is made by domain/explanation.py.
"""

from typing import Any

from pydantic import Field, JsonValue

from experimentation.domain.assignment import Reason
from experimentation.web.schemas.model import ResponseModel


class AssignmentOut(ResponseModel):
    """The answer for one user and experiment; `reason` says where it comes from."""

    experiment_id: str
    user_id: str
    enrolled: bool
    variant: str | None
    config: Any
    assigned_at: str | None
    reason: Reason


class AssignmentsOut(ResponseModel):
    """The answers for one user."""

    user_id: str
    assignments: list[AssignmentOut]


class RangeAnswer(ResponseModel):
    """The buckets of one variant: `from` belongs to it, `below` does not."""

    variant: str
    start: int = Field(alias="from")
    below: int


class DrawAnswer(ResponseModel):
    """One draw: what is hashed, what comes out, and the command that recomputes the bucket."""

    hash_input_hex: str
    u64: str
    bucket: int
    recompute: str


class TrafficDraw(DrawAnswer):
    """Whether the user takes part: the bucket is in the range of the traffic, or of the layer."""

    salt: str | None = None
    enrolled_from: int = 0
    enrolled_below: int
    in_traffic: bool


class VariantDraw(DrawAnswer):
    """Which variant the bucket falls into."""

    ranges: list[RangeAnswer]
    drawn: str


class FailedPart(ResponseModel):
    """A part of the audience that does not hold: where it is, what it wants, what the context has."""

    pointer: str
    expected: JsonValue
    actual: str | bool | int | float | None


class AudienceAnswer(ResponseModel):
    """What the audience says of a context."""

    condition: dict[str, JsonValue]
    context: dict[str, str | bool | int | float]
    matches: bool
    failed: list[FailedPart]


class PrerequisiteFound(ResponseModel):
    """Whether the user has one of the variants that the prerequisite asks for."""

    experiment_id: str
    variants: list[str]
    variant: str | None
    met: bool


class ExplanationAnswer(ResponseModel):
    """Both draws and the audience; an override or a stored assignment goes before them."""

    spec: str
    salt: str
    buckets: int
    shipped: str | None = None
    traffic: TrafficDraw
    variant: VariantDraw
    prerequisite: PrerequisiteFound | None = None
    audience: AudienceAnswer | None = None


class StoredAnswer(ResponseModel):
    """The variant that a user was assigned, and when."""

    variant: str
    assigned_at: str


class AssignmentFound(ResponseModel):
    """A stored assignment or override; with `explain=true` also how the draws would go."""

    experiment_id: str
    user_id: str
    enrolled: bool
    variant: str | None = Field(default=None, description="left out when there is nothing but an explanation")
    config: Any = None
    assigned_at: str | None = None
    reason: Reason | None = None
    context: dict[str, str | bool | int | float] | None = None
    imported: bool | None = None
    stored: StoredAnswer | None = None
    explanation: ExplanationAnswer | None = None
