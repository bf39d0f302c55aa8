"""Who is calling: a bearer token, a `__Host-` cookie or an API key, checked once per request."""

import hmac
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from experimentation import settings
from experimentation.domain.access import SCOPES, scopes_of
from experimentation.domain.errors import ForbiddenError, UnauthenticatedError
from experimentation.web.problems import MissingScopeError
from experimentation.web.request import Request

ACCESS_COOKIE = "__Host-access"
REFRESH_COOKIE = "__Host-refresh"
KEY_ID = re.compile(r"[a-z0-9]{1,32}")
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
RULES = frozenset({"anyone", "token", "admin", *SCOPES})
"""What an endpoint may ask for: nothing, any valid credential, or a scope."""


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller: a person (`id` is the username) or an API key (`id` is the key's)."""

    kind: str
    id: str
    role: str
    scopes: frozenset[str]


def authenticate(request: Request, now: int) -> Principal | None:
    """Return who calls, None without a credential; UnauthenticatedError when it is not valid."""
    key = request.headers.get("x-api-key")
    if key is not None:
        return _key_holder(key, now)
    authorization = request.headers.get("authorization")
    if authorization is not None:
        kind, _, credential = authorization.partition(" ")
        if kind.lower() != "bearer" or not credential.strip():
            raise UnauthenticatedError("The Authorization header should be: Bearer <token>.")
        credential = credential.strip()
        return _key_holder(credential, now) if credential.startswith("exp_") else _person(credential, now)
    cookie = request.cookies.get(ACCESS_COOKIE)
    if cookie is None:
        return None
    require_same_origin(request)
    return _person(cookie, now)


def authorize(principal: Principal | None, rule: str) -> None:
    """Raise UnauthenticatedError or ForbiddenError unless the rule lets the caller through."""
    if rule == "anyone":
        return
    if principal is None:
        raise UnauthenticatedError("This needs a token or an API key.")
    if rule != "token" and rule not in principal.scopes:
        raise MissingScopeError(f"This needs the scope {rule}.", rule)


def require_same_origin(request: Request) -> None:
    """Raise ForbiddenError for a write that carries cookies but comes from another site's page."""
    if request.method in SAFE_METHODS:
        return
    origin = request.headers.get("origin", "")
    if origin and origin == settings.public_base_url():
        return
    host = urlsplit(origin).netloc if origin.isascii() and "[" not in origin else ""
    if not host or host.lower() != request.headers.get("host", "").lower():
        raise ForbiddenError("A write that is authenticated by a cookie needs this site's own Origin.")


def _person(token: str, now: int) -> Principal:
    from experimentation.storage.access import denials  # noqa: PLC0415 - only a token needs it
    from experimentation.web import tokens  # noqa: PLC0415 - PyJWT costs a cold start that a key need not pay

    claims = tokens.verified(token, now)
    if denials.is_denied(claims.token_id, claims.subject, claims.issued_at, now):
        raise UnauthenticatedError("The token was revoked.")
    return Principal("person", claims.subject, claims.role, scopes_of(claims.role) & claims.scopes)


def _key_holder(credential: str, now: int) -> Principal:
    from experimentation.storage.access import api_keys  # noqa: PLC0415 - only an API key needs it

    parts = credential.split("_", 2)
    if not credential.isascii() or len(parts) < 3 or parts[0] != "exp" or not KEY_ID.fullmatch(parts[1]):
        raise UnauthenticatedError("The API key is not valid.")
    found = api_keys.cached(parts[1], now)
    expected = found.secret_hash if found else ""
    if not hmac.compare_digest(api_keys.hashed(parts[2]), expected) or found is None or found.is_expired(now):
        raise UnauthenticatedError("The API key is not valid.")
    return Principal("key", found.id, "key", frozenset(found.scopes))
