"""Passwords: bcrypt, cost 12; a wrong name costs as much work as a wrong password."""

import bcrypt

from experimentation.domain.access import LONGEST_PASSWORD_BYTES

COST = 12


def hashed(password: str) -> str:
    """Return what is stored of a password of at most 72 bytes."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(COST)).decode()


def matches(password: str, stored: str | None) -> bool:
    """Tell whether a password is the stored one; `stored` None, of nobody, takes as long.

    A password over 72 bytes is wrong, after the same work: bcrypt would look at its beginning alone.
    """
    content = password.encode()
    same = bcrypt.checkpw(content[:LONGEST_PASSWORD_BYTES], (stored or _nobody()).encode())
    return same and stored is not None and len(content) <= LONGEST_PASSWORD_BYTES


def _nobody() -> str:
    """Return a hash of the same cost that no password has."""
    return f"$2b${COST:02d}$" + "." * 53
