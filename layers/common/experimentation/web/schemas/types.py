"""The types that requests share: identifiers, text and times, each with its limits (DESIGN, section 2)."""

import re
import unicodedata
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, WithJsonSchema

from experimentation.domain.clock import milliseconds, rfc3339

LONGEST_USER_ID = 256
EVENT_ID = r"[A-Za-z0-9._:-]{1,64}"
_RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})?"
)


def _without_controls(text: str) -> str:
    if not text.isprintable() and any(unicodedata.category(character) == "Cc" for character in text):
        raise ValueError("may hold no control characters")
    return text


def _short_enough(user_id: str) -> str:
    if len(user_id.encode()) > LONGEST_USER_ID:
        raise ValueError(f"may have at most {LONGEST_USER_ID} bytes of UTF-8")
    return user_id


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("may hold printable characters only")
    return text


def _milliseconds(value: object) -> int:
    """Return the milliseconds of an RFC 3339 time; one without an offset is refused."""
    # Python reads more of ISO 8601: weeks, and any character before the time.
    if not isinstance(value, str) or len(value) > 35 or not _RFC_3339.fullmatch(value):
        raise ValueError("must be an RFC 3339 time, like 2026-11-22T07:00:00Z")
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise ValueError("must be an RFC 3339 time, like 2026-11-22T07:00:00Z") from None
    if moment.tzinfo is None:
        raise ValueError("needs an offset from UTC, like the Z in 2026-11-22T07:00:00Z")
    try:
        return milliseconds(moment.astimezone(UTC))
    except OverflowError:
        raise ValueError("is out of range") from None


ExperimentId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$", strict=True)]
LayerKey = ExperimentId
VariantKey = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$", strict=True)]
MetricKey = VariantKey
SegmentKey = VariantKey
EventType = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$", strict=True)]
EventId = Annotated[str, StringConstraints(pattern=f"^{EVENT_ID}$", strict=True)]
UserId = Annotated[
    str,
    StringConstraints(min_length=1, max_length=LONGEST_USER_ID, strict=True),
    AfterValidator(_without_controls),
    AfterValidator(_short_enough),
]
Salt = Annotated[
    str, StringConstraints(min_length=1, max_length=128, strict=True), AfterValidator(_printable)
]
Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200, strict=True),
    AfterValidator(_without_controls),
]
Text = Annotated[str, StringConstraints(max_length=10_000, strict=True)]
Limit = Annotated[int, Field(ge=1, le=100)]
Cursor = Annotated[str, StringConstraints(min_length=1, max_length=2_000)]
Timestamp = Annotated[
    int,
    BeforeValidator(_milliseconds),
    WithJsonSchema({"type": "string", "format": "date-time"}, mode="validation"),
]
"""A time in a request: RFC 3339 outside, integer milliseconds since 1970 inside."""

__all__ = [
    "Cursor",
    "EventId",
    "EventType",
    "ExperimentId",
    "LayerKey",
    "Limit",
    "MetricKey",
    "Name",
    "Salt",
    "SegmentKey",
    "Text",
    "Timestamp",
    "UserId",
    "VariantKey",
    "rfc3339",
]
