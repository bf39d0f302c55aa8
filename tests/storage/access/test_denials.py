"""The deny list."""

from typing import Any

import boto3
import pytest

from experimentation.storage.access import accounts, denials, sessions
from experimentation.storage.access.accounts import Account
from experimentation.storage.aws.transactions import commit

NOW = 1_795_330_800_000
LIFE = 900
pytestmark = pytest.mark.usefixtures("aws")


def denied(session_id: str = "s1", subject: str = "grace", issued_at: int = NOW, now: int = NOW) -> bool:
    return denials.is_denied(session_id, subject, issued_at, now)


def entries() -> list[Any]:
    table = boto3.client("dynamodb")
    found: list[Any] = table.query(
        TableName="AccountsTable",
        KeyConditionExpression="PK = :deny",
        ExpressionAttributeValues={":deny": {"S": "DENY"}},
    )["Items"]
    return found


def test_session_is_denied_until_its_last_token_is_over() -> None:
    denials.deny_session("s1", NOW // 1000 + LIFE)

    assert denied("s1")
    assert not denied("s2")
    assert denied("s1", now=NOW + LIFE * 1000)
    assert not denied("s1", now=NOW + (LIFE + denials.SKEW_SECONDS + 1) * 1000)


def test_subject_is_denied_up_to_a_time() -> None:
    commit([denials.deny_subject("grace", NOW)])
    denials.forget()

    assert denied(issued_at=NOW)
    assert not denied(issued_at=NOW + 1)
    assert not denied(subject="ada")


def test_later_denial_of_a_subject_stands_beside_an_earlier_one_of_another_quarter() -> None:
    for at in (NOW, NOW + 1_000_000, NOW + 500_000):
        denials.deny_subject_now("grace", at)

    assert denied(issued_at=NOW + 1_000_000, now=NOW + 1_000_000)


def test_denial_that_comes_late_takes_no_later_one_back() -> None:
    for at in (NOW, NOW - 1_000):
        denials.deny_subject_now("grace", at)

    assert len(entries()) == 1
    assert denied(issued_at=NOW)


def test_list_is_read_again_after_ten_seconds_and_not_before(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not denied()
    with monkeypatch.context() as elsewhere:  # another environment, which does not tell this one
        elsewhere.setattr(denials, "forget", lambda: None)
        denials.deny_session("s1", NOW // 1000 + LIFE)

    assert not denied(now=NOW + denials.MAX_AGE_MS - 1)
    assert denied(now=NOW + denials.MAX_AGE_MS)


def test_list_longer_than_a_page_is_read_whole() -> None:
    for number in range(60):
        denials._put(
            denials._item(f"SESSION#{number:03d}", NOW // 1000 + 9) | {"padding": {"S": "x" * 30_000}}
        )

    assert denied("000")
    assert denied("059")


def test_what_is_over_is_not_read_however_late_it_is_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(50):
        denials.deny_session(f"old{number}", NOW // 1000 - 10_000 + number)
    denials.deny_session("s1", NOW // 1000 + LIFE)

    kept = denials._read("AccountsTable", NOW)

    assert kept.sessions == {"s1"}


def test_one_person_cannot_make_the_list_long() -> None:
    for second in range(2 * sessions.DENIED_ONE_BY_ONE):
        now = NOW + second * 1000
        session = sessions.start("mallory", "e", now)
        for _ in range(3):
            sessions.rotate(session.refresh_token, now)
        sessions.revoke(session.refresh_token, now)
        denials.forget()
        assert denied(session.id, "mallory", now, now)

    assert len(entries()) <= sessions.DENIED_ONE_BY_ONE + 2


def test_ending_many_sessions_leaves_other_people_alone() -> None:
    for _ in range(30):
        sessions.revoke(sessions.start("mallory", "e", NOW).refresh_token, NOW)

    assert not denied("s1", "grace")


def test_change_of_a_person_denies_what_they_were_issued_until_then() -> None:
    accounts.create_first_admin(Account("ada", "admin", "-", "e1", NOW, NOW))

    accounts.change("ada", lambda ada: Account(ada.username, "admin", "new", "e2", NOW, NOW), now=NOW)

    assert denied(subject="ada", issued_at=NOW)
