"""The domain's errors; web/problems.py gives each its HTTP status."""

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
    """The request is malformed HTTP or JSON."""


class UnauthenticatedError(ExperimentationError):
    """Credentials are missing or not valid."""


class ForbiddenError(ExperimentationError):
    """The caller is known, but lacks the scope."""


class NotFoundError(ExperimentationError):
    """The resource does not exist."""


class MethodNotAllowedError(ExperimentationError):
    """The resource exists, but not with this method; `allowed` lists those it has."""

    def __init__(self, detail: str, allowed: Sequence[str]) -> None:
        super().__init__(detail)
        self.allowed = tuple(allowed)


class ConflictError(ExperimentationError):
    """The current state does not allow it."""


class PreconditionFailedError(ExperimentationError):
    """The resource was changed since the caller read it."""


class PayloadTooLargeError(ExperimentationError):
    """The request is larger than allowed."""


class InvalidError(ExperimentationError):
    """The request is well-formed, but a field's value is not allowed."""


class RetryLaterError(ExperimentationError):
    """The request was in order; `retry_after_seconds` says when to try again."""

    def __init__(
        self, detail: str, retry_after_seconds: int = 1, extra: dict[str, list[str]] | None = None
    ) -> None:
        super().__init__(detail)
        self.retry_after_seconds = retry_after_seconds
        self.extra = extra or {}


class TooManyRequestsError(RetryLaterError):
    """The caller has made too many requests."""


class UnavailableError(RetryLaterError):
    """A service that this one depends on does not answer; `extra` is added to the problem's members."""


class ConfigurationError(Exception):
    """The deployment is incomplete; never the caller's fault."""
