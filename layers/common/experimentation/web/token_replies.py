"""How endpoints answer with tokens: in the body (RFC 6749, 5.1), or as cookies that no script reads."""

from experimentation import settings
from experimentation.domain.access import scopes_of
from experimentation.storage.access.sessions import Session
from experimentation.web import tokens
from experimentation.web.principals import ACCESS_COOKIE, REFRESH_COOKIE
from experimentation.web.reply import Reply


def token_reply(session: Session, role: str, now: int, *, in_cookies: bool) -> Reply:
    """Return a new access token and the session's refresh token."""
    access = tokens.issued(session.username, role, session.id, now)
    body: dict[str, object] = {
        "token_type": "Bearer",  # nosec B105 - a kind of token
        "expires_in": settings.access_token_seconds(),
        "refresh_expires_in": settings.refresh_token_seconds(),
        "scope": " ".join(sorted(scopes_of(role))),
    }
    if not in_cookies:
        return Reply(body | {"access_token": access, "refresh_token": session.refresh_token})
    cookies = (
        _cookie(ACCESS_COOKIE, access, settings.access_token_seconds()),
        _cookie(REFRESH_COOKIE, session.refresh_token, settings.refresh_token_seconds()),
    )
    return Reply(body, cookies=cookies)


def cleared() -> tuple[str, ...]:
    """Return the cookies that take both tokens away."""
    return _cookie(ACCESS_COOKIE, "", 0), _cookie(REFRESH_COOKIE, "", 0)


def _cookie(name: str, value: str, seconds: int) -> str:
    return f"{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; Secure; SameSite=Strict"
