"""POST /auth/refresh and POST /auth/revoke."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from experimentation.domain.errors import UnauthenticatedError
from experimentation.storage.access import accounts, audit, denials, sessions
from experimentation.storage.access.accounts import Account
from experimentation.storage.aws import client
from experimentation.usecases import passwords
from functions.accounts import delete, update
from functions.auth import me, refresh, revoke
from tests.conftest import bearer, now
from tests.functions.callers import Answer, bearer_of, call, log_in
from tests.wire import BUSY_JSON, answering

SITE = "https://abc123.execute-api.us-east-1.amazonaws.com"
type People = Callable[..., Account]


@pytest.fixture
def login(people: People) -> Answer:
    """What grace got when she logged in."""
    people("ada", role="admin")
    people("grace", password_hash=passwords.hashed("correct horse"))
    return log_in("grace", "correct horse")


def _refreshed(token: str, **parts: Any) -> Answer:
    return call(refresh.handler, "POST", "/auth/refresh", {"refresh_token": token}, **parts)


def _me(answer: Answer) -> int:
    denials.forget()  # as if ten seconds had passed
    return call(me.handler, "GET", "/auth/me", headers=bearer_of(answer)).status


def test_refresh_gives_a_new_pair(login: Answer) -> None:
    answer = _refreshed(login.json["refresh_token"])

    assert answer.status == 200
    assert answer.json["refresh_token"] != login.json["refresh_token"]
    assert answer.json["access_token"] != login.json["access_token"]
    assert _me(answer) == 200


def test_refresh_takes_a_form(login: Answer) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": login.json["refresh_token"]}

    assert call(refresh.handler, "POST", "/auth/refresh", form=form).status == 200


def test_same_token_gives_the_same_successor_for_ten_seconds(login: Answer) -> None:
    first = _refreshed(login.json["refresh_token"])

    second = _refreshed(login.json["refresh_token"])

    assert second.status == 200
    assert second.json["refresh_token"] == first.json["refresh_token"]
    assert _refreshed(second.json["refresh_token"]).status == 200


def test_used_token_ends_the_family_after_the_grace(login: Answer) -> None:
    used = login.json["refresh_token"]
    successor = sessions.rotate(used, now() - sessions.GRACE_MS - 1)

    replay = _refreshed(used)

    assert replay.status == 401
    assert _refreshed(successor.refresh_token).status == 401
    assert _me(login) == 401


def test_token_before_the_last_ends_the_family_at_once(login: Answer) -> None:
    first = login.json["refresh_token"]
    second = _refreshed(first).json["refresh_token"]
    third = _refreshed(second).json["refresh_token"]

    assert _refreshed(first).status == 401
    assert _refreshed(third).status == 401


def test_refresh_token_ends_with_its_time(login: Answer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REFRESH_EXPIRATION_DAYS", "0")

    token = _refreshed(login.json["refresh_token"]).json["refresh_token"]

    assert _refreshed(token).status == 401


@pytest.mark.parametrize(
    "token",
    ["", "rt", "rt_x", "rt__", "rt_00_11", "exp_1_2", "\N{GRINNING FACE}", "rt_" + "0" * 9_000],
)
def test_what_is_no_refresh_token_is_401(login: Answer, token: str) -> None:
    assert _refreshed(token).status == 401


@pytest.mark.parametrize("change", [{"password": "another horse"}, {"disabled": True}])
def test_new_password_or_disabling_ends_sessions_and_access_tokens(
    login: Answer, change: dict[str, object]
) -> None:
    path = {"username": "grace"}
    headers = bearer("ada", "admin")
    call(update.handler, "PATCH", "/accounts/grace", change, headers=headers, path_parameters=path)

    assert _me(login) == 401
    assert _refreshed(login.json["refresh_token"]).status == 401


def test_deleting_a_person_ends_sessions_and_access_tokens(login: Answer) -> None:
    path = {"username": "grace"}
    call(delete.handler, "DELETE", "/accounts/grace", headers=bearer("ada", "admin"), path_parameters=path)

    assert _me(login) == 401
    assert _refreshed(login.json["refresh_token"]).status == 401


@pytest.mark.parametrize("change", [{"disabled": True}, {"role": "viewer"}, None])
def test_refresh_while_a_person_is_changed_outlives_the_change_by_nothing(
    login: Answer, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any] | None
) -> None:
    committed = accounts.commit
    meanwhile: list[Answer] = []

    def late(actions: Any) -> None:
        monkeypatch.setattr(accounts, "commit", committed)
        time.sleep(0.005)  # on its way, as of a time that is over
        meanwhile.append(_refreshed(login.json["refresh_token"]))
        time.sleep(0.005)
        committed(actions)

    monkeypatch.setattr(accounts, "commit", late)
    parts = {"headers": bearer("ada", "admin"), "path_parameters": {"username": "grace"}}
    if change is None:
        call(delete.handler, "DELETE", "/accounts/grace", **parts)
    else:
        call(update.handler, "PATCH", "/accounts/grace", change, **parts)

    assert meanwhile[0].status == 200
    assert _me(meanwhile[0]) == 401


def test_change_is_made_although_the_last_refusal_cannot_be_written(
    login: Answer, capsys: pytest.CaptureFixture[str]
) -> None:
    parts = {"headers": bearer("ada", "admin"), "path_parameters": {"username": "grace"}}
    with answering(client.dynamodb(), "PutItem", BUSY_JSON, when=lambda each: b"SUBJECT#grace" in each.body):
        answer = call(update.handler, "PATCH", "/accounts/grace", {"disabled": True}, **parts)

    assert (answer.status, answer.json["disabled"]) == (200, True)
    assert "what was issued during a change was not refused" in capsys.readouterr().out
    assert _me(login) == 401


def test_login_after_a_new_password_is_good_at_once(login: Answer) -> None:
    path = {"username": "grace"}
    headers = bearer("ada", "admin")
    change = {"password": "another horse"}
    call(update.handler, "PATCH", "/accounts/grace", change, headers=headers, path_parameters=path)

    again = log_in("grace", "another horse")

    assert again.status == 200
    assert _me(again) == 200


def test_new_role_reaches_the_person_by_refreshing(login: Answer) -> None:
    path = {"username": "grace"}
    headers = bearer("ada", "admin")
    call(update.handler, "PATCH", "/accounts/grace", {"role": "admin"}, headers=headers, path_parameters=path)

    assert _me(login) == 401
    answer = _refreshed(login.json["refresh_token"])
    assert "admin" not in login.json["scope"].split()
    assert "admin" in answer.json["scope"].split()


def test_cookies_refresh_and_log_out(login: Answer) -> None:
    body = None
    cookies = [f"__Host-refresh={login.json['refresh_token']}"]
    origin = {"origin": SITE}

    answer = call(refresh.handler, "POST", "/auth/refresh", body, cookies=cookies, headers=origin)

    assert answer.status == 200
    assert "access_token" not in answer.json
    kept = [cookie.split(";")[0] for cookie in answer.cookies]
    who = call(me.handler, "GET", "/auth/me", cookies=kept)
    assert who.json["id"] == "grace"
    out = call(revoke.handler, "POST", "/auth/revoke", cookies=kept, headers=origin)
    assert out.status == 200
    assert all("Max-Age=0" in cookie for cookie in out.cookies)
    assert call(me.handler, "GET", "/auth/me", cookies=kept).status == 401
    assert call(refresh.handler, "POST", "/auth/refresh", cookies=kept, headers=origin).status == 401


@pytest.mark.parametrize("headers", [{}, {"origin": "https://evil.example"}, {"origin": "null"}])
@pytest.mark.parametrize("handler", [refresh.handler, revoke.handler])
def test_cookies_need_this_sites_origin(login: Answer, handler: Any, headers: dict[str, str]) -> None:
    cookies = [f"__Host-refresh={login.json['refresh_token']}"]

    assert call(handler, "POST", "/auth/x", cookies=cookies, headers=headers).status == 403


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("handler", [refresh.handler, revoke.handler])
def test_nothing_to_refresh_or_revoke_is_401(handler: Any) -> None:
    assert call(handler, "POST", "/auth/x").status == 401


def test_revoked_refresh_token_takes_its_access_tokens_along(login: Answer) -> None:
    answer = call(revoke.handler, "POST", "/auth/revoke", form={"token": login.json["refresh_token"]})

    assert answer.status == 200
    assert _refreshed(login.json["refresh_token"]).status == 401
    assert _me(login) == 401


def test_revoked_access_token_ends_its_session(login: Answer) -> None:
    call(revoke.handler, "POST", "/auth/revoke", {"token": login.json["access_token"]})

    assert _me(login) == 401
    assert _refreshed(login.json["refresh_token"]).status == 401


@pytest.mark.parametrize("generations", [1, 2, 5])
def test_logging_out_with_a_superseded_token_puts_a_thief_out(login: Answer, generations: int) -> None:
    stolen = login
    for _ in range(generations):
        stolen = _refreshed(stolen.json["refresh_token"])

    out = call(revoke.handler, "POST", "/auth/revoke", {"token": login.json["refresh_token"]})

    assert out.status == 200
    assert _me(stolen) == 401
    assert _refreshed(stolen.json["refresh_token"]).status == 401


def _forgeries(login: Answer) -> list[str]:
    """Return what can be made of a token without knowing its secret."""
    kind, name, session_id, secret, tag = login.json["refresh_token"].split("_")
    other = sessions.start("grace", "epoch", now()).refresh_token.split("_")
    return [
        f"{kind}_{name}_{session_id}_x",
        f"{kind}_{name}_{session_id}_{'0' * 64}_{'0' * 32}",
        f"{kind}_{name}_{session_id}_{secret}_{'0' * 32}",
        f"{kind}_{name}_{session_id}_{'0' * 64}_{tag}",
        f"{kind}_{name}_{session_id}_{other[3]}_{other[4]}",
    ]


@pytest.mark.parametrize("number", range(5))
@pytest.mark.parametrize("handler", [refresh.handler, revoke.handler])
def test_sessions_id_alone_ends_nothing(login: Answer, handler: Any, number: int) -> None:
    forged = _forgeries(login)[number]
    field = "token" if handler is revoke.handler else "refresh_token"

    call(handler, "POST", "/auth/x", {field: forged})

    assert _me(login) == 200
    assert _refreshed(login.json["refresh_token"]).status == 200


def test_session_ends_for_good_however_often_it_is_refreshed(
    login: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SESSION_EXPIRATION_DAYS", "2")
    start, day = now(), 86_400_000
    token = sessions.start("grace", "epoch", start).refresh_token

    token = sessions.rotate(token, start + 2 * day - 5_000).refresh_token

    with pytest.raises(UnauthenticatedError):
        sessions.rotate(token, start + 2 * day)


def test_session_says_how_long_its_cookie_is_good(login: Answer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SESSION_EXPIRATION_DAYS", "2")

    answer = log_in("grace", "correct horse")

    assert answer.json["refresh_expires_in"] == 2 * 86_400


def test_reuse_is_on_record_and_counted(login: Answer, capsys: pytest.CaptureFixture[str]) -> None:
    sessions.rotate(login.json["refresh_token"], now() - sessions.GRACE_MS - 1)

    _refreshed(login.json["refresh_token"], source_ip="198.51.100.9")

    entry = audit.page(1, None, now()).entries[0]
    assert (entry.deed, entry.target, entry.address) == ("session_reused", "grace", "198.51.100.9")
    assert '"RefreshTokensReused":[1' in capsys.readouterr().out


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("token", ["x", "rt_00_11", "a.b.c", "exp_1_2", "\N{GRINNING FACE}"])
def test_revoking_what_never_was_is_200(token: str) -> None:
    assert call(revoke.handler, "POST", "/auth/revoke", {"token": token}).status == 200


@pytest.mark.usefixtures("aws")
def test_refresh_tokens_are_stored_as_hashes_only(people: People) -> None:
    session = sessions.start("grace", "epoch", now())
    successor = sessions.rotate(session.refresh_token, now())

    stored = str(_everything())

    for token in (session.refresh_token, successor.refresh_token):
        assert token.split("_", 2)[2] not in stored


def _everything() -> list[Any]:
    import boto3  # noqa: PLC0415 - moto replaces it from here on

    found: list[Any] = boto3.client("dynamodb").scan(TableName="AccountsTable")["Items"]
    return found
