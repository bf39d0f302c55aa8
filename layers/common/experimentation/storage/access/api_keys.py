"""API keys: `exp_<id>_<secret>`; only the secret's hash is stored."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from botocore.exceptions import ClientError

from experimentation import settings
from experimentation.domain.clock import DAY_MS
from experimentation.domain.errors import ConflictError, NotFoundError, UnavailableError
from experimentation.storage.aws import client
from experimentation.storage.aws.failures import condition_failed, translated
from experimentation.storage.aws.transactions import CancelledError, commit
from experimentation.storage.cached import Cached

if TYPE_CHECKING:
    from experimentation.storage.aws.transactions import Action, Item

PARTITION = "APIKEY"
MAX_AGE_MS = 10_000
DEFAULT_RATE = 6_000
"""Requests a minute that each execution environment accepts of a key without a rate of its own."""


class ApiKey(NamedTuple):
    """A machine's key; times in milliseconds, `expires_at` None when it does not expire.

    `owner` is the person responsible for it, `rate` the requests a minute that each environment accepts,
    `used_on` the last day of use (since 1970, UTC).
    """

    id: str
    name: str
    secret_hash: str
    scopes: tuple[str, ...]
    created_at: int
    created_by: str
    expires_at: int | None
    owner: str
    rate: int = DEFAULT_RATE
    used_on: int | None = None

    def is_expired(self, now: int) -> bool:
        """Tell whether it has expired."""
        return self.expires_at is not None and self.expires_at <= now


class Page(NamedTuple):
    """Some keys in the order of their ids, and the id after which the next page starts."""

    keys: list[ApiKey]
    next_after: str | None


_found: Cached[str, ApiKey] = Cached(MAX_AGE_MS)
_missing: Cached[str, bool] = Cached(MAX_AGE_MS)  # apart: a flood of invented ids must not push keys out


def hashed(secret: str) -> str:
    """Return the stored hash of a secret: of 256 random bits, one plain hash is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()


def create(key: ApiKey, record: "Sequence[Action]" = ()) -> None:
    """Store a new key, and `record` with it; ConflictError when its id is taken."""
    creation: Action = {
        "Put": {
            "TableName": settings.accounts_table(),
            "Item": _item(key),
            "ConditionExpression": "attribute_not_exists(PK)",
        }
    }
    if not _committed([creation, *record]):
        raise ConflictError("There is already a key with this id.")


def cached(key_id: str, now: int) -> ApiKey | None:
    """Return the key, None when there is none; read again after 10 s."""
    fresh = _found.fresh(key_id, now)
    if fresh is not None or _missing.fresh(key_id, now):
        return fresh
    found = _read(key_id)
    if found is None:
        _found.drop(key_id)
        _missing.keep(key_id, now, value=True)
    else:
        _missing.drop(key_id)
        _found.keep(key_id, now, found)
    return found


def note_use(key: ApiKey, now: int) -> None:
    """Store the day on which a key is used: about one write a day and key."""
    today = now // DAY_MS
    if key.used_on is not None and key.used_on >= today:
        return
    _found.change(key.id, lambda known: known._replace(used_on=today))
    # The request does not fail without this note: another environment, or a later read, writes it.
    with suppress(UnavailableError), translated():
        try:
            client.dynamodb().update_item(
                TableName=settings.accounts_table(),
                Key=_primary(key.id),
                UpdateExpression="SET used_on = :today",
                ConditionExpression="attribute_exists(PK)",
                ExpressionAttributeValues={":today": {"N": str(today)}},
            )
        except ClientError as error:
            if not condition_failed(error):
                raise


def page(limit: int, after: str | None) -> Page:
    """Return up to `limit` keys in the order of their ids."""
    with translated():
        answer = client.dynamodb().query(
            TableName=settings.accounts_table(),
            KeyConditionExpression="PK = :keys AND SK > :after",
            ExpressionAttributeValues={":keys": {"S": PARTITION}, ":after": {"S": after or " "}},
            Limit=limit,
            ConsistentRead=True,
        )
    keys = [_key(item) for item in answer["Items"]]
    return Page(keys, keys[-1].id if "LastEvaluatedKey" in answer else None)


def owned_by(username: str) -> list[ApiKey]:
    """Return every key that the person answers for."""
    return [key for key in _all() if key.owner == username]


def hand_over(key: ApiKey, owner: str, record: "Sequence[Action]") -> None:
    """Let another person answer for a key; nothing when it is deleted or was handed over meanwhile."""
    change: Action = {
        "Update": {
            "TableName": settings.accounts_table(),
            "Key": _primary(key.id),
            "UpdateExpression": "SET key_owner = :owner",
            "ConditionExpression": "key_owner = :before",
            "ExpressionAttributeValues": {":owner": {"S": owner}, ":before": {"S": key.owner}},
        }
    }
    _committed([change, *record])


def delete(key_id: str, record: "Sequence[Action]" = ()) -> None:
    """Delete the key; NotFoundError when there is none."""
    if not end(key_id, record):
        raise NotFoundError("There is no such API key.")


def end(key_id: str, record: "Sequence[Action]" = ()) -> bool:
    """Delete the key; False when there is none."""
    removal: Action = {
        "Delete": {
            "TableName": settings.accounts_table(),
            "Key": _primary(key_id),
            "ConditionExpression": "attribute_exists(PK)",
        }
    }
    is_deleted = _committed([removal, *record])
    forget()
    return is_deleted


def forget() -> None:
    """Read each key again when it is needed next."""
    _found.clear()
    _missing.clear()


def _committed(actions: "Sequence[Action]") -> bool:
    """Write all; False when the first one's condition does not hold."""
    try:
        commit(actions)
    except CancelledError as error:
        if error.condition_failed(0):
            return False
        raise UnavailableError("The keys are being changed by others; try again.") from error
    return True


def _all() -> Iterator[ApiKey]:
    after: str | None = None
    while True:
        found = page(100, after)
        yield from found.keys
        after = found.next_after
        if after is None:
            return


def _read(key_id: str) -> ApiKey | None:
    with translated():
        answer = client.dynamodb().get_item(
            TableName=settings.accounts_table(), Key=_primary(key_id), ConsistentRead=True
        )
    return _key(answer["Item"]) if "Item" in answer else None


def _primary(key_id: str) -> "Item":
    return {"PK": {"S": PARTITION}, "SK": {"S": key_id}}


def _item(key: ApiKey) -> "Item":
    item: Item = _primary(key.id) | {
        "name": {"S": key.name},
        "secret_hash": {"S": key.secret_hash},
        "scopes": {"L": [{"S": scope} for scope in key.scopes]},
        "created_at": {"N": str(key.created_at)},
        "created_by": {"S": key.created_by},
        "key_owner": {"S": key.owner},
        "rate": {"N": str(key.rate)},
    }
    if key.expires_at is not None:
        item["expires"] = {"N": str(key.expires_at)}
        item["expires_at"] = {"N": str(key.expires_at // 1000 + 1)}  # not a second before it expires
    return item


def _key(item: "Item") -> ApiKey:
    return ApiKey(
        id=item["SK"]["S"],
        name=item["name"]["S"],
        secret_hash=item["secret_hash"]["S"],
        scopes=tuple(scope["S"] for scope in item["scopes"]["L"]),
        created_at=int(item["created_at"]["N"]),
        created_by=item["created_by"]["S"],
        expires_at=int(item["expires"]["N"]) if "expires" in item else None,
        owner=item["key_owner"]["S"],
        rate=int(item["rate"]["N"]),
        used_on=int(item["used_on"]["N"]) if "used_on" in item else None,
    )
