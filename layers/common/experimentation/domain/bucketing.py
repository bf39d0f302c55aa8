"""Bucketing v1: a user's variant follows from a hash alone; docs/bucketing.md is the specification."""

from collections.abc import Sequence
from hashlib import sha256
from typing import NamedTuple

from experimentation.domain.errors import FieldError, InvalidError

SPEC = "v1"
SEPARATOR = "\x1f"
BUCKETS = 1_000_000
TRAFFIC = "traffic"
VARIANT = "variant"


class Traffic(NamedTuple):
    """Who takes part: the users whose draw with this salt is in the buckets `start <= bucket < end`."""

    salt: str
    start: int
    end: int


class BucketRange(NamedTuple):
    """The buckets `start <= bucket < end` that belong to one variant."""

    key: str
    start: int
    end: int


def hash_input(salt: str, purpose: str, user_id: str) -> bytes:
    """Return the bytes that are hashed; InvalidError for an empty user id.

    >>> hash_input("exp1", "traffic", "u1")
    b'v1\\x1fexp1\\x1ftraffic\\x1fu1'
    """
    if not user_id:
        raise InvalidError("A user id must not be empty.", [FieldError("/user_id", "must not be empty")])
    return f"{SPEC}{SEPARATOR}{salt}{SEPARATOR}{purpose}{SEPARATOR}{user_id}".encode()


def unit_hash(salt: str, purpose: str, user_id: str) -> int:
    """Return the user's draw for this purpose: an unsigned 64-bit integer.

    >>> unit_hash("checkout-button", "traffic", "u1")
    5033749721674636796
    """
    return int.from_bytes(sha256(hash_input(salt, purpose, user_id)).digest()[:8])


def bucket(draw: int) -> int:
    """Return the bucket 0 .. 999,999 of an unsigned 64-bit draw.

    >>> bucket(5033749721674636796)
    272880
    """
    return (draw * BUCKETS) >> 64


def decide(
    salt: str, user_id: str, traffic_allocation: int, weights: Sequence[tuple[str, int]]
) -> str | None:
    """Return the user's variant, or None for a user who is not in the traffic; shares are in millionths.

    >>> decide("checkout-button", "u1", 1_000_000, [("control", 500_000), ("treatment", 500_000)])
    'control'
    """
    if not takes_part(Traffic(salt, 0, traffic_allocation), user_id):
        return None
    return drawn_variant(salt, user_id, weights)


def takes_part(traffic: Traffic, user_id: str) -> bool:
    """Tell whether the user is in the traffic.

    >>> takes_part(Traffic("checkout-button", 272_880, 272_881), "u1")
    True
    """
    return traffic.start <= bucket(unit_hash(traffic.salt, TRAFFIC, user_id)) < traffic.end


def drawn_variant(salt: str, user_id: str, weights: Sequence[tuple[str, int]]) -> str:
    """Return the variant of a user who takes part."""
    return variant_at(bucket(unit_hash(salt, VARIANT, user_id)), weights)


def variant_at(position: int, weights: Sequence[tuple[str, int]]) -> str:
    """Return the variant whose cumulative weight range holds the bucket `position`.

    >>> variant_at(333_333, [("a", 333_333), ("b", 666_667)])
    'b'
    """
    end = 0
    for key, weight in weights:
        end += weight
        if position < end:
            return key
    raise ValueError(f"the weights sum to {end}, not to {BUCKETS}")


def ranges(weights: Sequence[tuple[str, int]]) -> tuple[BucketRange, ...]:
    """Return each variant's buckets, in the order of the variants.

    >>> ranges([("a", 250_000), ("b", 750_000)])[1]
    BucketRange(key='b', start=250000, end=1000000)
    """
    bucket_ranges: list[BucketRange] = []
    start = 0
    for key, weight in weights:
        bucket_ranges.append(BucketRange(key, start, start + weight))
        start += weight
    return tuple(bucket_ranges)
