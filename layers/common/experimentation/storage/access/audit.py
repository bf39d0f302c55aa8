"""The audit record of changes of access: append-only, expires after 400 days.

Refusals of callers without a right are in partitions of their own, because every function may write them but
none may touch the rest. A caller has one per route and quarter of an hour, so that nobody can fill the table.
"""

import hashlib
import heapq
import secrets
from collections.abc import Iterator
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from botocore.exceptions import ClientError

from experimentation import settings
from experimentation.domain.clock import DAY_MS
from experimentation.storage.aws import client
from experimentation.storage.aws.failures import condition_failed, translated
from experimentation.storage.aws.paged_query import every_item
from experimentation.storage.cached import Cached

if TYPE_CHECKING:
    from experimentation.storage.aws.transactions import Action, Item

KEPT_DAYS = 400
RECORD, REFUSALS = "AUDIT", "REFUSED"
PERIOD_MS = 30 * DAY_MS  # a partition of the table for each
PERIODS = -(-KEPT_DAYS // 30)
LONGEST_AGENT = 200
REFUSAL_WINDOW_MS = 900_000

_refused: Cached[str, bool] = Cached(REFUSAL_WINDOW_MS)


class Deed(StrEnum):
    """What was done."""

    LOGIN = "login"
    LOGIN_REFUSED = "login_refused"
    SESSION_ENDED = "session_ended"
    SESSION_REUSED = "session_reused"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105  # nosec B105 - a name
    PASSWORD_REFUSED = "password_refused"  # noqa: S105  # nosec B105 - a name
    ACCOUNT_CREATED = "account_created"
    ACCOUNT_CHANGED = "account_changed"
    ACCOUNT_DELETED = "account_deleted"
    KEY_CREATED = "key_created"
    KEY_ENDED = "key_ended"
    KEY_HANDED_OVER = "key_handed_over"
    ACCESS_REFUSED = "access_refused"
    USER_ERASED = "user_erased"
    ROWS_EXPORTED = "rows_exported"


class Origin(NamedTuple):
    """Who acts, and from where; `actor` is empty for somebody who is not signed in."""

    actor: str
    address: str
    user_agent: str
    now: int


class Entry(NamedTuple):
    """One deed; `at` is in milliseconds, `target` is the person or key it was done to.

    Of an erased user it is the pseudonym alone.
    """

    at: int
    deed: str
    actor: str
    target: str
    detail: str
    address: str
    user_agent: str


class Page(NamedTuple):
    """Some entries, newest first, and the position after which the next page starts."""

    entries: list[Entry]
    next_after: str | None


def writing(deed: Deed, origin: Origin, target: str, detail: str = "") -> "Action":
    """Return the write of an entry, for the transaction that does the deed."""
    item: Item = {
        "PK": {"S": f"{RECORD}#{origin.now // PERIOD_MS}"},
        "SK": {"S": f"{origin.now:013d}#{secrets.token_hex(8)}"},
        **_told(deed, origin, target, detail),
    }
    return {
        "Put": {
            "TableName": settings.accounts_table(),
            "Item": item,
            "ConditionExpression": "attribute_not_exists(PK)",
        }
    }


def write(deed: Deed, origin: Origin, target: str, detail: str = "") -> None:
    """Store an entry of a deed that is done already, or was refused."""
    with translated():
        client.dynamodb().put_item(**writing(deed, origin, target, detail)["Put"])


def write_refusal(origin: Origin, route: str, detail: str) -> None:
    """Store a caller's refusal on a route, once in a quarter of an hour."""
    started = origin.now // REFUSAL_WINDOW_MS * REFUSAL_WINDOW_MS
    digest = hashlib.sha256(f"{origin.actor}\x1f{route}".encode()).hexdigest()[:16]
    name = f"{started:013d}#{digest}"
    if _refused.fresh(name, origin.now):
        return
    item = {
        "PK": {"S": f"{REFUSALS}#{started // PERIOD_MS}"},
        "SK": {"S": name},
        **_told(Deed.ACCESS_REFUSED, origin, route, detail),
    }
    with translated():
        try:
            client.dynamodb().put_item(
                TableName=settings.accounts_table(),
                Item=item,
                ConditionExpression="attribute_not_exists(PK)",
            )
        except ClientError as error:
            if not condition_failed(error):
                raise
    _refused.keep(name, origin.now, value=True)


def forget() -> None:
    """Forget which refusals were written."""
    _refused.clear()


def page(limit: int, after: str | None, now: int) -> Page:
    """Return up to `limit` entries, newest first; `after` is the <period>#<key> of the one before."""
    newest = now // PERIOD_MS
    start, _, key = (after or f"{newest}#").partition("#")
    entries: list[Entry] = []
    # A cursor is not signed: one of the far future must not cost a query for every period until then.
    first = min(int(start), newest) if start.isdecimal() else newest
    for period in range(first, newest - PERIODS - 1, -1):
        for item in _of_period(period, limit - len(entries), key):
            entries.append(_entry(item))
            if len(entries) == limit:
                return Page(entries, f"{period}#{item['SK']['S']}")
        key = ""
    return Page(entries, None)


def _of_period(period: int, limit: int, before: str) -> "Iterator[Item]":
    """Yield up to `limit` items of a period, of both kinds, newest first, before a key."""
    kinds = [_of_partition(f"{kind}#{period}", limit, before) for kind in (RECORD, REFUSALS)]
    yield from islice(heapq.merge(*kinds, key=lambda item: item["SK"]["S"], reverse=True), limit)


def _of_partition(partition: str, limit: int, before: str) -> "Iterator[Item]":
    query = {
        "TableName": settings.accounts_table(),
        "KeyConditionExpression": "PK = :period AND SK < :before",
        "ExpressionAttributeValues": {":period": {"S": partition}, ":before": {"S": before or "~"}},
        "ScanIndexForward": False,
        "ConsistentRead": True,
        "Limit": limit,
    }
    return every_item(query)


def _told(deed: Deed, origin: Origin, target: str, detail: str) -> "Item":
    """Return an entry's attributes besides its key."""
    return {
        "deed": {"S": deed},
        "actor": {"S": origin.actor},
        "target": {"S": target},
        "detail": {"S": detail},
        "address": {"S": origin.address},
        "user_agent": {"S": origin.user_agent[:LONGEST_AGENT]},
        "expires_at": {"N": str(origin.now // 1000 + KEPT_DAYS * 86_400)},
    }


def _entry(item: "Item") -> Entry:
    return Entry(
        at=int(item["SK"]["S"].partition("#")[0]),
        deed=item["deed"]["S"],
        actor=item["actor"]["S"],
        target=item["target"]["S"],
        detail=item["detail"]["S"],
        address=item["address"]["S"],
        user_agent=item["user_agent"]["S"],
    )
