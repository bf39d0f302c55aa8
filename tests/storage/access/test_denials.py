"""The deny list."""

import pytest

from experimentation.storage.access import accounts, denials
from experimentation.storage.access.accounts import Account
from experimentation.storage.aws.transactions import commit

NOW = 1_795_330_800_000
pytestmark = pytest.mark.usefixtures("aws")


def denied(token_id: str = "s1.t1", subject: str = "grace", issued_at: int = NOW, now: int = NOW) -> bool:
    return denials.is_denied(token_id, subject, issued_at, now)


def test_token_is_denied_and_its_session_is_not() -> None:
    denials.deny_token("s1.t1", NOW // 1000 + 900)

    assert denied("s1.t1")
    assert not denied("s1.t2")


def test_session_is_denied_with_all_its_tokens() -> None:
    denials.deny_session("s1", NOW)

    assert denied("s1.t1")
    assert denied("s1.t2")
    assert not denied("s2.t1")


def test_subject_is_denied_up_to_a_time() -> None:
    commit([denials.deny_subject("grace", NOW)])
    denials.forget()

    assert denied(issued_at=NOW)
    assert not denied(issued_at=NOW + 1)
    assert not denied(subject="ada")


def test_list_is_read_again_after_ten_seconds_and_not_before(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not denied()
    with monkeypatch.context() as elsewhere:  # another environment, which does not tell this one
        elsewhere.setattr(denials, "forget", lambda: None)
        denials.deny_token("s1.t1", NOW // 1000 + 900)

    assert not denied(now=NOW + denials.MAX_AGE_MS - 1)
    assert denied(now=NOW + denials.MAX_AGE_MS)


def test_list_longer_than_a_page_is_read_whole() -> None:
    for number in range(60):
        denials._put(denials._item(f"TOKEN#s.{number:03d}", NOW // 1000) | {"padding": {"S": "x" * 30_000}})

    assert denied("s.000")
    assert denied("s.059")


def test_change_of_a_person_denies_what_they_were_issued_until_then() -> None:
    accounts.create_first_admin(Account("ada", "admin", "-", "e1", NOW, NOW))

    accounts.change("ada", lambda ada: Account(ada.username, "admin", "new", "e2", NOW, NOW), now=NOW)

    assert denied(subject="ada", issued_at=NOW)
