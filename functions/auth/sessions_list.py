"""GET /auth/sessions - list where one is signed in."""

from experimentation.storage.access import sessions
from experimentation.web.endpoint import endpoint
from experimentation.web.principals import Principal
from experimentation.web.schemas.auth import SessionAnswer, SessionList


@endpoint(scope="person")
def handler(principal: Principal, now: int) -> SessionList:
    """Return the caller's sessions, the last used first, a hundred at most."""
    live = sessions.live(principal.id, now)
    return SessionList(sessions=[SessionAnswer.of(session, principal.session_id) for session in live])
