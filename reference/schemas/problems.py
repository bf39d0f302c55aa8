"""What errors look like, for the documentation: web/problems.py and web/ofrep_failures.py make them."""

from pydantic import Field

from experimentation.web.schemas.model import ResponseModel


class ProblemError(ResponseModel):
    """What is wrong with one field."""

    pointer: str = Field(description="A JSON pointer into the body, or / and the name of a parameter.")
    detail: str


class Problem(ResponseModel):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    errors: list[ProblemError] = Field(default=[], description="There only when fields are at fault.")
    event_ids: list[str] = Field(
        default=[],
        description="There only when events could not all be accepted: send them again with these.",
    )


class EvaluationFailure(ResponseModel):
    """An error as OFREP has it."""

    key: str
    error_code: str = Field(alias="errorCode")
    error_details: str = Field(alias="errorDetails")
