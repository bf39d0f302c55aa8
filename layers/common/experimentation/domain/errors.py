"""The errors that the domain knows; web/problems.py gives each its HTTP status."""

from collections.abc import Sequence
from typing import NamedTuple


class FieldError(NamedTuple):
    """What is wrong with one field; `pointer` is a JSON pointer into the request, like /variants/0/weight."""

    pointer: str
    detail: str


def escaped(token: str) -> str:
    """Return one token of a JSON pointer as RFC 6901 escapes it."""
    return token.replace("~", "~0").replace("/", "~1")


class ExperimentationError(Exception):
    """A request that cannot be served, in words for the caller."""

    def __init__(self, detail: str, errors: Sequence[FieldError] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = tuple(errors)


class BadRequestError(ExperimentationError):
    """The request is not what HTTP or JSON says it is."""


class UnauthenticatedError(ExperimentationError):
    """Nobody, or not who they say they are."""


class ForbiddenError(ExperimentationError):
    """Known, but not allowed."""


class NotFoundError(ExperimentationError):
    """There is no such thing."""


class MethodNotAllowedError(ExperimentationError):
    """There is such a thing, but this cannot be done to it; `allowed` says what can."""

    def __init__(self, detail: str, allowed: Sequence[str]) -> None:
        super().__init__(detail)
        self.allowed = tuple(allowed)


class ConflictError(ExperimentationError):
    """The state of things does not allow it."""


class PreconditionFailedError(ExperimentationError):
    """Somebody else changed it first."""


class PayloadTooLargeError(ExperimentationError):
    """More than one request may carry."""


class InvalidError(ExperimentationError):
    """Well-formed, but a field has a value that it may not have."""


class RetryLaterError(ExperimentationError):
    """Nothing was wrong with the request; `retry_after_seconds` says when to try again."""

    def __init__(
        self, detail: str, retry_after_seconds: int = 1, extra: dict[str, list[str]] | None = None
    ) -> None:
        super().__init__(detail)
        self.retry_after_seconds = retry_after_seconds
        self.extra = extra or {}


class TooManyRequestsError(RetryLaterError):
    """The caller asked too often."""


class UnavailableError(RetryLaterError):
    """Something this service depends on does not answer; `extra` joins the problem's members."""


class ConfigurationError(Exception):
    """The deployment lacks something; never the caller's fault."""
