"""ID tokens of the OpenID provider: only asymmetric signatures (OpenID Connect Core, 3.1.3.7; RFC 8725)."""

import hmac
from collections.abc import Mapping
from typing import Any

import jwt
from pydantic import TypeAdapter, ValidationError

from experimentation import settings
from experimentation.domain.access import AccountRole, Identity, highest_role
from experimentation.domain.errors import ForbiddenError, UnauthenticatedError
from experimentation.storage.access import issuer
from experimentation.web.schemas.accounts import PersonName

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
REQUIRED = ["iss", "sub", "aud", "exp", "iat", "nonce"]
LONGEST = 16_384
LONGEST_SUBJECT = 255
LEEWAY_SECONDS = 60
LATEST_SECONDS = 10**11


def verified(token: str, nonce: str, now: int) -> Mapping[str, Any]:
    """Return the claims; UnauthenticatedError unless signature, issuer, audience, times and nonce hold."""
    if len(token) > LONGEST or not token.isascii():
        raise _refused()
    try:
        header = jwt.get_unverified_header(token)
        claims: dict[str, Any] = jwt.decode(
            token,
            _key(header, now),
            algorithms=ALGORITHMS,
            audience=settings.oidc_client_id(),
            issuer=settings.oidc_issuer(),
            leeway=LEEWAY_SECONDS,
            options={"require": REQUIRED},
        )
    except (jwt.PyJWTError, RecursionError, TypeError, ValueError, OverflowError) as error:
        raise _refused() from error
    is_ours = claims.get("azp", settings.oidc_client_id()) == settings.oidc_client_id()
    if not is_ours or not hmac.compare_digest(str(claims["nonce"]).encode(), nonce.encode()):
        raise _refused()
    return claims


def identity_of(claims: Mapping[str, Any]) -> Identity:
    """Return the person of verified claims; ForbiddenError when their name cannot be a username."""
    subject = str(claims["sub"])
    name = settings.oidc_username_claim()
    if name == "email" and claims.get("email_verified") not in (True, "true"):
        raise ForbiddenError("The sign-in service has not verified the e-mail address.")
    try:
        username: str = TypeAdapter(PersonName).validate_python(claims.get(name))
    except ValidationError as error:
        raise ForbiddenError(f"The sign-in service says no {name} that can be a name here.") from error
    if not 0 < len(subject) <= LONGEST_SUBJECT:
        raise ForbiddenError("The sign-in service does not say who this is.")
    return Identity(f"{settings.oidc_issuer()} {subject}", username, _role(claims))


def _role(claims: Mapping[str, Any]) -> AccountRole | None:
    """Return the highest role that the claim, a text or a list of texts, grants."""
    given = claims.get(settings.oidc_role_claim())
    values = given if isinstance(given, list) else [given]
    return highest_role((value for value in values if isinstance(value, str)), settings.oidc_roles())


def authenticated_at(claims: Mapping[str, Any], now: int) -> int:
    """Return when the person last authenticated, in milliseconds; 0 when the provider does not say."""
    seconds = claims.get("auth_time")
    if not isinstance(seconds, int | float) or not 0 <= seconds <= LATEST_SECONDS:
        return 0
    return min(int(seconds * 1000), now)


def _key(header: Mapping[str, Any], now: int) -> jwt.PyJWK:
    """Return the key that a token names, or the only one; UnauthenticatedError when there is none.

    PyJWT compares the token's algorithm with the key's: a symmetric key in the list verifies no RS256.
    """
    kid = header.get("kid")
    listed = [key for key in issuer.keys(now, kid) if key.get("use", "sig") == "sig"]
    named = [key for key in listed if key.get("kid") == kid] if kid is not None else listed
    if len(named) != 1:
        raise _refused()
    return jwt.PyJWK(dict(named[0]))


def _refused() -> UnauthenticatedError:
    return UnauthenticatedError("The ID token is not valid.")
