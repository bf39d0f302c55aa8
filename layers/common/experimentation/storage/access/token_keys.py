"""The public keys that verify access tokens: one item, which signing functions keep equal to the secret."""

from collections.abc import Sequence
from typing import NamedTuple

from experimentation import settings
from experimentation.storage.aws import client
from experimentation.storage.aws.failures import translated
from experimentation.storage.cached import Cached

KEY = {"PK": {"S": "TOKENKEYS"}, "SK": {"S": "CURRENT"}}
MAX_AGE_MS = 300_000
UNKNOWN_KEY_PAUSE_MS = 2_000


class TokenKey(NamedTuple):
    """A public Ed25519 key in base64, and the `kid` by which a token names it."""

    kid: str
    public: str


_cached: Cached[str, tuple[TokenKey, ...]] = Cached(MAX_AGE_MS)


def named(kid: str, now: int) -> TokenKey | None:
    """Return the key of that name; an unknown name reads the keys again, every 2 s at most."""
    # Read again, as a new key is published before its first token; limited, as made-up names must be cheap.
    for age in (MAX_AGE_MS, UNKNOWN_KEY_PAUSE_MS):
        for key in _keys(now, age):
            if key.kid == kid:
                return key
    return None


def replace(keys: Sequence[TokenKey], now: int) -> None:
    """Accept only tokens of these keys from now on; written only when the keys change."""
    table = settings.accounts_table()
    if set(_read(table)) != set(keys):
        listed = [{"M": {"kid": {"S": key.kid}, "public": {"S": key.public}}} for key in keys]
        with translated():
            client.dynamodb().put_item(TableName=table, Item={**KEY, "keys": {"L": listed}})
    _cached.keep(table, now, tuple(keys))


def forget() -> None:
    """Read the keys again when one is needed next."""
    _cached.clear()


def _keys(now: int, max_age_ms: int) -> tuple[TokenKey, ...]:
    table = settings.accounts_table()
    return _cached.read(table, now, lambda: _read(table), max_age_ms)


def _read(table: str) -> tuple[TokenKey, ...]:
    with translated():
        answer = client.dynamodb().get_item(TableName=table, Key=KEY, ConsistentRead=True)
    listed = answer["Item"]["keys"]["L"] if "Item" in answer else []
    return tuple(TokenKey(entry["M"]["kid"]["S"], entry["M"]["public"]["S"]) for entry in listed)
