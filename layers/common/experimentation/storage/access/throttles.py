"""Failed logins delay the next attempt from the same origin, and no other.

Failures are counted per name and address, per address, and per name; a device that its person signed in with
before (storage/access/devices.py) has a count of its own instead. The delay depends only on failures of the
attempt's own address or device: once a name has failed often from anywhere, an address's first failure costs
a minute, but an address without failures has no delay. So attackers slow down themselves, never the person.

Each attempt is charged before the password is checked, so that a hundred concurrent attempts are a hundred
failures; a successful attempt gives its charge back.
"""

import hashlib
from ipaddress import IPv6Address, ip_address
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
NAME_CEILING = 50  # failures of a name in a quarter of an hour, from anywhere
GUARDED_DELAY_MS = 60_000
LONGEST_GUARDED_DELAY_MS = 900_000
MAX_TRIES = 5


class Attempt(NamedTuple):
    """Somebody's attempt at a login; `device` is the secret of a device that the person used before."""

    username: str
    address: str
    device: str | None = None


class _Count(NamedTuple):
    """Failures so far, and from when the delay after them runs (0: none, after a success).

    Each write draws a new `stamp`, by which the condition of a concurrent write fails.
    """

    failures: int
    waits_from: int
    stamp: str

    def blocked_until(self, *, guarded: bool) -> int:
        return self.waits_from + (guarded_delay_ms if guarded else delay_ms)(self.failures)


class _Counter(NamedTuple):
    """Where failures are counted, and whether the name's ceiling makes the delays longer."""

    key: "Item"
    guarded: bool = False


_NONE = _Count(0, 0, "")


def delay_ms(failures: int) -> int:
    """Return how long to wait after so many failures: nothing, then 1 s, 2 s, 4 s ... a minute.

    >>> [delay_ms(failures) for failures in (4, 5, 6, 7, 100)]
    [0, 1000, 2000, 4000, 60000]
    """
    if failures < FREE_FAILURES:
        return 0
    return min(LONGEST_DELAY_MS, 1000 << min(failures - FREE_FAILURES, 16))


def guarded_delay_ms(failures: int) -> int:
    """Return how long an address waits for a name above its ceiling: 1, 2, 4 ... 15 minutes.

    >>> [guarded_delay_ms(failures) // 60_000 for failures in (0, 1, 2, 3, 100)]
    [0, 1, 2, 4, 15]
    """
    return min(LONGEST_GUARDED_DELAY_MS, GUARDED_DELAY_MS << min(failures - 1, 16)) if failures else 0


def charge(attempt: Attempt, now: int) -> None:
    """Count an attempt as failed until it succeeds; TooManyRequestsError while one must wait, uncounted."""
    counters = _counters(attempt, now)
    # Check all before charging any: an attempt that has to wait for one must not raise another.
    for counter in counters:
        _require_free(_read(counter.key, now), counter, now)
    for counter in counters:
        _charge(counter, now)
    _add_to_name(attempt.username, 1, now)


def give_back(attempt: Attempt, now: int) -> None:
    """After a success, clear the failures of this name and origin, and uncount this attempt elsewhere."""
    own, *shared = _counters(attempt, now)
    with translated():
        client.dynamodb().delete_item(TableName=settings.accounts_table(), Key=own.key)
    for counter in shared:
        _subtract(counter.key)
    _add_to_name(attempt.username, -1, now)


def network_of(address: str) -> str:
    """Return what is counted as one address: an IPv6 customer has a network of 64 bits.

    >>> network_of("203.0.113.7"), network_of("2001:db8:1:2:3:4:5:6"), network_of("::ffff:203.0.113.7")
    ('203.0.113.7', '2001:db8:1:2::/64', '203.0.113.7')
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return f"{IPv6Address(int(parsed) >> 64 << 64)}/64"


def _counters(attempt: Attempt, now: int) -> list[_Counter]:
    """Return where an attempt is counted; the first counter is of its name and origin alone."""
    if attempt.device is not None:
        return [_Counter(_key("DEVICE", f"{attempt.username}\x1f{attempt.device}"))]
    network = network_of(attempt.address)
    guarded = _name_failures(attempt.username, now) >= NAME_CEILING
    pair = _key("PAIR", f"{attempt.username}\x1f{network}")
    return [_Counter(pair, guarded=guarded), _Counter(_key("ADDRESS", network))]


def _charge(counter: _Counter, now: int) -> None:
    for _ in range(MAX_TRIES):
        count = _read(counter.key, now)
        _require_free(count, counter, now)
        if _counted(counter.key, count, now):
            return
    raise TooManyRequestsError("Too many logins at once; try again.", 1)


def _require_free(count: _Count, counter: _Counter, now: int) -> None:
    blocked_until = count.blocked_until(guarded=counter.guarded)
    if blocked_until > now:
        seconds = -(-(blocked_until - now) // 1000)
        raise TooManyRequestsError("Too many failed logins; wait before the next.", seconds)


def _read(key: "Item", now: int) -> _Count:
    with translated():
        answer = client.dynamodb().get_item(TableName=settings.accounts_table(), Key=key, ConsistentRead=True)
    if "Item" not in answer:
        return _NONE
    item = answer["Item"]
    count = _Count(int(item["failures"]["N"]), int(item["waits_from"]["N"]), item["stamp"]["S"])
    is_recent = int(item["failed_at"]["N"]) + FORGOTTEN_AFTER_MS > now
    # Keep the stamp of an expired count: its item may still exist, and the write's condition compares it.
    return count if is_recent else _NONE._replace(stamp=count.stamp)


def _counted(key: "Item", before: _Count, now: int) -> bool:
    """Store one more failure; False when another attempt was counted first."""
    item = key | {
        "failures": {"N": str(before.failures + 1)},
        "failed_at": {"N": str(now)},
        "waits_from": {"N": str(now)},
        "stamp": {"S": uuid4().hex},
        "expires_at": {"N": str(_forgotten_at(now))},
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


def _subtract(key: "Item") -> None:
    """Take one failure back and end the delay; the other failures stay counted."""
    with translated():
        try:
            client.dynamodb().update_item(
                TableName=settings.accounts_table(),
                Key=key,
                UpdateExpression="ADD failures :back SET waits_from = :zero, stamp = :stamp",
                # Not below zero, and not a new item: the count may have expired since the charge.
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


def _name_failures(username: str, now: int) -> int:
    with translated():
        answer = client.dynamodb().get_item(
            TableName=settings.accounts_table(), Key=_name_key(username, now), ConsistentRead=True
        )
    return int(answer["Item"]["failures"]["N"]) if "Item" in answer else 0


def _add_to_name(username: str, failures: int, now: int) -> None:
    with translated():
        client.dynamodb().update_item(
            TableName=settings.accounts_table(),
            Key=_name_key(username, now),
            UpdateExpression="ADD failures :failures SET expires_at = :expires",
            ExpressionAttributeValues={
                ":failures": {"N": str(failures)},
                ":expires": {"N": str(_forgotten_at(now))},
            },
        )


def _forgotten_at(now: int) -> int:
    return (now + FORGOTTEN_AFTER_MS) // 1000 + 1


def _name_key(username: str, now: int) -> "Item":
    """Return the count of this quarter of an hour: a sliding one would never forget a slow attack."""
    return _key("NAME", username) | {"SK": {"S": f"FROM#{now // FORGOTTEN_AFTER_MS}"}}


def _key(kind: str, value: str) -> "Item":
    digest = hashlib.sha256(value.encode(errors="replace")).hexdigest()
    return {"PK": {"S": f"THROTTLE#{kind}#{digest}"}, "SK": {"S": "THROTTLE"}}
