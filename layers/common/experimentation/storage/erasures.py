"""ERASED items: one tombstone per erased person, under a keyed hash of the id.

The key is drawn at the first erasure and never leaves the table, so that a pseudonym in a log, the archive or
the record of access does not reveal who was erased.
"""

import hmac
import secrets
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import ClientError

from experimentation import settings
from experimentation.domain.counting.erasing import IN_TABLES, KEPT_DAYS, Erasure, Stage
from experimentation.storage.aws import client
from experimentation.storage.aws.batch_read import read_items
from experimentation.storage.aws.failures import condition_failed, translated
from experimentation.storage.aws.paged_query import every_item, in_partition
from experimentation.storage.aws.transactions import put_if, put_new
from experimentation.storage.cached import Cached

if TYPE_CHECKING:
    from experimentation.storage.aws.transactions import Action, Item

KEY: "Item" = {"PK": {"S": "SETTINGS"}, "SK": {"S": "ERASURES"}}
PARTITIONS = "0123456789abcdef"  # the first digit of the hash
DAY_SECONDS = 86_400
KNOWN_MS = 30_000  # with a function's 30 s it is what HEAD_STAYS_MS counts on


class Pseudonyms(NamedTuple):
    """The key that hashes user ids, and the time of the latest erasure; empty before the first erasure."""

    key: bytes = b""
    latest: int = 0

    def of(self, user_id: str) -> str:
        """Return the pseudonym of a user id: 128 bits of its HMAC-SHA256 (RFC 2104)."""
        return hmac.digest(self.key, user_id.encode(), "sha256").hex()[:32]


class KnownPseudonyms:
    """The pseudonyms, cached in one environment for up to 30 seconds."""

    def __init__(self) -> None:
        self._known: Cached[None, Pseudonyms] = Cached(KNOWN_MS)

    def read(self, now: int) -> Pseudonyms:
        """Return them as they were at most 30 seconds before `now`."""
        found = self._known.fresh(None, now)
        return self._known.keep(None, now, pseudonyms()) if found is None else found


def pseudonyms() -> Pseudonyms:
    """Return the key and the latest erasure, read consistently."""
    with translated():
        answer = client.dynamodb().get_item(TableName=settings.data_table(), Key=KEY, ConsistentRead=True)
    if "Item" not in answer:
        return Pseudonyms()
    return Pseudonyms(bytes.fromhex(answer["Item"]["key"]["S"]), int(answer["Item"]["latest"]["N"]))


def announce(now: int) -> Pseudonyms:
    """Note that an erasure begins at `now`, before its tombstone is written; return the pseudonyms."""
    with translated():
        try:
            client.dynamodb().update_item(
                TableName=settings.data_table(),
                Key=KEY,
                UpdateExpression="SET latest = :now, #key = if_not_exists(#key, :key)",
                ConditionExpression="attribute_not_exists(latest) OR latest < :now",
                ExpressionAttributeNames={"#key": "key"},
                ExpressionAttributeValues={":now": {"N": str(now)}, ":key": {"S": secrets.token_hex(32)}},
            )
        except ClientError as error:
            if not condition_failed(error):
                raise
    return pseudonyms()


def read(pseudonym: str) -> Erasure | None:
    """Return the erasure, read consistently; None when there is none."""
    return read_many([pseudonym]).get(pseudonym)


def read_many(wanted: Iterable[str]) -> dict[str, Erasure]:
    """Return those of the erasures that there are, by pseudonym, read consistently."""
    found = map(_erasure, read_items(map(_key, dict.fromkeys(wanted))))
    return {each.pseudonym: each for each in found}


def put(erasure: Erasure, read_step: int | None, retention_days: int) -> "Action":
    """Return the write of an erasure, on the condition that its step is the one that was read, or none is."""
    kept_seconds = (retention_days + KEPT_DAYS) * DAY_SECONDS
    item = _key(erasure.pseudonym) | {
        "erased_at": {"N": str(erasure.erased_at)},
        "accepted_since": {"N": str(erasure.accepted_since)},
        "head_version": {"N": str(erasure.head_version)},
        "stage": {"S": erasure.stage.value},
        "after": {"S": erasure.after},
        "step": {"N": str(erasure.step)},
        "archive_from": {"S": erasure.archive_from},
        "expires_at": {"N": str(erasure.erased_at // 1000 + kept_seconds)},
    }
    if erasure.user_id is not None:
        item["user_id"] = {"S": erasure.user_id}
    return put_new(item) if read_step is None else put_if(item, "step", read_step)


def pending() -> Iterator[Erasure]:
    """Yield the erasures that are not done, read consistently."""
    for partition in PARTITIONS:
        query = in_partition(settings.data_table(), f"ERASED#{partition}", consistent=True)
        query |= {"FilterExpression": "stage <> :done"}
        query["ExpressionAttributeValues"][":done"] = {"S": Stage.DONE.value}
        yield from map(_erasure, every_item(query))


def in_tables() -> list[Erasure]:
    """Return the erasures that are not through with the tables."""
    return [each for each in pending() if each.stage in IN_TABLES] if pseudonyms().key else []


def _key(pseudonym: str) -> "Item":
    return {"PK": {"S": f"ERASED#{pseudonym[0]}"}, "SK": {"S": pseudonym}}


def _erasure(item: "Mapping[str, Any]") -> Erasure:
    return Erasure(
        item["SK"]["S"],
        int(item["erased_at"]["N"]),
        int(item["accepted_since"]["N"]),
        int(item["head_version"]["N"]),
        Stage(item["stage"]["S"]),
        item["user_id"]["S"] if "user_id" in item else None,
        item["after"]["S"],
        int(item["step"]["N"]),
        item["archive_from"]["S"],
    )
