"""POST /auth/revoke - log out: end a refresh token's session, or one access token (RFC 7009)."""

from contextlib import suppress

from experimentation.domain.errors import UnauthenticatedError
from experimentation.storage.access import denials, sessions
from experimentation.web import tokens
from experimentation.web.endpoint import endpoint
from experimentation.web.principals import ACCESS_COOKIE, REFRESH_COOKIE, require_same_origin
from experimentation.web.reply import Reply
from experimentation.web.request import Request
from experimentation.web.schemas.auth import RevokeRequest
from experimentation.web.token_replies import cleared


@endpoint(scope="anyone", form=True, max_body=10_000)
def handler(body: RevokeRequest | None, request: Request, now: int) -> Reply:
    """Answer 200 for any token, also for one that never was: the caller wants it gone, and it is."""
    if body is not None:
        _revoke(body.token.get_secret_value(), now)
        return Reply({})
    presented = [request.cookies[name] for name in (REFRESH_COOKIE, ACCESS_COOKIE) if name in request.cookies]
    if not presented:
        raise UnauthenticatedError("This needs a token.")
    require_same_origin(request)
    for token in presented:
        _revoke(token, now)
    return Reply({}, cookies=cleared())


def _revoke(token: str, now: int) -> None:
    with suppress(UnauthenticatedError):
        if token.startswith("rt_"):
            sessions.revoke(token, now)
        else:
            claims = tokens.verified(token, now)
            denials.deny_token(claims.token_id, claims.expires_at)
