"""Access tokens: JWT, HS256 and nothing else (RFC 7519, RFC 8725)."""

from typing import NamedTuple
from uuid import uuid4

import jwt

from experimentation import settings
from experimentation.domain.access import scopes_of
from experimentation.domain.errors import UnauthenticatedError
from experimentation.storage.access import signing_keys
from experimentation.storage.access.signing_keys import SigningKey

ALGORITHM = "HS256"
ISSUER = "experimentation"
AUDIENCE = "experimentation-api"
REQUIRED = ["sub", "role", "scope", "iat", "exp", "iss", "aud", "jti"]
LONGEST = 4_096
SKEW_MS = 60_000
MAX_KNOWN = 1_000


class Claims(NamedTuple):
    """What a verified token says; `issued_at` in milliseconds, `expires_at` in seconds."""

    subject: str
    role: str
    scopes: frozenset[str]
    token_id: str
    issued_at: int
    expires_at: int


class _Known(NamedTuple):
    """What a token says, and the key that signed it."""

    key: SigningKey
    claims: Claims


_known: dict[str, _Known] = {}


def issued(username: str, role: str, session_id: str, now: int) -> str:
    """Return a signed token; its id begins with the session's, so that both can be revoked at once."""
    key = signing_keys.newest(now)
    claims = {
        "sub": username,
        "role": role,
        "scope": " ".join(sorted(scopes_of(role))),
        "iat": now / 1000,  # with milliseconds: a token from the second of a password change is told apart
        "exp": now // 1000 + settings.access_token_seconds(),
        "iss": ISSUER,
        "aud": AUDIENCE,
        "jti": f"{session_id}.{uuid4().hex}",
    }
    return jwt.encode(claims, key.secret, algorithm=ALGORITHM, headers={"kid": key.kid})


def verified(token: str, now: int) -> Claims:
    """Return the claims; UnauthenticatedError unless signature, times, issuer and audience all hold.

    A token that was verified is known for as long as its key is in use, so that the next request need not
    parse it again; whether its time is over is asked every time.
    """
    known = _known.get(token)
    if known is None or signing_keys.named(known.key.kid, now) != known.key:
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
        key = signing_keys.named(str(jwt.get_unverified_header(token).get("kid")), now)
        if key is None:
            raise _refused()
        claims = jwt.decode(
            token,
            key.secret,
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            issuer=ISSUER,
            options={"require": REQUIRED, "verify_exp": False, "verify_iat": False, "verify_nbf": False},
        )
        found = Claims(
            subject=claims["sub"],
            role=str(claims["role"]),
            scopes=frozenset(str(claims["scope"]).split()),
            token_id=str(claims["jti"]),
            issued_at=round(float(claims["iat"]) * 1000),
            expires_at=int(claims["exp"]),
        )
    except (jwt.PyJWTError, RecursionError, TypeError, ValueError, OverflowError) as error:
        raise _refused() from error
    return _Known(key, found)


def _refused() -> UnauthenticatedError:
    return UnauthenticatedError("The token is not valid.")
