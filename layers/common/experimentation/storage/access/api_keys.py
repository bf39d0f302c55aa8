"""API keys: `exp_<id>_<secret>`, of which the hash alone is stored."""

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from botocore.exceptions import ClientError

from experimentation import settings
from experimentation.domain.errors import ConflictError, NotFoundError
from experimentation.storage.aws import client
from experimentation.storage.aws.failures import condition_failed, translated

if TYPE_CHECKING:
    from experimentation.storage.aws.transactions import Item

PARTITION = "APIKEY"
MAX_AGE_MS = 10_000
MAX_KEPT = 1_000  # a flood of invented ids must not fill the memory


class ApiKey(NamedTuple):
    """A machine's key; times in milliseconds, `expires_at` None when it does not expire."""

    id: str
    name: str
    secret_hash: str
    scopes: tuple[str, ...]
    created_at: int
    created_by: str
    expires_at: int | None

    def is_expired(self, now: int) -> bool:
        """Tell whether its time is over."""
        return self.expires_at is not None and self.expires_at <= now


class Page(NamedTuple):
    """Some keys in the order of their ids, and the id after which the next page starts."""

    keys: list[ApiKey]
    next_after: str | None


_kept: dict[str, tuple[int, ApiKey | None]] = {}


def hashed(secret: str) -> str:
    """Return what is stored of a secret: it is 256 random bits, so one plain hash is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()


def create(key: ApiKey) -> None:
    """Store a new key; ConflictError when its id is taken."""
    with translated():
        try:
            client.dynamodb().put_item(
                TableName=settings.accounts_table(),
                Item=_item(key),
                ConditionExpression="attribute_not_exists(PK)",
            )
        except ClientError as error:
            if condition_failed(error):
                raise ConflictError("There already is a key of this id.") from error
            raise


def cached(key_id: str, now: int) -> ApiKey | None:
    """Return the key, None when there is none; what is known is asked again after 10 s."""
    kept = _kept.get(key_id)
    if kept is not None and now - kept[0] < MAX_AGE_MS:
        return kept[1]
    found = _read(key_id)
    if len(_kept) >= MAX_KEPT:
        _kept.clear()
    _kept[key_id] = (now, found)
    return found


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


def delete(key_id: str) -> None:
    """Delete the key; NotFoundError when there is none."""
    with translated():
        try:
            client.dynamodb().delete_item(
                TableName=settings.accounts_table(),
                Key=_primary(key_id),
                ConditionExpression="attribute_exists(PK)",
            )
        except ClientError as error:
            if condition_failed(error):
                raise NotFoundError("There is no such API key.") from error
            raise
    forget()


def forget() -> None:
    """Read each key again when it is needed next."""
    _kept.clear()


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
    }
    if key.expires_at is not None:
        item["expires"] = {"N": str(key.expires_at)}
        item["expires_at"] = {"N": str(key.expires_at // 1000 + 1)}
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
    )
