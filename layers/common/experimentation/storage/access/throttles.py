"""Failed logins per name and per address: a delay that grows, never a lock-out.

Each attempt is charged before the password is looked at, so that a hundred at once are a hundred failures; an
attempt that succeeds gives its charge back.
"""

import hashlib
from typing import TYPE_CHECKING, NamedTuple
from uuid import uuid4

from botocore.exceptions import ClientError

from experimentation import settings
from experimentation.domain.errors import TooManyRequestsError
from experimentation.storage.aws import client
from experimentation.storage.aws.failures import condition_failed, translated

if TYPE_CHECKING:
    from experimentation.storage.aws.transactions import Item

FREE_FAILURES = 5
LONGEST_DELAY_MS = 60_000
FORGOTTEN_AFTER_MS = 900_000
MAX_TRIES = 5


class _Count(NamedTuple):
    """Failures so far; `stamp` is drawn anew by each write, which is how two at once are told apart."""

    failures: int
    blocked_until: int
    stamp: str


_NONE = _Count(0, 0, "")


def delay_ms(failures: int) -> int:
    """Return how long to wait after so many failures: nothing, then 1 s, 2 s, 4 s ... a minute.

    >>> [delay_ms(failures) for failures in (4, 5, 6, 7, 100)]
    [0, 1000, 2000, 4000, 60000]
    """
    if failures < FREE_FAILURES:
        return 0
    return min(LONGEST_DELAY_MS, 1000 << min(failures - FREE_FAILURES, 16))


def charge(username: str, address: str, now: int) -> None:
    """Count an attempt as failed until it succeeds; TooManyRequestsError while one must wait, uncounted."""
    keys = (_name_key(username), _address_key(address))
    for key in keys:
        _require_free(_read(key, now), now)
    for key in keys:
        _charge(key, now)


def give_back(username: str, address: str) -> None:
    """Forget the name's failures after a success, and this one attempt of the address."""
    with translated():
        client.dynamodb().delete_item(TableName=settings.accounts_table(), Key=_name_key(username))
        try:
            client.dynamodb().update_item(
                TableName=settings.accounts_table(),
                Key=_address_key(address),
                UpdateExpression="ADD failures :back SET blocked_until = :zero, stamp = :stamp",
                ConditionExpression="failures > :zero",
                ExpressionAttributeValues={
                    ":back": {"N": "-1"},
                    ":zero": {"N": "0"},
                    ":stamp": {"S": uuid4().hex},
                },
            )
        except ClientError as error:
            if not condition_failed(error):
                raise


def _charge(key: "Item", now: int) -> None:
    for _ in range(MAX_TRIES):
        count = _read(key, now)
        _require_free(count, now)
        if _counted(key, count, now):
            return
    raise TooManyRequestsError("Too many logins at once; try again.", 1)


def _require_free(count: _Count, now: int) -> None:
    if count.blocked_until > now:
        seconds = -(-(count.blocked_until - now) // 1000)
        raise TooManyRequestsError("Too many failed logins; wait before the next.", seconds)


def _read(key: "Item", now: int) -> _Count:
    with translated():
        answer = client.dynamodb().get_item(TableName=settings.accounts_table(), Key=key, ConsistentRead=True)
    if "Item" not in answer:
        return _NONE
    item = answer["Item"]
    count = _Count(int(item["failures"]["N"]), int(item["blocked_until"]["N"]), item["stamp"]["S"])
    return count if int(item["forgotten_at"]["N"]) > now else _NONE._replace(stamp=count.stamp)


def _counted(key: "Item", before: _Count, now: int) -> bool:
    """Store one more failure; False when another attempt was counted first."""
    failures = before.failures + 1
    forgotten_at = now + FORGOTTEN_AFTER_MS
    delay = delay_ms(failures)
    item = key | {
        "failures": {"N": str(failures)},
        "blocked_until": {"N": str(now + delay if delay else 0)},
        "stamp": {"S": uuid4().hex},
        "forgotten_at": {"N": str(forgotten_at)},
        "expires_at": {"N": str(forgotten_at // 1000 + 1)},
    }
    with translated():
        try:
            client.dynamodb().put_item(
                TableName=settings.accounts_table(),
                Item=item,
                ConditionExpression="attribute_not_exists(PK) OR stamp = :before",
                ExpressionAttributeValues={":before": {"S": before.stamp}},
            )
        except ClientError as error:
            if condition_failed(error):
                return False
            raise
    return True


def _name_key(username: str) -> "Item":
    return _key("NAME", username)


def _address_key(address: str) -> "Item":
    return _key("ADDRESS", address)


def _key(kind: str, value: str) -> "Item":
    digest = hashlib.sha256(value.encode(errors="replace")).hexdigest()
    return {"PK": {"S": f"THROTTLE#{kind}#{digest}"}, "SK": {"S": "THROTTLE"}}
