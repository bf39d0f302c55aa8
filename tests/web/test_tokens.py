"""Access tokens that were seen before: nothing is taken for granted but the signature."""

import pytest

from experimentation.domain.errors import UnauthenticatedError
from experimentation.storage.access.sessions import Session
from experimentation.web import tokens
from tests.conftest import now

pytestmark = pytest.mark.usefixtures("aws")
QUARTER_OF_AN_HOUR = 15 * 60_000


def _session(session_id: str = "session") -> Session:
    return Session(session_id, "ada", "epoch", "rt", authenticated_at=now(), ends_at=now() // 1000 + 60)


def test_token_that_was_seen_before_expires_all_the_same() -> None:
    issued = now()
    token = tokens.issued(_session(), "user", issued)

    claims = tokens.verified(token, issued)

    assert tokens.verified(token, issued + QUARTER_OF_AN_HOUR - 2_000) == claims
    with pytest.raises(UnauthenticatedError, match="expired"):
        tokens.verified(token, issued + QUARTER_OF_AN_HOUR + 1_000)


def test_token_that_differs_from_a_known_one_in_its_signature_is_refused() -> None:
    token = tokens.issued(_session(), "user", now())
    tokens.verified(token, now())
    payload, _, signature = token.rpartition(".")

    forged = f"{payload}.{signature[::-1]}"

    with pytest.raises(UnauthenticatedError, match="not valid"):
        tokens.verified(forged, now())


def test_flood_of_tokens_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "MAX_KNOWN", 3)

    for number in range(10):
        tokens.verified(tokens.issued(_session(f"s{number}"), "user", now()), now())

    assert len(tokens._known) <= 3
