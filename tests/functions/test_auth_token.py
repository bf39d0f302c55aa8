"""POST /auth/token."""

import time
from collections.abc import Callable

import bcrypt
import pytest

from experimentation.storage.access import accounts, throttles
from experimentation.storage.access.accounts import Account
from experimentation.usecases import passwords
from functions.accounts import update
from functions.auth import me, token
from tests.conftest import ADMIN_PASSWORD, bearer, forget
from tests.functions.callers import bearer_of, call, log_in

HOST = "abc123.execute-api.us-east-1.amazonaws.com"
type People = Callable[..., Account]


@pytest.fixture
def _grace(people: People) -> None:
    people("grace", password_hash=passwords.hashed("correct horse"))


@pytest.mark.usefixtures("aws")
def test_first_admin_is_made_from_the_secret_on_first_use() -> None:
    answer = log_in()

    assert answer.status == 200
    assert answer.json["token_type"] == "Bearer"
    assert answer.json["expires_in"] == 900
    who = call(me.handler, "GET", "/auth/me", headers=bearer_of(answer))
    assert (who.status, who.json["id"], who.json["role"]) == (200, "admin", "admin")


@pytest.mark.usefixtures("aws")
def test_first_admin_does_not_come_back_after_another_took_over(people: People) -> None:
    log_in()
    people("ada", role="admin")
    accounts.delete("admin")
    forget()

    answer = log_in()

    assert answer.status == 401


@pytest.mark.usefixtures("_grace")
def test_form_of_rfc_6749_logs_in() -> None:
    form = {"grant_type": "password", "username": "grace", "password": "correct horse"}

    answer = call(token.handler, "POST", "/auth/token", form=form)

    assert answer.status == 200
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.usefixtures("_grace")
def test_name_is_the_same_in_upper_case() -> None:
    assert log_in("GRACE", "correct horse").status == 200


@pytest.mark.usefixtures("_grace")
def test_cookie_transport_sets_cookies_and_returns_no_token() -> None:
    body = {"username": "grace", "password": "correct horse", "transport": "cookie"}

    answer = call(token.handler, "POST", "/auth/token", body, headers={"origin": f"https://{HOST}"})

    assert answer.status == 200
    assert not {"access_token", "refresh_token"} & answer.json.keys()
    assert [cookie.split("=")[0] for cookie in answer.cookies] == ["__Host-access", "__Host-refresh"]
    for cookie in answer.cookies:
        assert cookie.endswith("; HttpOnly; Secure; SameSite=Strict")
        assert "; Path=/;" in cookie


@pytest.mark.usefixtures("_grace")
def test_cookies_are_not_given_to_another_sites_page() -> None:
    body = {"username": "grace", "password": "correct horse", "transport": "cookie"}

    answer = call(token.handler, "POST", "/auth/token", body, headers={"origin": "https://evil.example"})

    assert answer.status == 403
    assert answer.cookies == []


@pytest.mark.usefixtures("_grace")
def test_wrong_password_unknown_name_and_disabled_person_get_equal_answers(people: People) -> None:
    people("dora", password_hash=passwords.hashed("correct horse"))
    accounts.change("dora", _disabled, now=0)

    answers = [log_in("grace", "wrong"), log_in("nobody", "wrong"), log_in("dora", "correct horse")]

    assert {answer.status for answer in answers} == {401}
    assert len({answer.json["detail"] for answer in answers}) == 1
    assert all("WWW-Authenticate" in answer.headers for answer in answers)


def _disabled(account: Account) -> Account:
    return Account(
        account.username,
        account.role,
        account.password_hash,
        account.epoch,
        account.created_at,
        account.updated_at,
        disabled=True,
    )


@pytest.mark.usefixtures("_grace")
@pytest.mark.parametrize("username", ["grace", "nobody", "no such name!", "\N{GRINNING FACE}"])
@pytest.mark.parametrize("password", ["wrong", "", "a\0b", "x" * 73, "é" * 36 + "x"])
def test_every_login_does_one_check_at_the_same_cost(
    monkeypatch: pytest.MonkeyPatch, username: str, password: str
) -> None:
    costs: list[str] = []
    real = bcrypt.checkpw
    monkeypatch.setattr(
        bcrypt, "checkpw", lambda given, stored: costs.append(stored.decode()[:7]) or real(given, stored)
    )

    answer = log_in(username, password)

    assert answer.status == 401
    assert costs == ["$2b$04$"]


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("password", ["x" * 72, "é" * 36, "a\0b and more", "p" * 8])
def test_password_up_to_72_bytes_logs_in_and_its_beginning_does_not(people: People, password: str) -> None:
    people("grace", password_hash=passwords.hashed(password))

    right, longer, shorter = (log_in("grace", text) for text in (password, password + "x", password[:-1]))

    assert (right.status, longer.status, shorter.status) == (200, 401, 401)


def test_passwords_are_hashed_at_cost_12(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()

    assert passwords.COST == 12


@pytest.mark.usefixtures("_grace")
def test_sixth_attempt_after_five_failures_must_wait() -> None:
    failures = [log_in("grace", "wrong", source_ip=f"203.0.113.{n}").status for n in range(5)]

    answer = log_in("grace", "correct horse", source_ip="203.0.113.99")

    assert failures == [401] * 5
    assert answer.status == 429
    assert answer.headers["Retry-After"] == "1"


@pytest.mark.usefixtures("_grace")
def test_one_address_that_tries_many_names_must_wait() -> None:
    failures = [log_in(f"name{n}", "wrong").status for n in range(5)]

    answer = log_in("grace", "correct horse")

    assert failures == [401] * 5
    assert answer.status == 429


@pytest.mark.usefixtures("_grace")
def test_waiting_is_enough_for_the_right_password() -> None:
    for _ in range(5):
        log_in("grace", "wrong")
    time.sleep(1.05)

    assert log_in("grace", "correct horse").status == 200
    assert log_in("grace", "correct horse").status == 200


@pytest.mark.usefixtures("_grace")
def test_attempts_are_charged_before_the_password_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(5):
        throttles.charge("grace", f"203.0.113.{n}", int(time.time() * 1000))
    monkeypatch.setattr(bcrypt, "checkpw", lambda *_: pytest.fail("looked at the password"))

    assert log_in("grace", "correct horse").status == 429


@pytest.mark.usefixtures("_grace")
def test_password_that_changes_during_the_check_does_not_log_in(monkeypatch: pytest.MonkeyPatch) -> None:
    real = bcrypt.checkpw

    def check_while_it_changes(given: bytes, stored: bytes) -> bool:
        monkeypatch.setattr(bcrypt, "checkpw", real)
        headers = bearer("ada", "admin")
        parameters = {"username": "grace"}
        change = {"password": "another password"}
        call(update.handler, "PATCH", "/accounts/grace", change, headers=headers, path_parameters=parameters)
        return real(given, stored)

    monkeypatch.setattr(bcrypt, "checkpw", check_while_it_changes)

    assert log_in("grace", "correct horse").status == 401


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"username": "grace"}, 422),
        ({"username": "grace", "password": 5}, 422),
        ({"username": ["grace"], "password": "x"}, 422),
        ({"username": "grace", "password": "x", "grant_type": "implicit"}, 422),
        ({"username": "grace", "password": "x", "extra": 1}, 422),
        ({"username": "x" * 257, "password": "x"}, 422),
        ({"username": "grace", "password": "\ud800"}, 400),
        ({"username": "grace", "password": "x" * 10_000}, 413),
        ([], 422),
    ],
)
def test_bad_request_is_named(body: object, status: int) -> None:
    assert call(token.handler, "POST", "/auth/token", body).status == status


@pytest.mark.usefixtures("aws")
def test_short_signing_secret_stops_the_function(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import boto3  # noqa: PLC0415 - moto replaces it from here on

    made = boto3.client("secretsmanager").create_secret(Name="short", SecretString="x" * 31)
    monkeypatch.setenv("SIGNING_SECRET_ARN", made["ARN"])

    answer = log_in()

    assert answer.status == 500
    assert "32 bytes" not in str(answer.json)
    assert "each signing key needs a kid and 32 bytes or more" in capsys.readouterr().out


@pytest.mark.usefixtures("_grace")
def test_admin_password_is_not_lost_between_environments() -> None:
    forget()

    assert log_in("grace", "correct horse").status == 200
    assert log_in("admin", ADMIN_PASSWORD).status == 401
