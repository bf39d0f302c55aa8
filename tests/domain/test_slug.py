"""Ids made from names."""

import re

import pytest

from experimentation.domain.slug import slug


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Checkout button", "checkout-button-1a2b"),
        ("  ...  ", "experiment-1a2b"),
        ("用户", "experiment-1a2b"),
        ("Déjà vu / 50 %", "deja-vu-50-1a2b"),
    ],
)
def test_a_name_becomes_words_and_a_suffix(name: str, expected: str) -> None:
    assert slug(name, "1a2b") == expected


def test_a_long_name_still_makes_a_valid_id() -> None:
    made = slug("word " * 40, "1a2b3c4d")

    assert re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,63}", made)
    assert made.endswith("-1a2b3c4d")
