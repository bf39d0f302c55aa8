"""Sessions: families of refresh tokens; each is used once, and reuse ends the family (RFC 9700, 4.14).

A family is one item that knows the hash of its current token and of the one before. The successor is derived
from the presented token and a nonce that is stored with the rotation, so that whoever presents the same token
again within 10 s gets the same answer, though no token is stored.
"""

import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING, NamedTuple, cast

from botocore.exceptions import ClientError

from experimentation import settings
from experimentation.domain.errors import UnauthenticatedError
from experimentation.storage.access import denials
from experimentation.storage.aws import client
from experimentation.storage.aws.failures import condition_failed, translated

if TYPE_CHECKING:
    from experimentation.storage.aws.transactions import Item

GRACE_MS = 10_000
PREFIX = "rt"
LONGEST = 200


class Session(NamedTuple):
    """Whose session it is, since which epoch of the account, and its current refresh token."""

    id: str
    username: str
    epoch: str
    refresh_token: str


def start(username: str, epoch: str, now: int) -> Session:
    """Store a new family and return its first token."""
    session_id, secret = secrets.token_hex(16), secrets.token_urlsafe(32)
    item = _primary(session_id) | {
        "username": {"S": username},
        "epoch": {"S": epoch},
        "token_hash": {"S": _hashed(secret)},
        "created_at": {"N": str(now)},
        "expires_at": {"N": str(now // 1000 + settings.refresh_token_seconds())},
    }
    with translated():
        client.dynamodb().put_item(TableName=settings.accounts_table(), Item=item)
    return Session(session_id, username, epoch, _token(session_id, secret))


def rotate(token: str, now: int) -> Session:
    """Return the session with the successor of `token`, in one conditional write.

    UnauthenticatedError for a token that is unknown, expired or revoked, and for one that was used more than
    10 s ago, which also ends its family.
    """
    session_id, secret = _parts(token)
    nonce = secrets.token_hex(16)
    successor = _successor(secret, nonce)
    with translated():
        try:
            answer = client.dynamodb().update_item(
                TableName=settings.accounts_table(),
                Key=_primary(session_id),
                UpdateExpression=(
                    "SET token_hash = :next, previous_hash = :presented, nonce = :nonce, rotated_at = :now, "
                    "expires_at = :expires"
                ),
                ConditionExpression=(
                    "token_hash = :presented AND attribute_not_exists(revoked_at) AND expires_at > :seconds"
                ),
                ExpressionAttributeValues={
                    ":next": {"S": _hashed(successor)},
                    ":presented": {"S": _hashed(secret)},
                    ":nonce": {"S": nonce},
                    ":now": {"N": str(now)},
                    ":seconds": {"N": str(now // 1000)},
                    ":expires": {"N": str(now // 1000 + settings.refresh_token_seconds())},
                },
                ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            if condition_failed(error):
                return _again(session_id, secret, cast("Item | None", error.response.get("Item")), now)
            raise
    return _session(session_id, answer["Attributes"], successor)


def revoke(token: str, now: int) -> None:
    """End the family that a token is of, with its access tokens; UnauthenticatedError when it is of none."""
    session_id, secret = _parts(token)
    presented: Item = {":presented": {"S": _hashed(secret)}}
    condition = "token_hash = :presented OR previous_hash = :presented"
    if not _ended(session_id, now, condition, presented):
        raise _refused()


def end(session_id: str, now: int) -> None:
    """End a family, if there is one, with its access tokens."""
    _ended(session_id, now, "attribute_exists(PK)", {})


def _again(session_id: str, secret: str, item: "Item | None", now: int) -> Session:
    """Return the successor once more while it is fresh; anything else is a token that must not be used."""
    live = item is not None and "revoked_at" not in item and int(item["expires_at"]["N"]) > now // 1000
    if not live or item is None:
        raise _refused()
    if (
        item.get("previous_hash", {}).get("S") == _hashed(secret)
        and now - int(item["rotated_at"]["N"]) <= GRACE_MS
    ):
        return _session(session_id, item, _successor(secret, item["nonce"]["S"]))
    end(session_id, now)  # somebody has a copy
    raise _refused()


def _ended(session_id: str, now: int, condition: str, values: "Item") -> bool:
    with translated():
        try:
            client.dynamodb().update_item(
                TableName=settings.accounts_table(),
                Key=_primary(session_id),
                UpdateExpression="SET revoked_at = if_not_exists(revoked_at, :now)",
                ConditionExpression=condition,
                ExpressionAttributeValues={":now": {"N": str(now)}, **values},
            )
        except ClientError as error:
            if condition_failed(error):
                return False
            raise
    denials.deny_session(session_id, now)
    return True


def _session(session_id: str, item: "Item", secret: str) -> Session:
    return Session(session_id, item["username"]["S"], item["epoch"]["S"], _token(session_id, secret))


def _primary(session_id: str) -> "Item":
    return {"PK": {"S": f"SESSION#{session_id}"}, "SK": {"S": "SESSION"}}


def _token(session_id: str, secret: str) -> str:
    return f"{PREFIX}_{session_id}_{secret}"


def _parts(token: str) -> tuple[str, str]:
    """Return a token's session and secret."""
    parts = token.split("_", 2)
    if len(parts) < 3 or parts[0] != PREFIX or not token.isascii() or not all(parts) or len(token) > LONGEST:
        raise _refused()
    return parts[1], parts[2]


def _hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _successor(secret: str, nonce: str) -> str:
    return hmac.new(secret.encode(), b"successor\x1f" + nonce.encode(), hashlib.sha256).hexdigest()


def _refused() -> UnauthenticatedError:
    return UnauthenticatedError("The refresh token is not valid.")
