"""A variant's config: any JSON value, stored as text so that it is answered unchanged."""

import json
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

MAX_BYTES = 4_096
DEEPEST = 32


def _text(value: object) -> str | None:
    if value is None:
        return None
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    if len(text.encode()) > MAX_BYTES:
        raise ValueError(f"may have at most {MAX_BYTES} bytes of JSON")
    if _depth(value) > DEEPEST:
        raise ValueError(f"may be nested at most {DEEPEST} deep")
    return text


def _depth(value: object) -> int:
    members = list(value.values()) if isinstance(value, dict) else value
    return 1 + max(map(_depth, members), default=0) if isinstance(members, list) else 0


Config = Annotated[
    str | None,
    BeforeValidator(_text),
    WithJsonSchema({"description": f"any JSON value of up to {MAX_BYTES} bytes"}),
]
