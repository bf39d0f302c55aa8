"""Every error as application/problem+json (RFC 9457): one table from error class to status and title."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from experimentation.domain import errors
from experimentation.domain.errors import ExperimentationError, FieldError, RetryLaterError

MEDIA_TYPE = "application/problem+json"
MAX_ERRORS = 100
MAX_POINTER = 200


class UnsupportedMediaTypeError(ExperimentationError):
    """The body is of a kind that this endpoint does not read."""


class MissingScopeError(errors.ForbiddenError):
    """Authenticated, but without the scope that the endpoint needs."""

    def __init__(self, detail: str, scope: str) -> None:
        super().__init__(detail)
        self.scope = scope


class StaleLoginError(errors.UnauthenticatedError):
    """Authenticated too long ago for this endpoint (RFC 9470)."""

    def __init__(self, detail: str, max_age_ms: int) -> None:
        super().__init__(detail)
        self.max_age_ms = max_age_ms


TABLE: Mapping[type[ExperimentationError], tuple[int, str]] = {
    errors.BadRequestError: (400, "Bad request"),
    errors.UnauthenticatedError: (401, "Unauthenticated"),
    errors.ForbiddenError: (403, "Forbidden"),
    errors.NotFoundError: (404, "Not found"),
    errors.MethodNotAllowedError: (405, "Method not allowed"),
    errors.ConflictError: (409, "Conflict"),
    errors.PreconditionFailedError: (412, "Precondition failed"),
    errors.PayloadTooLargeError: (413, "Payload too large"),
    UnsupportedMediaTypeError: (415, "Unsupported media type"),
    errors.InvalidError: (422, "Invalid"),
    errors.TooManyRequestsError: (429, "Too many requests"),
    errors.UnavailableError: (503, "Unavailable"),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """What went wrong, in the members of RFC 9457; `extra` joins them, `headers` go with the answer."""

    status: int
    title: str
    detail: str
    instance: str
    errors: tuple[FieldError, ...] = ()
    extra: Mapping[str, object] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def document(self) -> dict[str, object]:
        """Return the JSON members."""
        document: dict[str, object] = {
            "type": "about:blank",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "instance": self.instance,
        }
        if self.errors:
            document["errors"] = [
                {"pointer": pointer[:MAX_POINTER], "detail": detail}
                for pointer, detail in self.errors[:MAX_ERRORS]
            ]
        return document | dict(self.extra)


def problem_of(error: Exception, instance: str, request_id: str) -> Problem:
    """Return the problem of an error; an error that is not in the table is a 500."""
    if not isinstance(error, ExperimentationError):
        return Problem(500, "Internal error", f"Something failed; its request id is {request_id}.", instance)
    status, title = next(TABLE[kind] for kind in type(error).__mro__ if kind in TABLE)
    extra = error.extra if isinstance(error, RetryLaterError) else {}
    return Problem(status, title, error.detail, instance, error.errors, extra, _headers(error))


def _headers(error: ExperimentationError) -> dict[str, str]:
    if isinstance(error, RetryLaterError):
        return {"Retry-After": str(error.retry_after_seconds)}
    if isinstance(error, errors.MethodNotAllowedError):
        return {"Allow": ", ".join(error.allowed)}
    if isinstance(error, StaleLoginError):
        challenge = 'Bearer realm="experimentation", error="insufficient_user_authentication"'
        return {"WWW-Authenticate": f"{challenge}, max_age={error.max_age_ms // 1000}"}
    if isinstance(error, errors.UnauthenticatedError):
        return {"WWW-Authenticate": 'Bearer realm="experimentation"'}
    if isinstance(error, MissingScopeError):
        challenge = f'Bearer realm="experimentation", error="insufficient_scope", scope="{error.scope}"'
        return {"WWW-Authenticate": challenge}
    return {}
