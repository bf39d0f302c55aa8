"""The private keys that sign access tokens: Ed25519, derived from a secret that only logins read.

Their public halves are published in the Accounts table (storage/access/token_keys.py), whenever the secret
is read.
"""

import base64
import hashlib
import json
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from experimentation import settings
from experimentation.domain.errors import ConfigurationError, UnavailableError
from experimentation.storage.access import token_keys
from experimentation.storage.access.token_keys import TokenKey
from experimentation.storage.aws import client
from experimentation.storage.aws.failures import translated
from experimentation.storage.cached import Cached

SHORTEST_SECRET_BYTES = 32  # as long as the private key that is derived from it
MAX_AGE_MS = 300_000


class SigningKey(NamedTuple):
    """A private key, and the public one by whose `kid` a token names it."""

    private: Ed25519PrivateKey
    public: TokenKey


_cached: Cached[str, tuple[SigningKey, ...]] = Cached(MAX_AGE_MS)


def newest(now: int) -> SigningKey:
    """Return the key to sign with, the first of the secret; its public half is published by then."""
    arn = settings.signing_secret_arn()
    fresh = _cached.fresh(arn, now)
    if fresh is not None:
        return fresh[0]
    try:
        keys = parsed(_read(arn))
    except UnavailableError:
        # Sign with the last key that was read: verifiers know it, and keys rarely change.
        last = _cached.last(arn)
        if last is None:
            raise
        return last[0]
    token_keys.replace([key.public for key in keys], now)
    return _cached.keep(arn, now, keys)[0]


def forget() -> None:
    """Read the secret again when it is needed next."""
    _cached.clear()


def parsed(text: str) -> tuple[SigningKey, ...]:
    """Return the keys of a secret: {"keys": ["...", ...]}, or one generated string.

    ConfigurationError when there is none, or one that is too short to be safe.
    """
    secrets = _from_document(text) if text.lstrip().startswith("{") else [text]
    if not secrets or any(len(secret.encode()) < SHORTEST_SECRET_BYTES for secret in secrets):
        raise ConfigurationError(f"each signing key needs a secret of {SHORTEST_SECRET_BYTES} bytes or more")
    return tuple(_derived(secret) for secret in secrets)


def _derived(secret: str) -> SigningKey:
    """Return the key pair of a secret; its name is the beginning of the public half's hash."""
    seed = hashlib.sha256(b"experimentation access tokens\x1f" + secret.encode()).digest()
    private = Ed25519PrivateKey.from_private_bytes(seed)
    public = private.public_key().public_bytes_raw()
    kid = hashlib.sha256(public).hexdigest()[:16]
    return SigningKey(private, TokenKey(kid, base64.b64encode(public).decode()))


def _from_document(text: str) -> list[str]:
    try:
        secrets = json.loads(text)["keys"]
    except (ValueError, LookupError, TypeError):
        secrets = None
    if not isinstance(secrets, list) or not all(isinstance(secret, str) for secret in secrets):
        raise ConfigurationError('the signing secret should be {"keys": ["...", ...]}')
    return secrets


def _read(arn: str) -> str:
    with translated():
        return client.secrets().get_secret_value(SecretId=arn)["SecretString"]
