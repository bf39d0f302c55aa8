"""POST /auth/revoke - log out: end the session of a refresh or access token (RFC 7009)."""

from contextlib import suppress

from experimentation.domain.errors import NotFoundError, UnauthenticatedError
from experimentation.storage.access import audit, sessions
from experimentation.storage.access.audit import Deed, Origin
from experimentation.web import tokens
from experimentation.web.endpoint import endpoint
from experimentation.web.principals import ACCESS_COOKIE, REFRESH_COOKIE, origin_of, require_same_origin
from experimentation.web.reply import Reply
from experimentation.web.request import Request
from experimentation.web.schemas.auth import RevokeRequest
from experimentation.web.token_replies import cleared


@endpoint(scope="anyone", form=True, max_body=10_000)
def handler(body: RevokeRequest | None, request: Request, now: int) -> Reply:
    """Answer 200 for any token, even an unknown one: it is not valid afterwards."""
    origin = origin_of(request, None, now)
    if body is not None:
        _revoke(body.token.get_secret_value(), origin)
        return Reply({})
    presented = [request.cookies[name] for name in (REFRESH_COOKIE, ACCESS_COOKIE) if name in request.cookies]
    if not presented:
        raise UnauthenticatedError("This needs a token.")
    require_same_origin(request)
    for token in presented:
        _revoke(token, origin)
    return Reply({}, cookies=cleared())


def _revoke(token: str, origin: Origin) -> None:
    with suppress(UnauthenticatedError, NotFoundError):
        if token.startswith("rt_"):
            username = sessions.revoke(token, origin.now)
        else:
            claims = tokens.verified(token, origin.now)
            username = claims.subject
            sessions.end(username, claims.session_id, origin.now)
        audit.write(Deed.SESSION_ENDED, origin._replace(actor=username), username)
