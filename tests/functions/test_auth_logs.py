"""Secrets never reach a log, whatever happens to the request."""

import logging
from collections.abc import Callable, Iterator

import pytest

from experimentation.storage.access import accounts, sessions
from experimentation.storage.access.accounts import Account
from experimentation.usecases import passwords
from functions.accounts import create as create_account
from functions.accounts import update
from functions.api_keys import create as create_key
from functions.auth import me, refresh, revoke, token
from tests.conftest import Headers
from tests.functions.callers import Answer, call, log_in

NAME = "canary@example.com"
PASSWORD = "canary-password-1"
FORM = {"grant_type": "password", "username": NAME, "password": PASSWORD}
ORIGIN = {"origin": "https://abc123.execute-api.us-east-1.amazonaws.com"}


@pytest.fixture(autouse=True)
def _everything_is_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with caplog.at_level(logging.INFO):
        yield


def test_no_secret_name_or_body_is_logged(
    as_admin: Headers,
    people: Callable[..., Account],
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    people("ada", role="admin")
    account = {"username": NAME, "password": PASSWORD}
    call(create_account.handler, "POST", "/accounts", account, headers=as_admin)
    login = log_in(NAME, PASSWORD)
    secrets = {PASSWORD, NAME, login.json["access_token"], login.json["refresh_token"]}
    secrets |= _every_way_in(as_admin, login)
    monkeypatch.setattr(passwords, "matches", _failing)
    monkeypatch.setattr(accounts, "find", _failing)
    monkeypatch.setattr(sessions, "rotate", _failing)
    faults = [
        call(token.handler, "POST", "/auth/token", form=FORM),
        call(refresh.handler, "POST", "/auth/refresh", {"refresh_token": login.json["refresh_token"]}),
    ]

    logged = "".join(capfd.readouterr()) + caplog.text

    assert [fault.status for fault in faults] == [500, 500]
    assert '"route":"POST /auth/token"' in logged
    assert "Traceback" in logged
    for secret in secrets:
        assert secret not in logged
        assert secret.split("_")[-1] not in logged


def _failing(*_: object, **__: object) -> object:
    raise RuntimeError("out of order")


def _every_way_in(as_admin: Headers, login: Answer) -> set[str]:
    """Use passwords, tokens, keys and cookies in right and wrong ways; return the secrets among them."""
    access, refresh_token = login.json["access_token"], login.json["refresh_token"]
    path = {"username": NAME}
    key = call(
        create_key.handler, "POST", "/api-keys", {"name": "k", "scopes": ["events:write"]}, headers=as_admin
    ).json["key"]
    log_in(NAME, PASSWORD + "!")
    log_in(NAME, PASSWORD * 10)
    call(token.handler, "POST", "/auth/token", FORM | {"unknown": PASSWORD})
    call(token.handler, "POST", "/auth/token", form=FORM | {"transport": "cookie"}, headers=ORIGIN)
    call(token.handler, "POST", "/auth/token", raw_body=f'{{"password": "{PASSWORD}"')
    call(token.handler, "POST", "/auth/token", raw_query=f"password={PASSWORD}", raw_body="{}")
    call(
        update.handler,
        "PATCH",
        f"/accounts/{NAME}",
        {"password": PASSWORD * 9},
        headers=as_admin,
        path_parameters=path,
    )
    call(me.handler, "GET", "/auth/me", headers={"Authorization": f"Bearer {access}"})
    call(me.handler, "GET", "/auth/me", headers={"Authorization": f"Bearer {access}x"})
    call(me.handler, "GET", "/auth/me", headers={"X-API-Key": key})
    call(me.handler, "GET", "/auth/me", headers={"X-API-Key": key + "x"})
    call(me.handler, "GET", "/auth/me", cookies=[f"__Host-access={access}"])
    successor = call(refresh.handler, "POST", "/auth/refresh", {"refresh_token": refresh_token}).json
    call(refresh.handler, "POST", "/auth/refresh", {"refresh_token": refresh_token + "x"})
    call(revoke.handler, "POST", "/auth/revoke", {"token": successor["access_token"]})
    return {key, successor["access_token"], successor["refresh_token"], as_admin["Authorization"][7:]}
