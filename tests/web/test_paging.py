"""Cursors."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experimentation.domain.errors import InvalidError
from experimentation.web.paging import decode_cursor, encode_cursor

POSITIONS = st.dictionaries(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8")))


@given(POSITIONS, st.text(st.characters(codec="utf-8")))
def test_cursor_gives_back_its_position(position: dict[str, str], purpose: str) -> None:
    assert decode_cursor(encode_cursor(position, purpose), purpose) == position


def test_another_lists_cursor_is_refused() -> None:
    cursor = encode_cursor({"after": "a"}, "accounts")

    with pytest.raises(InvalidError) as refused:
        decode_cursor(cursor, "api-keys")
    assert refused.value.errors[0].pointer == "/cursor"


@given(st.integers(0, 30), st.integers(1, 255))
def test_changed_cursor_is_refused(place: int, change: int) -> None:
    content = bytearray(base64.urlsafe_b64decode(encode_cursor({"after": "0123456789"}, "x") + "=="))
    content[place % len(content)] ^= change

    with pytest.raises(InvalidError):
        decode_cursor(base64.urlsafe_b64encode(content).decode(), "x")


@given(st.text())
def test_anything_else_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidError):
        decode_cursor(cursor, "x")
