"""Leaving for the OpenID provider and coming back: code flow with PKCE (RFC 6749, RFC 7636, RFC 9700).

One secret stands in a cookie meanwhile; state, nonce and code verifier are derived from it, so that none of
them tells another and nothing is stored. Where people come back to is fixed: no request names an address.
"""

import base64
import hashlib
import hmac
import secrets
from typing import NamedTuple
from urllib.parse import urlencode

from experimentation import settings, telemetry
from experimentation.domain.errors import (
    ConflictError,
    ForbiddenError,
    NotFoundError,
    UnauthenticatedError,
    UnavailableError,
)
from experimentation.web import edge
from experimentation.web.problems import MEDIA_TYPE, Problem
from experimentation.web.reply import Reply
from experimentation.web.request import Request

COOKIE = "__Host-oidc"
SECONDS = 600
START = "/auth/oidc/start"
CALLBACK = "/auth/oidc/callback"
SIGNED_IN = "/#/signed-in"
FAILED = "/#/sign-in-failed/"
REASONS: dict[type[Exception], str] = {
    ForbiddenError: "no-access",
    ConflictError: "name-taken",
    UnavailableError: "unavailable",
    UnauthenticatedError: "not-proven",
}


class Begun(NamedTuple):
    """A sign-in on its way: what goes to the provider, and what it has to come back with."""

    state: str
    nonce: str
    verifier: str

    @property
    def challenge(self) -> str:
        """The code challenge, S256."""
        return _text(hashlib.sha256(self.verifier.encode()).digest())


def require_configured() -> None:
    """Raise NotFoundError where no OpenID provider is set up."""
    if not settings.oidc_issuer():
        raise NotFoundError("No OpenID provider is set up here.")


def departure(endpoint: str, request: Request, *, fresh: bool) -> Reply:
    """Send somebody to the provider, with a new secret in a cookie."""
    secret = secrets.token_urlsafe(32)
    begun = _derived(secret)
    asked = {
        "response_type": "code",
        "client_id": settings.oidc_client_id(),
        "redirect_uri": callback_address(request),
        "scope": settings.oidc_scopes(),
        "state": begun.state,
        "nonce": begun.nonce,
        "code_challenge": begun.challenge,
        "code_challenge_method": "S256",
        **({"prompt": "login", "max_age": "0"} if fresh else {}),
    }
    location = f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(asked)}"
    return Reply(status=303, headers={"Location": location}, cookies=(_cookie(secret, SECONDS),))


def begun_in(request: Request, state: str) -> Begun:
    """Return the sign-in that this browser began; UnauthenticatedError when `state` is another's."""
    secret = request.cookies.get(COOKIE, "")
    begun = _derived(secret)
    if not secret or not hmac.compare_digest(begun.state.encode(), state.encode()):
        raise UnauthenticatedError("This browser did not begin this sign-in, or too long ago.")
    return begun


def callback_address(request: Request) -> str:
    """Return where the provider sends people back to; it knows the address, and takes no other."""
    scheme = request.headers.get("x-forwarded-proto", "https")
    base = settings.public_base_url() or f"{scheme}://{request.headers.get('host', '')}"
    return f"{base}{CALLBACK}"


def arrival(tokens: Reply) -> Reply:
    """Send somebody who is signed in to the console, with the cookies of their session."""
    return Reply(status=303, headers={"Location": SIGNED_IN}, cookies=(*tokens.cookies, _cookie("", 0)))


def explained(problem: Problem, request: Request, error: Exception) -> Reply:
    """Send somebody who is not signed in to the sign-in page, which says why in words of its own."""
    reason = next((REASONS[kind] for kind in type(error).__mro__ if kind in REASONS), "")
    if not reason or edge.bypassed(request.headers):
        return Reply(problem.document(), problem.status, {"Content-Type": MEDIA_TYPE})
    telemetry.count("Unauthenticated", problem.status == 401)
    return Reply(status=303, headers={"Location": FAILED + reason}, cookies=(_cookie("", 0),))


def _derived(secret: str) -> Begun:
    def part(name: str) -> str:
        return _text(hmac.new(secret.encode(errors="replace"), name.encode(), hashlib.sha256).digest())

    return Begun(part("state"), part("nonce"), part("verifier"))


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _cookie(secret: str, seconds: int) -> str:
    # Lax: the way back is a navigation that another site begins, which Strict cookies stay out of.
    return f"{COOKIE}={secret}; Path=/; Max-Age={seconds}; HttpOnly; Secure; SameSite=Lax"
