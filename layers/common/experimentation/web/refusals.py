"""A caller who is known and was refused for want of a right: a line in the record of access."""

from experimentation import telemetry
from experimentation.domain.errors import UnavailableError
from experimentation.storage.access import audit
from experimentation.web.principals import Principal, origin_of
from experimentation.web.request import Request


def note(principal: Principal, request: Request, now: int, detail: str) -> None:
    """Record it; a record that cannot be written is a line in the log, and the refusal stands."""
    origin = origin_of(request, principal, now)
    try:
        audit.write_refusal(origin, request.route, f"{principal.kind}: {detail}")
    except UnavailableError as error:
        telemetry.logger.warning("refusal not recorded", extra={"cause": str(error.__cause__)})
