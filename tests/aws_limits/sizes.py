"""Sizes as DynamoDB counts them.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
"""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

from tests.aws_limits.limits import NUMBER_DIGITS, NUMBER_EXPONENTS

type Value = Mapping[str, Any]
type Item = Mapping[str, Value]

CONTAINER_BYTES = 3
ELEMENT_BYTES = 1


def item_bytes(item: Item) -> int:
    """Return the size of an item, or of some of its attributes."""
    return sum(len(name.encode()) + value_bytes(value) for name, value in item.items())


def value_bytes(value: Value) -> int:
    """Return the size of one attribute's value; a Boolean and NULL have one byte."""
    ((kind, content),) = value.items()
    if kind == "L":
        return CONTAINER_BYTES + sum(ELEMENT_BYTES + value_bytes(each) for each in content)
    if kind == "M":
        return CONTAINER_BYTES + ELEMENT_BYTES * len(content) + item_bytes(content)
    scalar = {"S": _text_bytes, "N": _number_bytes, "B": _binary_bytes}.get(kind[0])
    if scalar is None or kind in {"BOOL", "NULL"}:
        return 1
    return sum(map(scalar, content if kind.endswith("S") and len(kind) == 2 else [content]))


def _text_bytes(text: str) -> int:
    return len(text.encode())


@lru_cache(100_000)
def _number_bytes(number: str) -> int:
    """One byte for two significant digits, and one more."""
    return -(-len(_significant(number)) // 2) + 1


def _binary_bytes(content: str | bytes) -> int:
    """On the wire it is base64, in a program bytes."""
    return len(content) if isinstance(content, bytes) else len(content) * 3 // 4 - content[-2:].count("=")


def _significant(number: str) -> str:
    mantissa = number.lower().partition("e")[0].lstrip("+-")
    return mantissa.replace(".", "").lstrip("0").rstrip("0") or "0"


def numbers(value: Value) -> Iterator[str]:
    """Yield every number in a value."""
    ((kind, content),) = value.items()
    match kind:
        case "N":
            yield content
        case "NS":
            yield from content
        case "L":
            for each in content:
                yield from numbers(each)
        case "M":
            for each in content.values():
                yield from numbers(each)


@lru_cache(100_000)
def number_violation(number: str) -> str:
    """Say why DynamoDB does not take this number; empty if it does."""
    if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", number):
        return f"no number: {number[:60]!r}"
    digits, value = len(_significant(number)), Decimal(number)
    if digits > NUMBER_DIGITS:
        return f"a number of {digits} digits; at most {NUMBER_DIGITS}"
    least, most = NUMBER_EXPONENTS
    return (
        ""
        if value == 0 or least <= value.adjusted() <= most
        else f"a number as large as 1e{value.adjusted()}"
    )
