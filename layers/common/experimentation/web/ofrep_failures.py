"""Failures in the shape of OFREP: a key, one of its error codes and details in every body."""

from experimentation.domain.errors import (
    BadRequestError,
    ConflictError,
    InvalidError,
    NotFoundError,
    PayloadTooLargeError,
)
from experimentation.web.problems import Problem, UnsupportedMediaTypeError
from experimentation.web.reply import Reply
from experimentation.web.request import Request
from experimentation.web.schemas.ofrep import TargetingKeyMissingError

CODES: dict[type[Exception], str] = {
    TargetingKeyMissingError: "TARGETING_KEY_MISSING",
    InvalidError: "INVALID_CONTEXT",
    NotFoundError: "FLAG_NOT_FOUND",
    BadRequestError: "PARSE_ERROR",
    PayloadTooLargeError: "PARSE_ERROR",
    UnsupportedMediaTypeError: "PARSE_ERROR",
}
KNOWN_AS_400 = (InvalidError, ConflictError, PayloadTooLargeError, UnsupportedMediaTypeError)
MAX_DETAILS = 5


def render(problem: Problem, request: Request, error: Exception) -> Reply:
    """Return the failure; the protocol's only 4xx are 400, 401, 403, 404 and 429."""
    code = next((CODES[kind] for kind in type(error).__mro__ if kind in CODES), "GENERAL")
    status = 400 if isinstance(error, KNOWN_AS_400) else problem.status
    faults = [f"{pointer}: {detail}" for pointer, detail in problem.errors[:MAX_DETAILS]]
    body = {
        "key": request.path_parameters.get("key", ""),
        "errorCode": code,
        "errorDetails": " ".join([problem.detail, "; ".join(faults)]).strip(),
    }
    return Reply(body, status)
