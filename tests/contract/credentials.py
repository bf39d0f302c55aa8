"""Credentials that no route may take: forged, altered, expired, revoked and ill-formed ones."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import OKPAlgorithm

from experimentation.domain.access import SCOPES
from experimentation.storage.access import sessions, signing_keys
from experimentation.storage.access.signing_keys import SigningKey
from experimentation.web import tokens
from tests.conftest import SIGNING_SECRET, Headers, bearer, now


def _key() -> SigningKey:
    return signing_keys.newest(now())


def signed(
    secret: Any = None,
    algorithm: str = tokens.ALGORITHM,
    kid: str = "",
    typ: str = tokens.KIND,
    **claims: Any,
) -> Headers:
    """Return a token of an admin with other claims (None: without it), or signed with another key."""
    key = _key()
    known: dict[str, Any] = {
        "sub": "ada",
        "role": "admin",
        "scope": "admin " + " ".join(SCOPES),
        "iat": now() // 1000,
        "exp": now() // 1000 + 900,
        "iss": tokens.ISSUER,
        "aud": tokens.AUDIENCE,
        "jti": "1",
        "sid": "0",
        "auth_time": now() // 1000,
    }
    body = {name: value for name, value in (known | claims).items() if value is not None}
    headers = {"kid": kid or key.public.kid, "typ": typ}
    return header(jwt.encode(body, secret or key.private, algorithm=algorithm, headers=headers))


def header(token: str) -> Headers:
    """Return the headers that carry a token."""
    return {"Authorization": f"Bearer {token}"}


def _base64(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _made(algorithm: str, secret: bytes) -> Headers:
    """Return an admin's token signed by HMAC, as a library that mixes up kinds of keys might accept."""
    head = _base64({"alg": algorithm, "typ": tokens.KIND, "kid": _key().public.kid})
    body = signed()["Authorization"].split(".")[1]
    signature = hmac.new(secret, f"{head}.{body}".encode(), hashlib.sha256).digest()
    return header(f"{head}.{body}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}")


def _public() -> bytes:
    return base64.b64decode(_key().public.public)


def _public_pem() -> bytes:
    return _key().private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _swapped() -> Headers:
    """Return a user's token with an admin's claims."""
    head, _, signature = bearer("ursula", "user")["Authorization"].removeprefix("Bearer ").split(".")
    body = signed()["Authorization"].split(".")[1]
    return header(f"{head}.{body}.{signature}")


def _without_algorithm() -> Headers:
    body = signed()["Authorization"].split(".")[1]
    return header(f"{_base64({'alg': 'none', 'typ': tokens.KIND, 'kid': _key().public.kid})}.{body}.")


def _with_own_key() -> Headers:
    """Return a token that brings the key that verifies it along."""
    mine = Ed25519PrivateKey.generate()
    jwk = json.loads(OKPAlgorithm.to_jwk(mine.public_key()))
    body = jwt.decode(signed()["Authorization"].removeprefix("Bearer "), options={"verify_signature": False})
    headers = {"kid": _key().public.kid, "typ": tokens.KIND, "jwk": jwk}
    return header(jwt.encode(body, mine, algorithm="EdDSA", headers=headers))


def _revoked() -> Headers:
    headers = bearer("ada", "admin")
    claims = tokens.verified(headers["Authorization"].removeprefix("Bearer "), now())
    sessions.end(claims.subject, claims.session_id, now())
    return headers


BAD: dict[str, Callable[[], Headers]] = {
    "nobody": dict,
    "basic": lambda: {"Authorization": "Basic YWRhOmFkYQ=="},
    "empty": lambda: {"Authorization": ""},
    "bearer of nothing": lambda: {"Authorization": "Bearer "},
    "no token": lambda: header("x"),
    "three dots": lambda: header("a.b.c"),
    "deep header": lambda: header(
        base64.urlsafe_b64encode(b"[" * 2_000).decode() + ".e30." + base64.urlsafe_b64encode(b"x").decode()
    ),
    "long": lambda: header("a" * 9_000),
    "not ascii": lambda: header("é"),
    "expired": lambda: signed(exp=now() // 1000 - 1),
    "from the future": lambda: signed(iat=now() // 1000 + 3_600),
    "not yet": lambda: signed(nbf=now() // 1000 + 3_600),
    "algorithm none": _without_algorithm,
    "empty key": lambda: _made("HS256", b""),
    "the secret as a key": lambda: _made("HS256", SIGNING_SECRET.encode()),
    "the public key as a secret": lambda: _made("HS256", _public()),
    "the public key's text as a secret": lambda: _made("HS256", _public_pem()),
    "the public key as a secret of the right algorithm": lambda: _made("EdDSA", _public()),
    "another key": lambda: signed(Ed25519PrivateKey.generate()),
    "its own key": _with_own_key,
    "another algorithm": lambda: signed(SIGNING_SECRET * 2, algorithm="HS512"),
    "another curve": lambda: signed(ec.generate_private_key(ec.SECP256R1()), algorithm="ES256"),
    "unknown key": lambda: signed(kid="other"),
    "another type": lambda: signed(typ="JWT"),
    "another audience": lambda: signed(aud="other"),
    "another issuer": lambda: signed(iss="other"),
    "swapped payload": _swapped,
    "revoked": _revoked,
    **{
        f"without {claim}": lambda claim=claim: signed(**{claim: None})  # type: ignore[misc]
        for claim in tokens.REQUIRED
    },
    "odd times": lambda: signed(iat="x"),
    "odd login": lambda: signed(auth_time="x"),
    "unknown API key": lambda: {"X-API-Key": "exp_0000_x"},
    "API key as bearer": lambda: header("exp_0000_x"),
    "no API key": lambda: {"X-API-Key": ""},
}
