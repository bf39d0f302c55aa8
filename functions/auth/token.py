"""POST /auth/token - log in with a name and a password; answer with tokens, or set them as cookies."""

from experimentation.domain.errors import UnauthenticatedError
from experimentation.storage.access import accounts, sessions, throttles
from experimentation.storage.access.accounts import Account
from experimentation.usecases import first_admin, passwords
from experimentation.web.endpoint import endpoint
from experimentation.web.principals import require_same_origin
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
    throttles.charge(username, request.source_ip, now)
    account = _authenticated(username, body.password.get_secret_value())
    throttles.give_back(username, request.source_ip)
    session = sessions.start(account.username, account.epoch, now)
    return token_reply(session, account.role, now, in_cookies=in_cookies)


def _authenticated(username: str, password: str) -> Account:
    """Return the person, read again after the check: the password may have changed while it ran."""
    before = accounts.find(username)
    matches = passwords.matches(password, before.password_hash if before else None)
    account = accounts.find(username)
    if not matches or before is None or account is None or account.disabled or account.epoch != before.epoch:
        raise UnauthenticatedError("The name or the password is wrong.")
    return account
