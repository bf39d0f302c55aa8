"""POST /auth/refresh - exchange a refresh token, from the body or the cookie, for its successor."""

from experimentation.domain.errors import UnauthenticatedError
from experimentation.storage.access import accounts, sessions
from experimentation.web.endpoint import endpoint
from experimentation.web.principals import REFRESH_COOKIE, require_same_origin
from experimentation.web.reply import Reply
from experimentation.web.request import Request
from experimentation.web.schemas.auth import RefreshRequest
from experimentation.web.token_replies import token_reply


@endpoint(scope="anyone", form=True, max_body=10_000)
def handler(body: RefreshRequest | None, request: Request, now: int) -> Reply:
    """Rotate the token; 401 when the person was disabled, deleted or given a new password since."""
    session = sessions.rotate(_presented(body, request), now)
    account = accounts.find(session.username)
    if account is None or account.disabled or account.epoch != session.epoch:
        sessions.end(session.id, now)
        raise UnauthenticatedError("The refresh token is not valid.")
    return token_reply(session, account.role, now, in_cookies=body is None)


def _presented(body: RefreshRequest | None, request: Request) -> str:
    if body is not None:
        return body.refresh_token.get_secret_value()
    if REFRESH_COOKIE not in request.cookies:
        raise UnauthenticatedError("This needs a refresh token.")
    require_same_origin(request)
    return request.cookies[REFRESH_COOKIE]
