"""The deny list: sessions and people whose access tokens are refused before they expire; cached for 10 s.

An entry's key begins with its expiry, so that a read skips expired entries however late DynamoDB deletes
them. A session has one entry however many tokens it was issued; a person who ends more than a few sessions
while their tokens live gets one entry for all of them, so that nobody can make the list long.
"""

from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import ClientError

from experimentation import settings
from experimentation.storage.aws import client
from experimentation.storage.aws.failures import condition_failed, translated
from experimentation.storage.aws.paged_query import every_item
from experimentation.storage.cached import Cached

if TYPE_CHECKING:
    from experimentation.storage.aws.transactions import Action, Item

PARTITION = "DENY"
MAX_AGE_MS = 10_000  # how late a denial may take effect; without it, each request costs a read
SKEW_SECONDS = 60  # an environment whose clock is behind accepts a token for that much longer
SUBJECT_BUCKET_SECONDS = 900  # a person has one entry for each quarter of an hour at most


class _Denied(NamedTuple):
    sessions: frozenset[str]
    not_before: dict[str, int]


_denied: Cached[str, _Denied] = Cached(MAX_AGE_MS)


def is_denied(session_id: str, subject: str, issued_at: int, now: int) -> bool:
    """Tell whether a token's session is denied, or its subject's tokens of that time (milliseconds)."""
    denied = _current(now)
    return session_id in denied.sessions or issued_at <= denied.not_before.get(subject, -1)


def deny_session(session_id: str, last_expiry: int) -> None:
    """Refuse a session's access tokens until the last of them expires anyway (seconds since 1970)."""
    _put(_item(f"SESSION#{session_id}", last_expiry + SKEW_SECONDS))


def deny_subject(subject: str, now: int) -> "Action":
    """Return the write that refuses all tokens issued to the person until `now`."""
    return {"Put": {"TableName": settings.accounts_table(), "Item": _subject_item(subject, now)}}


def deny_subject_now(subject: str, now: int) -> None:
    """Refuse all tokens issued to the person until `now`; a later denial stays as it is."""
    try:
        _put(
            _subject_item(subject, now),
            ConditionExpression="attribute_not_exists(PK) OR not_before < :now",
            ExpressionAttributeValues={":now": {"N": str(now)}},
        )
    except ClientError as error:
        if not condition_failed(error):
            raise
        forget()


def forget() -> None:
    """Read the list again when it is needed next."""
    _denied.clear()


def _put(item: "Item", **condition: Any) -> None:
    with translated():
        client.dynamodb().put_item(TableName=settings.accounts_table(), Item=item, **condition)
    forget()


def _subject_item(subject: str, now: int) -> "Item":
    longest = now // 1000 + settings.LONGEST_ACCESS_TOKEN_SECONDS + SKEW_SECONDS
    expires_at = -(-longest // SUBJECT_BUCKET_SECONDS) * SUBJECT_BUCKET_SECONDS
    return _item(f"SUBJECT#{subject}", expires_at) | {"not_before": {"N": str(now)}}


def _item(name: str, expires_at: int) -> "Item":
    return {
        "PK": {"S": PARTITION},
        "SK": {"S": f"{expires_at:010d}#{name}"},
        "expires_at": {"N": str(expires_at)},
    }


def _current(now: int) -> _Denied:
    table = settings.accounts_table()
    return _denied.fresh(table, now) or _denied.keep(table, now, _read(table, now))


def _read(table: str, now: int) -> _Denied:
    sessions: set[str] = set()
    not_before: dict[str, int] = {}
    query = {
        "TableName": table,
        "KeyConditionExpression": "PK = :deny AND SK > :now",
        "ExpressionAttributeValues": {":deny": {"S": PARTITION}, ":now": {"S": f"{now // 1000:010d}"}},
        "ConsistentRead": True,
    }
    for item in every_item(query):
        _, kind, name = item["SK"]["S"].split("#", 2)
        if kind == "SUBJECT":
            not_before[name] = max(int(item["not_before"]["N"]), not_before.get(name, -1))
        else:
            sessions.add(name)
    return _Denied(frozenset(sessions), not_before)
