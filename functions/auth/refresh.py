"""POST /auth/refresh - exchange a refresh token, from the body or the cookie, for its successor."""

from experimentation.domain.errors import UnauthenticatedError
from experimentation.usecases.signing_in import refreshed
from experimentation.web.endpoint import endpoint
from experimentation.web.principals import REFRESH_COOKIE, origin_of, require_same_origin
from experimentation.web.reply import Reply
from experimentation.web.request import Request
from experimentation.web.schemas.auth import RefreshRequest
from experimentation.web.token_replies import token_reply


@endpoint(scope="anyone", form=True, max_body=10_000)
def handler(body: RefreshRequest | None, request: Request, now: int) -> Reply:
    """Rotate the token; 401 when the person was disabled, deleted or given a new password since."""
    session, account = refreshed(_presented(body, request), origin_of(request, None, now))
    return token_reply(session, account.role, now, in_cookies=body is None)


def _presented(body: RefreshRequest | None, request: Request) -> str:
    if body is not None:
        return body.refresh_token.get_secret_value()
    if REFRESH_COOKIE not in request.cookies:
        raise UnauthenticatedError("This needs a refresh token.")
    require_same_origin(request)
    return request.cookies[REFRESH_COOKIE]
