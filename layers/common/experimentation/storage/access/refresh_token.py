"""A refresh token: its text, its successor, and the tag that only its family can have made.

Its text is rt_<name in hex>_<session id>_<secret>_<tag>. Of the secret the hash alone is stored.
"""

import hashlib
import hmac
import re
from typing import NamedTuple

from experimentation.domain.errors import UnauthenticatedError

TOKEN = re.compile(r"rt_([0-9a-f]{2,128})_([0-9a-f]{32})_([0-9a-f]{64})_([0-9a-f]{32})")


class RefreshToken(NamedTuple):
    """A token's parts, as somebody presents them."""

    username: str
    session_id: str
    secret: str
    tag: str

    def is_of(self, family_key: str) -> bool:
        """Tell whether the family with this key issued it, however long ago."""
        return hmac.compare_digest(_tag(family_key, self.secret), self.tag)


def parsed(token: str) -> RefreshToken:
    """Return the parts of a token; UnauthenticatedError for a text that is none."""
    found = TOKEN.fullmatch(token)
    if found is None:
        raise refused()
    username, session_id, secret, tag = found.groups()
    try:
        return RefreshToken(bytes.fromhex(username).decode(), session_id, secret, tag)
    except ValueError as error:
        raise refused() from error


def issued(username: str, session_id: str, secret: str, family_key: str) -> str:
    """Return the text of a token of a family."""
    return f"rt_{username.encode().hex()}_{session_id}_{secret}_{_tag(family_key, secret)}"


def hashed(secret: str) -> str:
    """Return what is stored of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def successor(secret: str, nonce: str) -> str:
    """Return the secret that comes after this one in the rotation that drew the nonce."""
    return hmac.new(secret.encode(), b"successor\x1f" + nonce.encode(), hashlib.sha256).hexdigest()


def refused() -> UnauthenticatedError:
    """Return the one refusal, whatever is wrong with a token."""
    return UnauthenticatedError("The refresh token is not valid.")


def _tag(family_key: str, secret: str) -> str:
    return hmac.new(bytes.fromhex(family_key), secret.encode(), hashlib.sha256).hexdigest()[:32]
