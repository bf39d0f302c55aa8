"""POST /auth/token - log in with a name and a password; answer with tokens, or set them as cookies."""

from contextlib import suppress

from experimentation.domain.errors import UnauthenticatedError
from experimentation.storage.access import audit, devices, sessions
from experimentation.storage.access.audit import Deed
from experimentation.storage.access.throttles import Attempt
from experimentation.usecases import first_admin
from experimentation.usecases.signing_in import authenticated
from experimentation.web.endpoint import endpoint
from experimentation.web.principals import DEVICE_COOKIE, REFRESH_COOKIE, origin_of, require_same_origin
from experimentation.web.reply import Reply
from experimentation.web.request import Request
from experimentation.web.schemas.auth import TokenQuery, TokenRequest, Transport
from experimentation.web.token_replies import token_reply


@endpoint(scope="anyone", form=True, max_body=10_000)
def handler(body: TokenRequest, query: TokenQuery, request: Request, now: int) -> Reply:
    """Start a session; 401 for a wrong name, a wrong password and a disabled person alike."""
    in_cookies = Transport.COOKIE in {body.transport, query.transport}
    if in_cookies:
        require_same_origin(request)
    username = body.username.lower()
    first_admin.ensure(now)
    device = _known_device(request, username, now)
    attempt = Attempt(username, request.address, device)
    origin = origin_of(request, None, now)
    account = authenticated(attempt, body.password.get_secret_value(), Deed.LOGIN_REFUSED, origin)
    session = sessions.start(
        username, account.epoch, now, address=request.address, user_agent=request.user_agent
    )
    audit.write(Deed.LOGIN, origin._replace(actor=username), username)
    if not in_cookies:
        return token_reply(session, account.role, now, in_cookies=False)
    _end_replaced_session(request, now)
    remembered = "" if device else devices.remember(username, now)
    return token_reply(session, account.role, now, in_cookies=True, device=remembered)


def _known_device(request: Request, username: str, now: int) -> str | None:
    device = request.cookies.get(DEVICE_COOKIE)
    return device if device and devices.is_known(username, device, now) else None


def _end_replaced_session(request: Request, now: int) -> None:
    """End the session whose cookies the new session's replace."""
    if REFRESH_COOKIE in request.cookies:
        # As of a millisecond ago: ending it may deny every token that the person was issued until then.
        with suppress(UnauthenticatedError):
            sessions.revoke(request.cookies[REFRESH_COOKIE], now - 1)
