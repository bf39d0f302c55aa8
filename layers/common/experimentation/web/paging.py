"""Opaque cursors: a position in a list, bound to that list."""

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping

from experimentation.domain.errors import FieldError, InvalidError

CHECK_BYTES = 6


def encode_cursor(position: Mapping[str, object], purpose: str) -> str:
    """Return a cursor for the list named by `purpose` (its kind and filters).

    The check finds accidents and mix-ups; it is no signature. An endpoint must build its partition key
    from the request and take from the cursor the position alone.

    >>> decode_cursor(encode_cursor({"after": "a"}, "accounts"), "accounts")
    {'after': 'a'}
    """
    payload = json.dumps(position, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(_check(payload, purpose) + payload).rstrip(b"=").decode()


def decode_cursor(cursor: str, purpose: str) -> dict[str, object]:
    """Return the position in a cursor; InvalidError when it is not one, or another list's."""
    try:
        content = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        check, payload = content[:CHECK_BYTES], content[CHECK_BYTES:]
        if check != _check(payload, purpose):
            raise cursor_refused()
        position = json.loads(payload)
    except (binascii.Error, ValueError, RecursionError) as error:
        raise cursor_refused() from error
    if not isinstance(position, dict):
        raise cursor_refused()
    return position


def _check(payload: bytes, purpose: str) -> bytes:
    return hashlib.sha256(b"v1\x1f" + purpose.encode() + b"\x1f" + payload).digest()[:CHECK_BYTES]


def cursor_refused() -> InvalidError:
    """Return the error for a cursor that is not of the list."""
    return InvalidError(
        "The cursor is not of this list: start again without one.",
        [FieldError("/cursor", "is not the next_cursor of this list")],
    )
