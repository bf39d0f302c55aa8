"""Answers with tokens: in the body (RFC 6749, 5.1), or as cookies that scripts cannot read."""

from experimentation import settings
from experimentation.domain.access import scopes_of
from experimentation.storage.access import devices
from experimentation.storage.access.sessions import Session
from experimentation.web import tokens
from experimentation.web.principals import ACCESS_COOKIE, DEVICE_COOKIE, REFRESH_COOKIE
from experimentation.web.reply import Reply


def token_reply(session: Session, role: str, now: int, *, in_cookies: bool, device: str = "") -> Reply:
    """Return a new access token and the session's refresh token; `device` is remembered in a cookie."""
    access = tokens.issued(session, role, now)
    refresh_seconds = min(settings.refresh_token_seconds(), session.ends_at - now // 1000)
    body: dict[str, object] = {
        "token_type": "Bearer",  # nosec B105 - a kind of token
        "expires_in": settings.access_token_seconds(),
        "refresh_expires_in": refresh_seconds,
        "scope": " ".join(sorted(scopes_of(role))),
    }
    if not in_cookies:
        return Reply(body | {"access_token": access, "refresh_token": session.refresh_token})
    cookies = (
        _cookie(ACCESS_COOKIE, access, settings.access_token_seconds()),
        _cookie(REFRESH_COOKIE, session.refresh_token, refresh_seconds),
        *([_cookie(DEVICE_COOKIE, device, devices.LIFETIME_SECONDS)] if device else []),
    )
    return Reply(body, cookies=cookies)


def cleared() -> tuple[str, ...]:
    """Return the cookies that clear both tokens."""
    return _cookie(ACCESS_COOKIE, "", 0), _cookie(REFRESH_COOKIE, "", 0)


def _cookie(name: str, value: str, seconds: int) -> str:
    return f"{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; Secure; SameSite=Strict"
