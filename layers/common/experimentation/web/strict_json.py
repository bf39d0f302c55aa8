"""JSON as in RFC 8259 and I-JSON (RFC 7493), with a limit on its depth."""

import json
import math
import re
from typing import Any

from experimentation.domain.errors import BadRequestError, InvalidError

DEEPEST = 64
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def loads(content: bytes) -> object:
    """Return the value.

    BadRequestError for malformed, ambiguous or very deep JSON, InvalidError for NaN, infinities and numbers
    out of range.

    >>> loads(b'{"a": 1}')
    {'a': 1}
    """
    try:
        value = json.loads(
            content.decode(),
            object_pairs_hook=_without_duplicates,
            parse_constant=_no_constant,
            parse_float=_finite,
        )
    except UnicodeDecodeError as error:
        raise BadRequestError("The body is not UTF-8.") from error
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise BadRequestError(f"The body is not valid JSON: {error.msg}, {where}.") from error
    except ValueError as error:  # an integer of more digits than Python converts
        raise InvalidError("The body holds a number that is out of range.") from error
    except RecursionError as error:
        raise BadRequestError(f"The body is nested deeper than {DEEPEST} levels.") from error
    # The walks are rare: a value is no deeper than its brackets, and only an escape makes half a pair.
    if content.count(b"[") + content.count(b"{") > DEEPEST:
        _require_shallow(value)
    if _SURROGATE.search(content):
        _require_unicode(value)
    return value


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise BadRequestError("The body names a member of one object twice.")
    return members


def _no_constant(name: str) -> float:
    raise InvalidError(f"The body holds {name}, which is no number that JSON has.")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise InvalidError("The body holds a number that is out of range.")
    return number


def _require_shallow(value: object) -> None:
    level: list[object] = [value]
    for _ in range(DEEPEST + 1):
        level = [child for parent in level for child in _children(parent)]
        if not level:
            return
    raise BadRequestError(f"The body is nested deeper than {DEEPEST} levels.")


def _children(value: object) -> list[Any]:
    members = list(value.values()) if isinstance(value, dict) else value
    if not isinstance(members, list):
        return []
    return [member for member in members if isinstance(member, (dict, list))]


def _require_unicode(value: object) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise BadRequestError("The body holds half of a surrogate pair, which is no character.") from error
