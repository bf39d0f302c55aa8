"""The OpenID provider that people may sign in at: its metadata, its keys, and a code's ID token.

Its addresses come from the deployment and its own metadata, never from a caller. Redirects are not followed,
answers are bounded, and while the provider does not answer, the last metadata and keys stay in use.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from http.client import HTTPException
from typing import Any, NamedTuple
from urllib.error import HTTPError
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from experimentation import settings
from experimentation.domain.errors import UnauthenticatedError, UnavailableError
from experimentation.storage.aws import client
from experimentation.storage.aws.failures import translated
from experimentation.storage.cached import Cached

MAX_AGE_MS = 3_600_000
UNKNOWN_KEY_PAUSE_MS = 10_000
TIMEOUT_SECONDS = 4  # four calls at most: well within the gateway's 30
LARGEST_ANSWER = 1_000_000
LOOPBACK = frozenset({"127.0.0.1", "localhost"})
REFUSED_CODE = 400  # RFC 6749, 5.2

type Json = Mapping[str, Any]


class Metadata(NamedTuple):
    """The provider's endpoints."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str


class _Unfollowed(HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """Follow no redirect: it could leak the code, or return another issuer's keys."""


_opener = build_opener(_Unfollowed)
_metadata: Cached[str, Metadata] = Cached(MAX_AGE_MS)
_keys: Cached[str, tuple[Json, ...]] = Cached(MAX_AGE_MS)
_secrets: Cached[str, str] = Cached(MAX_AGE_MS)


def metadata(now: int) -> Metadata:
    """Return the provider's metadata (OpenID Connect Discovery 1.0); UnavailableError when there is none."""
    issuer = settings.oidc_issuer()
    return _metadata.read(issuer, now, lambda: _discovered(issuer))


def keys(now: int, kid: str | None) -> Sequence[Json]:
    """Return the provider's public keys; they are read again for an unknown `kid`, every 10 s at most."""
    for age in (MAX_AGE_MS, UNKNOWN_KEY_PAUSE_MS):
        found = _keys_of(settings.oidc_issuer(), now, age)
        if any(key.get("kid") == kid for key in found):
            break
    return found


def id_token(code: str, verifier: str, redirect_uri: str, now: int) -> str:
    """Exchange a code for an ID token; UnauthenticatedError for an invalid or used code."""
    fields = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri,
        "code_verifier": verifier,
        "client_id": settings.oidc_client_id(),
    }
    headers = {"Content-Type": "application/x-www-form-urlencoded", **_client_authentication(now)}
    request = Request(metadata(now).token_endpoint, urlencode(fields).encode(), headers)  # noqa: S310
    answer = _answered(request)
    if "id_token" not in answer:
        raise UnavailableError("The sign-in service sent no ID token.")
    return str(answer["id_token"])


def forget() -> None:
    """Ask again when something is needed next."""
    for cached in (_metadata, _keys, _secrets):
        cached.clear()


def _keys_of(issuer: str, now: int, max_age_ms: int) -> tuple[Json, ...]:
    fresh = _keys.fresh(issuer, now, max_age_ms)
    return fresh or _keys.keep(issuer, now, _published(metadata(now).jwks_uri))


def _client_authentication(now: int) -> dict[str, str]:
    """Return the header of a confidential client (RFC 6749, 2.3.1); nothing for a public one."""
    arn = settings.oidc_client_secret_arn()
    if not arn:
        return {}
    secret = _secrets.fresh(arn, now)
    if secret is None:
        with translated():
            read = client.secrets().get_secret_value(SecretId=arn)["SecretString"]
        secret = _secrets.keep(arn, now, read)
    pair = f"{quote(settings.oidc_client_id(), safe='')}:{quote(secret, safe='')}"
    return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


def _discovered(issuer: str) -> Metadata:
    document = _read(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
    if document.get("issuer") != issuer:
        raise UnavailableError("The sign-in service calls itself something else.")
    try:
        return Metadata(*(str(document[name]) for name in Metadata._fields))
    except KeyError as error:
        raise UnavailableError("The sign-in service does not say where its endpoints are.") from error


def _published(jwks_uri: str) -> tuple[Json, ...]:
    listed = _read(jwks_uri).get("keys")
    if not isinstance(listed, list):
        raise UnavailableError("The sign-in service publishes no keys.")
    return tuple(key for key in listed if isinstance(key, dict))


def _read(url: str) -> Json:
    return _answered(Request(url, headers={"Accept": "application/json"}))  # noqa: S310 - see _answered


def _answered(request: Request) -> Json:
    """Return the JSON object that the provider answers; UnavailableError when it answers none."""
    _require_https(request.full_url)
    try:
        with _opener.open(request, timeout=TIMEOUT_SECONDS) as answer:
            content = answer.read(LARGEST_ANSWER + 1)
            document = json.loads(content) if len(content) <= LARGEST_ANSWER else None
    except HTTPError as error:
        with error:
            if error.code == REFUSED_CODE and request.data is not None:
                raise UnauthenticatedError("The sign-in service did not accept the code.") from error
        raise UnavailableError("The sign-in service refuses this deployment's requests.") from error
    except (OSError, HTTPException, ValueError, RecursionError) as error:
        raise UnavailableError("The sign-in service does not answer.") from error
    if not isinstance(document, dict):
        raise UnavailableError("The sign-in service does not answer in JSON.")
    return document


def _require_https(url: str) -> None:
    address = urlsplit(url)
    is_local = address.scheme == "http" and address.hostname in LOOPBACK
    if address.scheme != "https" and not is_local:
        raise UnavailableError("The sign-in service has an address without https.")
