"""POST /auth/token."""

import time
from collections.abc import Callable
from typing import Any

import bcrypt
import pytest

from experimentation.storage.access import accounts, audit, throttles
from experimentation.storage.access.accounts import Account
from experimentation.storage.access.throttles import Attempt
from experimentation.usecases import passwords
from functions.accounts import update
from functions.auth import me, refresh, token
from tests.conftest import ADMIN_PASSWORD, bearer, forget
from tests.functions.callers import Answer, bearer_of, call, log_in

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
    names = [cookie.split("=")[0] for cookie in answer.cookies]
    assert names == ["__Host-access", "__Host-refresh", "__Host-device"]
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
    failures = [log_in("grace", "wrong").status for n in range(5)]

    answer = log_in("grace", "correct horse")

    assert failures == [401] * 5
    assert answer.status == 429
    assert answer.headers["Retry-After"] == "1"


def _cookie_login(username: str, password: str, **parts: Any) -> Answer:
    body = {"username": username, "password": password, "transport": "cookie"}
    return call(token.handler, "POST", "/auth/token", body, headers={"origin": f"https://{HOST}"}, **parts)


@pytest.mark.usefixtures("_grace")
def test_stranger_who_keeps_failing_locks_nobody_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttles, "NAME_CEILING", 10)
    strangers = [log_in("grace", "wrong", source_ip=f"198.51.100.{n}").status for n in range(12)]

    victims = [log_in("grace", "correct horse", source_ip="203.0.113.50").status for _ in range(5)]

    assert strangers == [401] * 12
    assert victims == [200] * 5


@pytest.mark.usefixtures("_grace")
def test_device_that_signed_in_before_passes_an_address_that_must_wait() -> None:
    cookies = [each.split(";")[0] for each in _cookie_login("grace", "correct horse").cookies]
    device = next(cookie for cookie in cookies if cookie.startswith("__Host-device="))
    for n in range(5):
        log_in(f"name{n}", "wrong")
    assert log_in("grace", "correct horse").status == 429

    again = _cookie_login("grace", "correct horse", cookies=[device])

    assert again.status == 200
    assert "__Host-device" not in str(again.cookies)


@pytest.mark.usefixtures("_grace")
def test_device_is_of_one_person_and_cannot_be_invented(people: People) -> None:
    people("dora", password_hash=passwords.hashed("correct horse"))
    device = _cookie_login("dora", "correct horse").cookies[2].split(";")[0]
    for n in range(5):
        log_in(f"name{n}", "wrong")

    for cookie in (device, "__Host-device=invented", "__Host-device=", "__Host-device=" + "x" * 5_000):
        assert _cookie_login("grace", "correct horse", cookies=[cookie]).status == 429


@pytest.mark.usefixtures("_grace")
def test_stolen_device_guesses_no_faster() -> None:
    device = _cookie_login("grace", "correct horse").cookies[2].split(";")[0]

    statuses = [_cookie_login("grace", "wrong", cookies=[device]).status for _ in range(7)]

    assert statuses == [401] * 5 + [429] * 2


@pytest.mark.usefixtures("_grace")
def test_behind_the_edge_the_viewers_address_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGE_SECRET", "edge")

    def status(viewer: str, password: str = "wrong") -> int:
        headers = {"X-Edge-Secret": "edge", "X-Viewer-Address": viewer}
        return log_in("grace", password, headers=headers).status

    assert [status("198.51.100.7") for _ in range(5)] == [401] * 5
    assert status("198.51.100.7", password="correct horse") == 429
    assert status("198.51.100.8", password="correct horse") == 200
    assert status("2001:db8::1", password="correct horse") == 200


@pytest.mark.usefixtures("_grace")
def test_without_the_edge_nobody_says_what_his_address_is() -> None:
    headers = [{"X-Viewer-Address": f"198.51.100.{n}", "X-Edge-Secret": ""} for n in range(6)]

    statuses = [log_in("grace", "wrong", headers=each).status for each in headers]

    assert statuses == [401] * 5 + [429]


@pytest.mark.usefixtures("_grace")
def test_signing_in_again_with_cookies_ends_the_session_they_were_of() -> None:
    first = [cookie.split(";")[0] for cookie in _cookie_login("grace", "correct horse").cookies]

    second = _cookie_login("grace", "correct horse", cookies=first)

    assert second.status == 200
    refreshing = {"headers": {"origin": f"https://{HOST}"}}
    assert call(refresh.handler, "POST", "/auth/refresh", cookies=first, **refreshing).status == 401
    kept = [cookie.split(";")[0] for cookie in second.cookies]
    assert call(me.handler, "GET", "/auth/me", cookies=kept).status == 200


@pytest.mark.usefixtures("_grace")
def test_logins_and_refusals_are_on_record_without_a_mistyped_password() -> None:
    log_in("grace", "correct horse", source_ip="203.0.113.1")
    log_in("grace", "wrong", source_ip="203.0.113.2")
    log_in("my secret password", "x", source_ip="203.0.113.3")

    entries = audit.page(10, None, int(time.time() * 1000)).entries

    assert [(entry.deed, entry.actor, entry.target, entry.address) for entry in entries] == [
        ("login_refused", "", "", "203.0.113.3"),
        ("login_refused", "", "grace", "203.0.113.2"),
        ("login", "grace", "grace", "203.0.113.1"),
    ]


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
    for _ in range(5):
        throttles.charge(Attempt("grace", "203.0.113.7"), int(time.time() * 1000))
    monkeypatch.setattr(bcrypt, "checkpw", lambda *_: pytest.fail("looked at the password"))

    assert log_in("grace", "correct horse").status == 429


@pytest.mark.usefixtures("_grace")
def test_password_that_changes_during_the_check_does_not_log_in(monkeypatch: pytest.MonkeyPatch) -> None:
    real = bcrypt.checkpw

    def check_while_it_changes(given: bytes, stored: bytes) -> bool:
        monkeypatch.setattr(bcrypt, "checkpw", real)
        headers = bearer("ada", "admin")
        parameters = {"username": "grace"}
        change = {"password": "another horse"}
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
    assert "each signing key needs a secret of 32 bytes or more" in capsys.readouterr().out


@pytest.mark.usefixtures("_grace")
def test_admin_password_is_not_lost_between_environments() -> None:
    forget()

    assert log_in("grace", "correct horse").status == 200
    assert log_in("admin", ADMIN_PASSWORD).status == 401
