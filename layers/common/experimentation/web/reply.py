"""What an endpoint answers when a plain body is not enough: another status, headers, cookies, raw content."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer; `status` None means the endpoint's own, `raw` sends `body` (text or bytes) as it is."""

    body: object = None
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    cookies: Sequence[str] = ()
    raw: bool = False


def encoded(body: object) -> str:
    """Return the JSON text of a Pydantic model or of plain values; ValueError for NaN."""
    if hasattr(body, "model_dump_json"):
        text: str = body.model_dump_json()
        return text
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_plain)


def _plain(value: Any) -> object:
    """Return what stands for a model inside plain values."""
    return value.model_dump(mode="json")
