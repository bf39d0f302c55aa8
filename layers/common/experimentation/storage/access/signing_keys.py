"""The keys that sign access tokens: from Secrets Manager, two or more live at once."""

import hashlib
import json
from typing import NamedTuple

from experimentation import settings
from experimentation.domain.errors import ConfigurationError, UnavailableError
from experimentation.storage.aws import client
from experimentation.storage.aws.failures import translated

SHORTEST_SECRET_BYTES = 32  # RFC 7518, section 3.2: as long as the hash
MAX_AGE_MS = 300_000
UNKNOWN_KEY_PAUSE_MS = 10_000


class SigningKey(NamedTuple):
    """A secret and the `kid` by which a token names it."""

    kid: str
    secret: bytes


class _Kept(NamedTuple):
    read_at: int
    keys: tuple[SigningKey, ...]


_kept: dict[str, _Kept] = {}


def newest(now: int) -> SigningKey:
    """Return the key to sign with: the first of the secret."""
    return _keys(now, MAX_AGE_MS)[0]


def named(kid: str, now: int) -> SigningKey | None:
    """Return the key of that name; the secret is read again for an unknown one, every 10 s at most."""
    for age in (MAX_AGE_MS, UNKNOWN_KEY_PAUSE_MS):
        for key in _keys(now, age):
            if key.kid == kid:
                return key
    return None


def forget() -> None:
    """Read the secret again when it is needed next."""
    _kept.clear()


def parsed(text: str) -> tuple[SigningKey, ...]:
    """Return the keys in a secret: {"keys": [{"kid", "secret"}, ...]}, or one generated string.

    A plain string's kid is the beginning of its hash, so that a rotation can name it. ConfigurationError when
    there is no key, or one that is too short to be safe.
    """
    keys = (
        _from_document(text) if text.lstrip().startswith("{") else (SigningKey(kid_of(text), text.encode()),)
    )
    if not keys or any(len(key.secret) < SHORTEST_SECRET_BYTES or not key.kid for key in keys):
        raise ConfigurationError(f"each signing key needs a kid and {SHORTEST_SECRET_BYTES} bytes or more")
    return keys


def kid_of(secret: str) -> str:
    """Return the name of a secret that has none."""
    return hashlib.sha256(b"kid\x1f" + secret.encode()).hexdigest()[:8]


def _from_document(text: str) -> tuple[SigningKey, ...]:
    try:
        return tuple(SigningKey(entry["kid"], entry["secret"].encode()) for entry in json.loads(text)["keys"])
    except (ValueError, LookupError, TypeError, AttributeError):
        raise ConfigurationError('the signing secret should be {"keys": [{"kid", "secret"}]}') from None


def _keys(now: int, max_age_ms: int) -> tuple[SigningKey, ...]:
    arn = settings.signing_secret_arn()
    kept = _kept.get(arn)
    if kept is not None and now - kept.read_at < max_age_ms:
        return kept.keys
    try:
        keys = parsed(_read(arn))
    except UnavailableError:
        if kept is None:
            raise
        return kept.keys
    _kept[arn] = _Kept(now, keys)
    return keys


def _read(arn: str) -> str:
    with translated():
        return client.secrets().get_secret_value(SecretId=arn)["SecretString"]
