"""Redirects to the OpenID provider and back: code flow with PKCE (RFC 6749, RFC 7636, RFC 9700).

A cookie holds one secret meanwhile; state, nonce and code verifier are derived from it, so that none of them
reveals another and nothing is stored. The return address is fixed: no request names one.
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


class SignIn(NamedTuple):
    """A sign-in in progress: what the provider is sent, and has to return."""

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
    """Redirect to the provider, with a new secret in a cookie."""
    secret = secrets.token_urlsafe(32)
    sign_in = _derived(secret)
    parameters = {
        "response_type": "code",
        "client_id": settings.oidc_client_id(),
        "redirect_uri": callback_address(request),
        "scope": settings.oidc_scopes(),
        "state": sign_in.state,
        "nonce": sign_in.nonce,
        "code_challenge": sign_in.challenge,
        "code_challenge_method": "S256",
        **({"prompt": "login", "max_age": "0"} if fresh else {}),
    }
    location = f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(parameters)}"
    return Reply(status=303, headers={"Location": location}, cookies=(_cookie(secret, SECONDS),))


def sign_in_of(request: Request, state: str) -> SignIn:
    """Return the sign-in that this browser started; UnauthenticatedError when `state` is another's."""
    secret = request.cookies.get(COOKIE, "")
    sign_in = _derived(secret)
    if not secret or not hmac.compare_digest(sign_in.state.encode(), state.encode()):
        raise UnauthenticatedError("This browser did not begin this sign-in, or too long ago.")
    return sign_in


def callback_address(request: Request) -> str:
    """Return the redirect URI, which is registered at the provider."""
    scheme = request.headers.get("x-forwarded-proto", "https")
    base = settings.public_base_url() or f"{scheme}://{request.headers.get('host', '')}"
    return f"{base}{CALLBACK}"


def arrival(tokens: Reply) -> Reply:
    """Redirect to the console, with the cookies of the new session."""
    return Reply(status=303, headers={"Location": SIGNED_IN}, cookies=(*tokens.cookies, _cookie("", 0)))


def explained(problem: Problem, request: Request, error: Exception) -> Reply:
    """Redirect to the sign-in page, which explains the failure in its own words."""
    reason = next((REASONS[kind] for kind in type(error).__mro__ if kind in REASONS), "")
    if not reason or edge.bypassed(request.headers):
        return Reply(problem.document(), problem.status, {"Content-Type": MEDIA_TYPE})
    telemetry.count("Unauthenticated", problem.status == 401)
    return Reply(status=303, headers={"Location": FAILED + reason}, cookies=(_cookie("", 0),))


def _derived(secret: str) -> SignIn:
    def part(name: str) -> str:
        return _text(hmac.new(secret.encode(errors="replace"), name.encode(), hashlib.sha256).digest())

    return SignIn(part("state"), part("nonce"), part("verifier"))


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _cookie(secret: str, seconds: int) -> str:
    # Lax: the provider's redirect is a cross-site navigation, in which browsers send no Strict cookies.
    return f"{COOKIE}={secret}; Path=/; Max-Age={seconds}; HttpOnly; Secure; SameSite=Lax"
