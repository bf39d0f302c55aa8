"""Ending sessions: whoever tries again after a fault has ended what they meant to."""

import json
from contextlib import AbstractContextManager
from typing import Any

import pytest

from experimentation.domain.errors import UnauthenticatedError, UnavailableError
from experimentation.storage.access import denials, sessions
from experimentation.storage.aws import client
from tests.wire import BUSY_JSON, answering

NOW = 1_795_330_800_000
LATER = NOW + 60_000

pytestmark = pytest.mark.usefixtures("aws")


@pytest.fixture
def started() -> sessions.Session:
    """A session whose token was used once: the first one is old by LATER."""
    denials.forget()
    return sessions.start("ursula", "epoch", NOW)


def denial_fails() -> AbstractContextManager[None]:
    """Refuse whatever is put into the deny list."""

    def is_denial(request: Any) -> bool:
        return json.loads(request.body)["Item"]["PK"]["S"] == denials.PARTITION

    return answering(client.dynamodb(), "PutItem", BUSY_JSON, when=is_denial)


def mark_fails() -> AbstractContextManager[None]:
    """Refuse to mark the session as ended."""

    def is_mark(request: Any) -> bool:
        return "revoked_at" in json.loads(request.body)["UpdateExpression"]

    return answering(client.dynamodb(), "UpdateItem", BUSY_JSON, when=is_mark)


def denied(session: sessions.Session) -> bool:
    denials.forget()
    return denials.is_denied(session.id, "ursula", NOW, LATER)


@pytest.mark.parametrize("fault", [denial_fails, mark_fails])
def test_a_session_whose_end_met_a_fault_ends_with_the_next_try(
    started: sessions.Session, fault: Any
) -> None:
    with fault(), pytest.raises(UnavailableError):
        sessions.end("ursula", started.id, LATER)

    sessions.end("ursula", started.id, LATER)

    assert denied(started)
    assert sessions.live("ursula", LATER) == []


@pytest.mark.parametrize("fault", [denial_fails, mark_fails])
def test_a_copied_token_whose_discovery_met_a_fault_is_discovered_by_the_next_try(
    started: sessions.Session, fault: Any
) -> None:
    sessions.rotate(started.refresh_token, NOW)
    with fault(), pytest.raises(UnavailableError):
        sessions.rotate(started.refresh_token, LATER)

    with pytest.raises(sessions.ReusedError):
        sessions.rotate(started.refresh_token, LATER)

    assert denied(started)
    assert sessions.live("ursula", LATER) == []


def test_a_token_that_was_issued_while_its_session_ended_is_refused_as_long_as_it_lives(
    started: sessions.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    deny, meanwhile = denials.deny_session, [started.refresh_token]

    def refreshing(session_id: str, last_expiry: int) -> None:
        deny(session_id, last_expiry)
        while meanwhile:
            sessions.rotate(meanwhile.pop(), LATER)

    monkeypatch.setattr(denials, "deny_session", refreshing)
    sessions.end("ursula", started.id, LATER)

    expires = LATER + 900_000  # of the token that was issued then
    denials.forget()
    assert denials.is_denied(started.id, "ursula", LATER, expires - 1)
    with pytest.raises(UnauthenticatedError):
        sessions.rotate(started.refresh_token, LATER)
