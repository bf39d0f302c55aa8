"""The deny list: access tokens that are refused before they expire, read again every 10 s at most."""

from typing import TYPE_CHECKING, NamedTuple

from experimentation import settings
from experimentation.storage.aws import client
from experimentation.storage.aws.failures import translated

if TYPE_CHECKING:
    from experimentation.storage.aws.transactions import Action, Item

PARTITION = "DENY"
MAX_AGE_MS = 10_000
SKEW_SECONDS = 60


class _Kept(NamedTuple):
    read_at: int
    tokens: frozenset[str]
    sessions: frozenset[str]
    not_before: dict[str, int]


_kept: dict[str, _Kept] = {}


def is_denied(token_id: str, subject: str, issued_at: int, now: int) -> bool:
    """Tell whether a token, its session, or everything its subject got until then, is refused.

    A token's id is <session>.<number>; times are milliseconds.
    """
    kept = _current(now)
    return (
        token_id in kept.tokens
        or token_id.partition(".")[0] in kept.sessions
        or issued_at <= kept.not_before.get(subject, -1)
    )


def deny_token(token_id: str, expires_at: int) -> None:
    """Refuse one access token until it expires anyway (seconds since 1970)."""
    _put(_item(f"TOKEN#{token_id}", expires_at + SKEW_SECONDS))


def deny_session(session_id: str, now: int) -> None:
    """Refuse every access token of a session."""
    _put(_item(f"SESSION#{session_id}", _longest(now)))


def deny_subject(subject: str, now: int) -> "Action":
    """Return the write that refuses whatever the person was issued until `now`."""
    item = _item(f"SUBJECT#{subject}", _longest(now)) | {"not_before": {"N": str(now)}}
    return {"Put": {"TableName": settings.accounts_table(), "Item": item}}


def forget() -> None:
    """Read the list again when it is needed next."""
    _kept.clear()


def _put(item: "Item") -> None:
    with translated():
        client.dynamodb().put_item(TableName=settings.accounts_table(), Item=item)
    forget()


def _item(name: str, expires_at: int) -> "Item":
    return {"PK": {"S": PARTITION}, "SK": {"S": name}, "expires_at": {"N": str(expires_at)}}


def _longest(now: int) -> int:
    return now // 1000 + settings.LONGEST_ACCESS_TOKEN_SECONDS + SKEW_SECONDS


def _current(now: int) -> _Kept:
    table = settings.accounts_table()
    kept = _kept.get(table)
    if kept is None or now - kept.read_at >= MAX_AGE_MS:
        kept = _kept[table] = _read(table, now)
    return kept


def _read(table: str, now: int) -> _Kept:
    tokens: set[str] = set()
    sessions: set[str] = set()
    not_before: dict[str, int] = {}
    with translated():
        pages = (
            client.dynamodb()
            .get_paginator("query")
            .paginate(
                TableName=table,
                KeyConditionExpression="PK = :deny",
                ExpressionAttributeValues={":deny": {"S": PARTITION}},
                ConsistentRead=True,
            )
        )
        for item in (item for page in pages for item in page["Items"]):
            kind, _, name = item["SK"]["S"].partition("#")
            if kind == "SUBJECT":
                not_before[name] = int(item["not_before"]["N"])
            else:
                (tokens if kind == "TOKEN" else sessions).add(name)
    return _Kept(now, frozenset(tokens), frozenset(sessions), not_before)
