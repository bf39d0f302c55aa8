"""Who is calling: a bearer token, a `__Host-` cookie or an API key, checked once per request."""

import hmac
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from experimentation import settings
from experimentation.domain.access import SCOPES, scopes_of
from experimentation.domain.errors import ForbiddenError, UnauthenticatedError
from experimentation.web.problems import MissingScopeError, StaleLoginError
from experimentation.web.request import Request

if TYPE_CHECKING:
    from experimentation.storage.access.audit import Origin

ACCESS_COOKIE = "__Host-access"
REFRESH_COOKIE = "__Host-refresh"
DEVICE_COOKIE = "__Host-device"
API_KEY = re.compile(r"exp_(?P<id>[a-z0-9]{1,32})_(?P<secret>[\x00-\x7f]*)")
RECENT_MS = 600_000
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
RULES = frozenset({"anyone", "token", "person", "admin", *SCOPES})
"""What an endpoint may require: nothing, any valid credential, a person's, or a scope."""


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller: a person (`id` is the username) or an API key (`id` is the key's).

    A person has a session, and authenticated at `authenticated_at` (milliseconds).
    """

    kind: str
    id: str
    role: str
    scopes: frozenset[str]
    session_id: str = ""
    authenticated_at: int = 0


def authenticate(request: Request, now: int) -> Principal | None:
    """Return who calls, None without a credential; UnauthenticatedError when it is not valid."""
    key = request.headers.get("x-api-key")
    if key is not None:
        return _key_holder(key, now)
    authorization = request.headers.get("authorization")
    if authorization is not None:
        credential = _bearer_credential(authorization)
        return _key_holder(credential, now) if credential.startswith("exp_") else _person(credential, now)
    cookie = request.cookies.get(ACCESS_COOKIE)
    if cookie is None:
        return None
    require_same_origin(request)
    return _person(cookie, now)


def _bearer_credential(authorization: str) -> str:
    kind, _, credential = authorization.partition(" ")
    credential = credential.strip()
    if kind.lower() != "bearer" or not credential:
        raise UnauthenticatedError("The Authorization header must be: Bearer <token>.")
    return credential


def origin_of(request: Request, principal: Principal | None, now: int) -> "Origin":
    """Return who acts and from where, for the audit record."""
    from experimentation.storage.access.audit import Origin  # noqa: PLC0415 - few endpoints record

    return Origin(principal.id if principal else "", request.address, request.user_agent, now)


def authorize(principal: Principal | None, rule: str) -> None:
    """Raise UnauthenticatedError or ForbiddenError unless the rule lets the caller through."""
    if rule == "anyone":
        return
    if principal is None:
        raise UnauthenticatedError("This needs a token or an API key.")
    if rule == "person":
        if principal.kind != "person":
            raise ForbiddenError("This is for people, not for API keys.")
    elif rule != "token" and rule not in principal.scopes:
        raise MissingScopeError(f"This needs the scope {rule}.", rule)


def require_recent_login(principal: Principal | None, now: int) -> None:
    """Raise StaleLoginError unless a person gave the password within the last ten minutes."""
    if principal is None or now - principal.authenticated_at > RECENT_MS:
        raise StaleLoginError(
            "Give your password again: it was asked for more than ten minutes ago.", RECENT_MS
        )


def require_same_origin(request: Request) -> None:
    """Raise ForbiddenError for a request that carries cookies but comes from another origin's page.

    SameSite=Strict does not stop other hosts of the same site. A read without either header is the person's
    own navigation, or does not come from a browser.
    """
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    if site not in {None, "same-origin", "none"} or (
        origin is not None and origin.lower() not in _own(request)
    ):
        raise ForbiddenError("A cookie is good for this site's own pages alone.")
    if origin is None and request.method not in SAFE_METHODS:
        raise ForbiddenError("A write that is authenticated by a cookie needs this site's own Origin.")


def _own(request: Request) -> set[str]:
    """Return the origins that are this site."""
    scheme = request.headers.get("x-forwarded-proto", "https")
    host = request.headers.get("host", "")
    return {f"{scheme}://{host}".lower(), settings.public_base_url().lower()} - {""}


def _person(token: str, now: int) -> Principal:
    from experimentation.storage.access import denials  # noqa: PLC0415 - only a token needs it
    from experimentation.web import tokens  # noqa: PLC0415 - PyJWT costs a cold start that a key need not pay

    claims = tokens.verified(token, now)
    if denials.is_denied(claims.session_id, claims.subject, claims.issued_at, now):
        raise UnauthenticatedError("The token was revoked.")
    return Principal(
        kind="person",
        id=claims.subject,
        role=claims.role,
        scopes=scopes_of(claims.role) & claims.scopes,
        session_id=claims.session_id,
        authenticated_at=claims.authenticated_at,
    )


def _key_holder(credential: str, now: int) -> Principal:
    from experimentation.storage.access import api_keys  # noqa: PLC0415 - only an API key needs it
    from experimentation.web import key_rates  # noqa: PLC0415 - as above

    parsed = API_KEY.fullmatch(credential)
    key = api_keys.cached(parsed["id"], now) if parsed else None
    if parsed is None or key is None or key.is_expired(now):
        raise UnauthenticatedError("The API key is not valid.")
    if not hmac.compare_digest(api_keys.hashed(parsed["secret"]), key.secret_hash):
        raise UnauthenticatedError("The API key is not valid.")
    # After the secret: a caller who knows only the id, which is no secret, must not use up the key's rate.
    key_rates.take(key.id, key.rate, now)
    api_keys.note_use(key, now)
    return Principal("key", key.id, "key", frozenset(key.scopes))
