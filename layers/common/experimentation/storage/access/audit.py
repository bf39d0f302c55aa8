"""The record of who did what to access: appended to, never changed; forgotten after 400 days."""

import secrets
from collections.abc import Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from experimentation import settings
from experimentation.domain.clock import DAY_MS
from experimentation.storage.aws import client
from experimentation.storage.aws.failures import translated

if TYPE_CHECKING:
    from experimentation.storage.aws.transactions import Action, Item

KEPT_DAYS = 400
PERIOD_MS = 30 * DAY_MS  # a partition of the table for each
PERIODS = -(-KEPT_DAYS // 30)
LONGEST_AGENT = 200


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
    USER_ERASED = "user_erased"


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
    """Return the write of an entry, to stand in the transaction that does the deed."""
    item: Item = {
        "PK": {"S": _partition(origin.now // PERIOD_MS)},
        "SK": {"S": f"{origin.now:013d}#{secrets.token_hex(8)}"},
        "deed": {"S": deed},
        "actor": {"S": origin.actor},
        "target": {"S": target},
        "detail": {"S": detail},
        "address": {"S": origin.address},
        "user_agent": {"S": origin.user_agent[:LONGEST_AGENT]},
        "expires_at": {"N": str(origin.now // 1000 + KEPT_DAYS * 86_400)},
    }
    return {
        "Put": {
            "TableName": settings.accounts_table(),
            "Item": item,
            "ConditionExpression": "attribute_not_exists(PK)",
        }
    }


def write(deed: Deed, origin: Origin, target: str, detail: str = "") -> None:
    """Store an entry of what is done already, or was refused."""
    with translated():
        client.dynamodb().put_item(**writing(deed, origin, target, detail)["Put"])


def page(limit: int, after: str | None, now: int) -> Page:
    """Return up to `limit` entries, newest first; `after` is the <period>#<key> of the one before."""
    newest = now // PERIOD_MS
    start, _, key = (after or f"{newest}#").partition("#")
    entries: list[Entry] = []
    for period in range(int(start) if start.isdecimal() else newest, newest - PERIODS - 1, -1):
        for item in _of_period(period, limit - len(entries), key):
            entries.append(_entry(item))
            if len(entries) == limit:
                return Page(entries, f"{period}#{item['SK']['S']}")
        key = ""
    return Page(entries, None)


def _of_period(period: int, limit: int, before: str) -> "Iterator[Item]":
    """Yield up to `limit` items of a period, newest first, before a key."""
    with translated():
        pages = (
            client.dynamodb()
            .get_paginator("query")
            .paginate(
                TableName=settings.accounts_table(),
                KeyConditionExpression="PK = :period AND SK < :before",
                ExpressionAttributeValues={
                    ":period": {"S": _partition(period)},
                    ":before": {"S": before or "~"},
                },
                ScanIndexForward=False,
                ConsistentRead=True,
                PaginationConfig={"MaxItems": limit, "PageSize": limit},
            )
        )
        yield from (item for page in pages for item in page["Items"])


def _partition(period: int) -> str:
    return f"AUDIT#{period}"


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
