"""Passwords: bcrypt, cost 12; a wrong name costs as much work as a wrong password."""

import bcrypt

from experimentation.domain.access import LONGEST_PASSWORD_BYTES
from experimentation.domain.errors import FieldError, InvalidError

COST = 12
FEWEST_GUESSES = 10**7
"""What a password must withstand: far more than failed logins allow, less than a stolen table of hashes."""


def hashed(password: str) -> str:
    """Return the hash that is stored for a password of at most 72 bytes."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(COST)).decode()


def require_strong(password: str, username: str, pointer: str) -> None:
    """Raise InvalidError for a password that is common, easy to guess, or made of the person's name."""
    from zxcvbn import zxcvbn  # noqa: PLC0415 - its lists cost a start that few requests need to pay

    estimate = zxcvbn(password, user_inputs=[username, *username.split("@"), "experimentation"])
    if estimate["guesses"] < FEWEST_GUESSES or username in password.lower():
        raise InvalidError(
            "The password is too easy to guess.", [FieldError(pointer, "is too easy to guess")]
        )


def matches(password: str, stored: str | None) -> bool:
    """Tell whether a password is the stored one; without a stored one (None) it takes as long.

    A password over 72 bytes is wrong, after the same work: bcrypt would ignore what follows them.
    """
    content = password.encode()
    same = bcrypt.checkpw(content[:LONGEST_PASSWORD_BYTES], (stored or of_nobody()).encode())
    return same and stored is not None and len(content) <= LONGEST_PASSWORD_BYTES


def of_nobody() -> str:
    """Return a hash of the same cost that no password has, for wrong names and people without a password."""
    return f"$2b${COST:02d}$" + "." * 53
