"""Sessions: families of refresh tokens; each is used once, and reuse ends the family (RFC 9700, 4.14).

A family is one item, under its person, with the hash of its current token and of the previous one. The
successor is derived from the presented token and a nonce that is stored with the rotation, so that the same
token presented again within 10 s gets the same answer, though no token is stored. Each token carries a tag
that only the family can have made, because a session's id is no secret and must not suffice to end it.
"""

import secrets
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple, cast

from botocore.exceptions import ClientError

from experimentation import settings
from experimentation.domain.errors import NotFoundError, UnauthenticatedError
from experimentation.storage.access import denials
from experimentation.storage.access.refresh_token import (
    RefreshToken,
    hashed,
    issued,
    parsed,
    refused,
    successor,
)
from experimentation.storage.aws import client
from experimentation.storage.aws.failures import condition_failed, translated
from experimentation.storage.aws.paged_query import every_item, in_partition

if TYPE_CHECKING:
    from experimentation.storage.aws.transactions import Item

GRACE_MS = 10_000  # for a client that missed the answer, or two tabs that refresh at once
LONGEST_AGENT = 200
LISTED = 100
DENIED_ONE_BY_ONE = 10  # sessions of a person, while their access tokens live


class Session(NamedTuple):
    """Whose session it is, since which epoch of the account, and its current refresh token.

    `authenticated_at` is when the person proved who they are (milliseconds), `ends_at` when they must again
    (seconds).
    """

    id: str
    username: str
    epoch: str
    refresh_token: str
    authenticated_at: int
    ends_at: int


class ListedSession(NamedTuple):
    """A session as its person sees it; times in milliseconds."""

    id: str
    started_at: int
    last_used_at: int
    ends_at: int
    address: str
    user_agent: str


class ReusedError(UnauthenticatedError):
    """A refresh token was presented again after its grace period: its family has ended."""

    def __init__(self, username: str) -> None:
        super().__init__("The refresh token is not valid.")
        self.username = username


def start(
    username: str,
    epoch: str,
    now: int,
    *,
    address: str = "",
    user_agent: str = "",
    authenticated_at: int | None = None,
    lifetime_seconds: int | None = None,
) -> Session:
    """Store a new family and return its first token.

    `authenticated_at` and `lifetime_seconds` are for a sign-in at the OpenID provider: it may have happened
    earlier, and be good for less time.
    """
    longest = settings.session_seconds()
    lifetime = longest if lifetime_seconds is None else min(longest, lifetime_seconds)
    session_id, secret, family_key = secrets.token_hex(16), secrets.token_hex(32), secrets.token_hex(32)
    item = _primary(username, session_id) | {
        "epoch": {"S": epoch},
        "family_key": {"S": family_key},
        "token_hash": {"S": hashed(secret)},
        "started_at": {"N": str(now)},
        "used_at": {"N": str(now)},
        "authenticated_at": {"N": str(now if authenticated_at is None else authenticated_at)},
        "ends_at": {"N": str(now // 1000 + lifetime)},
        "last_expiry": {"N": str(now // 1000 + settings.access_token_seconds())},
        "expires_at": {"N": str(now // 1000 + settings.refresh_token_seconds())},
        "address": {"S": address},
        "user_agent": {"S": user_agent[:LONGEST_AGENT]},
    }
    with translated():
        client.dynamodb().put_item(TableName=settings.accounts_table(), Item=item)
    return _session(item, secret)


def rotate(token: str, now: int) -> Session:
    """Return the session with the successor of `token`, in one conditional write.

    UnauthenticatedError for a token that is unknown, expired or revoked; ReusedError for one that was used
    more than 10 s ago, which also ends its family.
    """
    presented = parsed(token)
    nonce = secrets.token_hex(16)
    following = successor(presented.secret, nonce)
    with translated():
        try:
            answer = client.dynamodb().update_item(
                TableName=settings.accounts_table(),
                Key=_primary(presented.username, presented.session_id),
                UpdateExpression=(
                    "SET token_hash = :next, previous_hash = :presented, nonce = :nonce, used_at = :now, "
                    "expires_at = :expires, last_expiry = :last_expiry"
                ),
                ConditionExpression=(
                    "token_hash = :presented AND attribute_not_exists(revoked_at) AND expires_at > :seconds "
                    "AND ends_at > :seconds"
                ),
                ExpressionAttributeValues={
                    ":next": {"S": hashed(following)},
                    ":presented": {"S": hashed(presented.secret)},
                    ":nonce": {"S": nonce},
                    ":now": {"N": str(now)},
                    ":seconds": {"N": str(now // 1000)},
                    ":expires": {"N": str(now // 1000 + settings.refresh_token_seconds())},
                    ":last_expiry": {"N": str(now // 1000 + settings.access_token_seconds())},
                },
                ReturnValues="ALL_NEW",
                # The item as it was when the condition failed: a second read could find a later rotation.
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            if condition_failed(error):
                return _again(presented, cast("Item | None", error.response.get("Item")), now)
            raise
    return _session(answer["Attributes"], following)


def revoke(token: str, now: int) -> str:
    """End the family of a token, however old the token, and return its person.

    UnauthenticatedError when it is of none.
    """
    presented = parsed(token)
    item = _read(_primary(presented.username, presented.session_id))
    if item is None or not presented.is_of(item["family_key"]["S"]):
        raise refused()
    _end(item, now)
    return presented.username


def end(username: str, session_id: str, now: int) -> None:
    """End a family with its access tokens; NotFoundError when it does not exist or has ended."""
    item = _read(_primary(username, session_id))
    if item is None or not _lives(item, now):
        raise NotFoundError("There is no such session.")
    _end(item, now)


def live(username: str, now: int) -> list[ListedSession]:
    """Return the person's sessions that have not ended, the last used first; at most 100."""
    found = [_listed(item) for item in _items(username) if _lives(item, now)]
    return sorted(found, key=lambda session: session.last_used_at, reverse=True)[:LISTED]


def _again(presented: RefreshToken, item: "Item | None", now: int) -> Session:
    """Return the same successor within the grace period; refuse any other token, and end a reused family."""
    if item is None or not _lives(item, now) or not presented.is_of(item["family_key"]["S"]):
        raise refused()
    is_previous = item.get("previous_hash", {}).get("S") == hashed(presented.secret)
    if is_previous and now - int(item["used_at"]["N"]) <= GRACE_MS:
        return _session(item, successor(presented.secret, item["nonce"]["S"]))
    _end(item, now)  # a used token: either its client or an attacker holds a copy
    raise ReusedError(presented.username)


def _end(item: "Item", now: int) -> None:
    """Refuse a family's access tokens, then mark it as ended.

    The mark comes last: if either write fails, the family still lives and the call can be repeated.
    """
    username, session_id, last_expiry = _username(item), item["SK"]["S"], int(item["last_expiry"]["N"])
    _deny(username, session_id, last_expiry, now)
    with translated():
        try:
            ended = client.dynamodb().update_item(
                TableName=settings.accounts_table(),
                Key=_primary(username, session_id),
                UpdateExpression="SET revoked_at = if_not_exists(revoked_at, :now)",
                ConditionExpression="attribute_exists(PK)",
                ExpressionAttributeValues={":now": {"N": str(now)}},
                ReturnValues="ALL_NEW",
            )["Attributes"]
        except ClientError as error:
            if condition_failed(error):
                return  # it had expired and is deleted: none of its tokens is good
            raise
    latest_expiry = int(ended["last_expiry"]["N"])
    if latest_expiry > last_expiry:  # a token was issued between the read and the mark
        denials.deny_session(session_id, latest_expiry)


def _deny(username: str, session_id: str, last_expiry: int, now: int) -> None:
    if last_expiry + denials.SKEW_SECONDS <= now // 1000:
        return  # all its access tokens have expired
    # Every environment caches the whole deny list: nobody may make it long by signing in and out.
    if _ended_lately(username, now) <= DENIED_ONE_BY_ONE:
        denials.deny_session(session_id, last_expiry)
    else:
        denials.deny_subject_now(username, now)


def _ended_lately(username: str, now: int) -> int:
    """Count one more ended session of the person in this quarter of an hour; return their number."""
    window = now // 1000 // denials.SUBJECT_BUCKET_SECONDS
    with translated():
        answer = client.dynamodb().update_item(
            TableName=settings.accounts_table(),
            Key={"PK": {"S": f"ENDED#{username}"}, "SK": {"S": f"FROM#{window}"}},
            UpdateExpression="ADD sessions :one SET expires_at = :expires",
            ExpressionAttributeValues={
                ":one": {"N": "1"},
                ":expires": {"N": str((window + 2) * denials.SUBJECT_BUCKET_SECONDS)},
            },
            ReturnValues="UPDATED_NEW",
        )
    return int(answer["Attributes"]["sessions"]["N"])


def _read(key: "Item") -> "Item | None":
    with translated():
        answer = client.dynamodb().get_item(TableName=settings.accounts_table(), Key=key, ConsistentRead=True)
    return answer.get("Item")


def _items(username: str) -> "Iterator[Item]":
    return every_item(in_partition(settings.accounts_table(), f"SESSION#{username}", consistent=True))


def _lives(item: "Item", now: int) -> bool:
    seconds = now // 1000
    return (
        "revoked_at" not in item
        and int(item["expires_at"]["N"]) > seconds
        and int(item["ends_at"]["N"]) > seconds
    )


def _session(item: "Item", secret: str) -> Session:
    username, session_id = _username(item), item["SK"]["S"]
    return Session(
        id=session_id,
        username=username,
        epoch=item["epoch"]["S"],
        refresh_token=issued(username, session_id, secret, item["family_key"]["S"]),
        authenticated_at=int((item.get("authenticated_at") or item["started_at"])["N"]),
        ends_at=int(item["ends_at"]["N"]),
    )


def _listed(item: "Item") -> ListedSession:
    ends_at = min(int(item["ends_at"]["N"]), int(item["expires_at"]["N"]))
    return ListedSession(
        id=item["SK"]["S"],
        started_at=int(item["started_at"]["N"]),
        last_used_at=int(item["used_at"]["N"]),
        ends_at=ends_at * 1000,
        address=item["address"]["S"],
        user_agent=item["user_agent"]["S"],
    )


def _primary(username: str, session_id: str) -> "Item":
    return {"PK": {"S": f"SESSION#{username}"}, "SK": {"S": session_id}}


def _username(item: "Item") -> str:
    return str(item["PK"]["S"]).removeprefix("SESSION#")
