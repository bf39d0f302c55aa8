"""DELETE /auth/sessions/{session_id} - end one of one's own sessions, everywhere within ten seconds."""

from experimentation.storage.access import audit, sessions
from experimentation.storage.access.audit import Deed
from experimentation.web.endpoint import endpoint
from experimentation.web.principals import Principal, origin_of
from experimentation.web.request import Request
from experimentation.web.schemas.auth import SessionId


@endpoint(scope="person", status=204)
def handler(session_id: SessionId, principal: Principal, request: Request, now: int) -> None:
    """End the session; 404 when the caller has none of that id."""
    sessions.end(principal.id, session_id, now)
    audit.write(Deed.SESSION_ENDED, origin_of(request, principal, now), principal.id)
