"""The draw, worked out from its definition alone: whether a user takes part, and in which variant."""

from hashlib import sha256

from tests.simulation.definitions import Document

MILLION = 1_000_000


def drawn(definition: Document, user_id: str) -> tuple[float, str]:
    """Return the percent of traffic from which on a user takes part, and the variant."""
    place, salt = 0, definition["salt"]
    bucket = _bucket(salt, "variant", user_id)
    for variant in definition["variants"]:
        place += round(variant["weight"] * 10_000)
        if bucket < place:
            return _bucket(salt, "traffic", user_id) / 10_000, variant["key"]
    raise AssertionError("the weights do not sum to 100")


def _bucket(salt: str, purpose: str, user_id: str) -> int:
    digest = sha256(b"\x1f".join(text.encode() for text in ("v1", salt, purpose, user_id))).digest()
    return int.from_bytes(digest[:8], "big") * MILLION >> 64
