"""One page of a list: where it starts, where the next one does, and its entity tag."""

from hashlib import sha256

from experimentation.domain.errors import FieldError, InvalidError
from experimentation.web.conditions import etag
from experimentation.web.paging import cursor_refused, decode_cursor, encode_cursor
from experimentation.web.reply import encoded

LONGEST_POSITION = 400  # under DynamoDB's 1,024 bytes of sort key, prefix included


def start_of(cursor: str | None, purpose: str) -> str | None:
    """Return the position that the cursor holds; InvalidError when it is not of the list named `purpose`."""
    if cursor is None:
        return None
    after: object = decode_cursor(cursor, purpose).get("after")
    if not isinstance(after, str) or not after.isascii() or not 0 < len(after) <= LONGEST_POSITION:
        raise cursor_refused()
    return after


def next_cursor(position: str | None, purpose: str) -> str | None:
    """Return the cursor of the page after `position`; None at the end of the list.

    >>> start_of(next_cursor("7", "experiments"), "experiments")
    '7'
    """
    return None if position is None else encode_cursor({"after": position}, purpose)


def pair_of(cursor: str | None, purpose: str) -> tuple[str, str] | None:
    """Return the position in a sorted list that the cursor holds; InvalidError for another list's cursor."""
    if cursor is None:
        return None
    held = decode_cursor(cursor, purpose)
    key, position = held.get("key"), held.get("after")
    if not isinstance(key, str) or not isinstance(position, str):
        raise InvalidError(
            "The cursor is not one of this list.", [FieldError("/cursor", "is not of this list")]
        )
    return key, position


def next_pair(last: tuple[str, str] | None, purpose: str) -> str | None:
    """Return the cursor of the page after the `last` of a sorted list; None at the end of the list.

    >>> pair_of(next_pair(("button", "7"), "experiments"), "experiments")
    ('button', '7')
    """
    return None if last is None else encode_cursor({"key": last[0], "after": last[1]}, purpose)


def content_tag(body: object) -> str:
    """Return an entity tag that follows what a page shows.

    >>> content_tag({"experiments": []})
    '"6638ad04577d5d88"'
    """
    return etag(sha256(encoded(body).encode()).hexdigest()[:16])
