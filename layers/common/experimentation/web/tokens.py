"""Access tokens: JWT, signed by EdDSA (Ed25519) only (RFC 7519, RFC 8037, RFC 8725, RFC 9068)."""

import base64
from typing import NamedTuple
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from experimentation import settings
from experimentation.domain.access import scopes_of
from experimentation.domain.errors import UnauthenticatedError
from experimentation.storage.access import signing_keys, token_keys
from experimentation.storage.access.sessions import Session
from experimentation.storage.access.token_keys import TokenKey

ALGORITHM = "EdDSA"
KIND = "at+jwt"
ISSUER = "experimentation"
AUDIENCE = "experimentation-api"
REQUIRED = ["sub", "role", "scope", "iat", "exp", "iss", "aud", "jti", "sid", "auth_time"]
LONGEST = 4_096
SKEW_MS = 60_000
MAX_KNOWN = 1_000


class Claims(NamedTuple):
    """What a verified token says; `expires_at` in seconds, the other times in milliseconds."""

    subject: str
    role: str
    scopes: frozenset[str]
    session_id: str
    authenticated_at: int
    issued_at: int
    expires_at: int


class _Known(NamedTuple):
    """What a token says, and the key that signed it."""

    key: TokenKey
    claims: Claims


_known: dict[str, _Known] = {}


def issued(session: Session, role: str, now: int) -> str:
    """Return a signed access token of the session."""
    key = signing_keys.newest(now)
    claims = {
        "sub": session.username,
        "role": role,
        "scope": " ".join(sorted(scopes_of(role))),
        "iat": now / 1000,  # with milliseconds, to tell a token before a password change from one after it
        "exp": now // 1000 + settings.access_token_seconds(),
        "iss": ISSUER,
        "aud": AUDIENCE,
        "jti": uuid4().hex,
        "sid": session.id,
        "auth_time": session.authenticated_at // 1000,
    }
    return jwt.encode(claims, key.private, algorithm=ALGORITHM, headers={"kid": key.public.kid, "typ": KIND})


def verified(token: str, now: int) -> Claims:
    """Return the claims; UnauthenticatedError unless signature, times, issuer and audience are valid.

    A verified token is cached while its key is in use, so that the next request need not verify it again; its
    expiry is checked every time.
    """
    known = _known.get(token)
    if known is None or token_keys.named(known.key.kid, now) != known.key:
        known = _checked(token, now)
        if len(_known) >= MAX_KNOWN:
            _known.clear()
        _known[token] = known
    claims = known.claims
    if claims.expires_at * 1000 <= now or claims.issued_at > now + SKEW_MS:
        raise UnauthenticatedError("The token has expired.")
    return claims


def _checked(token: str, now: int) -> _Known:
    if len(token) > LONGEST or not token.isascii():
        raise _refused()
    try:
        header = jwt.get_unverified_header(token)
        key = token_keys.named(str(header.get("kid")), now)
        if key is None or header.get("typ") != KIND:
            raise _refused()
        claims = jwt.decode(
            token,
            Ed25519PublicKey.from_public_bytes(base64.b64decode(key.public)),
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            issuer=ISSUER,
            # PyJWT would ask its own clock: `verified` checks `exp` and `iat`, the lines below `nbf`.
            options={"require": REQUIRED, "verify_exp": False, "verify_iat": False, "verify_nbf": False},
        )
        if float(claims.get("nbf", 0)) * 1000 > now + SKEW_MS:
            raise _refused()
        found = Claims(
            subject=claims["sub"],
            role=str(claims["role"]),
            scopes=frozenset(str(claims["scope"]).split()),
            session_id=str(claims["sid"]),
            authenticated_at=int(claims["auth_time"]) * 1000,
            issued_at=round(float(claims["iat"]) * 1000),
            expires_at=int(claims["exp"]),
        )
    except (jwt.PyJWTError, RecursionError, TypeError, ValueError, OverflowError) as error:
        raise _refused() from error
    return _Known(key, found)


def _refused() -> UnauthenticatedError:
    return UnauthenticatedError("The token is not valid.")
