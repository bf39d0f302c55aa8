"""Refusals of authenticated callers without the needed right, in the audit record."""

from experimentation import telemetry
from experimentation.domain.errors import UnavailableError
from experimentation.storage.access import audit
from experimentation.web.principals import Principal, origin_of
from experimentation.web.request import Request


def note(principal: Principal, request: Request, now: int, detail: str) -> None:
    """Record a refusal; if that fails, log it: the caller is refused in any case."""
    origin = origin_of(request, principal, now)
    try:
        audit.write_refusal(origin, request.route, f"{principal.kind}: {detail}")
    except UnavailableError as error:
        telemetry.logger.warning("refusal not recorded", extra={"cause": str(error.__cause__)})
