"""Signing keys: chosen by name, two at once, rotated with nobody logged out."""

import json
from typing import Any

import boto3
import pytest

from experimentation.domain.errors import ConfigurationError
from experimentation.storage.access import signing_keys
from functions.auth import me, refresh
from tests.conftest import SIGNING_SECRET, bearer, now
from tests.functions.callers import Answer, call, log_in

OLD, NEW = "o" * 40, "n" * 40


def _store(*names_and_secrets: tuple[str, str]) -> None:
    keys = [{"kid": kid, "secret": secret} for kid, secret in names_and_secrets]
    _put(json.dumps({"keys": keys}))


def _put(text: str) -> None:
    boto3.client("secretsmanager").put_secret_value(SecretId="signing", SecretString=text)


def _pass_five_minutes() -> None:
    signing_keys.forget()


def _status(headers: dict[str, str]) -> int:
    return call(me.handler, "GET", "/auth/me", headers=headers).status


@pytest.mark.usefixtures("aws")
def test_rotation_logs_nobody_out() -> None:
    login = log_in()
    before = bearer("ada", "user")  # signed with the generated secret
    generated = (signing_keys.kid_of(SIGNING_SECRET), SIGNING_SECRET)

    _store(generated, ("2027", NEW))  # step 1: every environment learns the new key
    _pass_five_minutes()
    between = bearer("ada", "user")
    assert [_status(headers) for headers in (before, between)] == [200, 200]

    _store(("2027", NEW), generated)  # step 2: it signs
    still_warm = bearer("ada", "user")  # by an environment that has not read the secret again
    _pass_five_minutes()
    after = bearer("ada", "user")
    assert [_status(headers) for headers in (before, between, still_warm, after)] == [200] * 4

    _store(("2027", NEW))  # step 3: when the last token of the old key is over
    _pass_five_minutes()
    assert _status(after) == 200
    assert _status(before) == 401
    assert _refreshed(login).status == 200  # sessions do not depend on the key


def _refreshed(login: Answer) -> Answer:
    body = {"refresh_token": login.json["refresh_token"]}
    return call(refresh.handler, "POST", "/auth/refresh", body)


@pytest.mark.usefixtures("aws")
def test_unknown_key_is_looked_up_again_every_ten_seconds_at_most() -> None:
    start = now()
    signing_keys.newest(start)
    _store(("2027", NEW))

    assert signing_keys.named("2027", start + 1) is None
    assert signing_keys.named("2027", start + signing_keys.UNKNOWN_KEY_PAUSE_MS) is not None


@pytest.mark.usefixtures("aws")
def test_known_keys_outlive_an_outage_of_their_store(monkeypatch: pytest.MonkeyPatch) -> None:
    start = now()
    known = signing_keys.newest(start)

    def refused(_: str) -> Any:
        raise signing_keys.UnavailableError("down")

    monkeypatch.setattr(signing_keys, "_read", refused)

    assert signing_keys.newest(start + signing_keys.MAX_AGE_MS) == known


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x" * 31,
        "{",
        "{}",
        '{"keys": []}',
        '{"keys": {}}',
        '{"keys": [1]}',
        '{"keys": [{"kid": "a", "secret": 1}]}',
        json.dumps({"keys": [{"kid": "", "secret": NEW}]}),
        json.dumps({"keys": [{"kid": "a", "secret": NEW}, {"kid": "b", "secret": "short"}]}),
    ],
)
def test_unsafe_secret_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        signing_keys.parsed(text)
    assert "x" * 31 not in str(refused.value)
    assert "short" not in str(refused.value)


def test_two_keys_have_two_names() -> None:
    assert signing_keys.kid_of(OLD) != signing_keys.kid_of(NEW)
    assert [key.kid for key in signing_keys.parsed(OLD)] == [signing_keys.kid_of(OLD)]
