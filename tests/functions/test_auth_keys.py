"""Signing keys: chosen by name, two at once, rotated with nobody logged out."""

import base64
import json
from typing import Any

import boto3
import pytest

from experimentation import settings
from experimentation.domain.errors import ConfigurationError
from experimentation.storage.access import signing_keys, token_keys
from experimentation.storage.cached import Cached
from functions.auth import me, refresh
from tests.conftest import SIGNING_SECRET, bearer, now
from tests.functions.callers import Answer, call, log_in

OLD, NEW = "o" * 40, "n" * 40


def _store(*secrets: str) -> None:
    text = json.dumps({"keys": secrets})
    boto3.client("secretsmanager").put_secret_value(SecretId="signing", SecretString=text)


def _pass_five_minutes() -> None:
    signing_keys.forget()
    token_keys.forget()


def _status(headers: dict[str, str]) -> int:
    return call(me.handler, "GET", "/auth/me", headers=headers).status


@pytest.mark.usefixtures("aws")
def test_rotation_logs_nobody_out() -> None:
    login = log_in()
    before = bearer("ada", "user")  # signed with the generated secret

    _store(SIGNING_SECRET, NEW)  # step 1: whoever logs in publishes the new key, everybody learns it
    _pass_five_minutes()
    between = bearer("ada", "user")
    assert [_status(headers) for headers in (before, between)] == [200, 200]

    _store(NEW, SIGNING_SECRET)  # step 2: it signs
    still_warm = bearer("ada", "user")  # by an environment that has not read the secret again
    _pass_five_minutes()
    after = bearer("ada", "user")
    assert [_status(headers) for headers in (before, between, still_warm, after)] == [200] * 4

    _store(NEW)  # step 3: when the last token of the old key is over
    _pass_five_minutes()
    bearer("ada", "user")
    assert _status(after) == 200
    assert _status(before) == 401
    assert _refreshed(login).status == 200  # sessions do not depend on the key


def _refreshed(login: Answer) -> Answer:
    body = {"refresh_token": login.json["refresh_token"]}
    return call(refresh.handler, "POST", "/auth/refresh", body)


@pytest.mark.usefixtures("aws")
def test_token_of_a_key_that_was_just_published_is_good_everywhere() -> None:
    old = bearer("ada", "user")
    assert _status(old) == 200
    table = settings.accounts_table()
    elsewhere = token_keys._cached.last(table)
    assert elsewhere is not None
    _store(NEW, SIGNING_SECRET)
    signing_keys.forget()
    new = bearer("ada", "user")

    token_keys._cached.keep(table, now() - 3_000, elsewhere)

    assert [_status(old), _status(new)] == [200, 200]


@pytest.mark.usefixtures("aws")
def test_unknown_key_is_looked_up_again_every_two_seconds_at_most() -> None:
    start = now()
    signing_keys.newest(start)
    (known,) = signing_keys.parsed(NEW)
    with pytest.MonkeyPatch.context() as elsewhere:
        elsewhere.setattr(token_keys, "_cached", Cached(token_keys.MAX_AGE_MS))
        token_keys.replace([known.public], start)

    assert token_keys.named(known.public.kid, start + 1) is None
    assert token_keys.named(known.public.kid, start + token_keys.UNKNOWN_KEY_PAUSE_MS) == known.public


@pytest.mark.usefixtures("aws")
def test_private_key_is_neither_stored_nor_needed_to_verify(monkeypatch: pytest.MonkeyPatch) -> None:
    headers = bearer("ada", "user")
    (key,) = signing_keys.parsed(SIGNING_SECRET)
    stored = str(boto3.client("dynamodb").scan(TableName="AccountsTable")["Items"])
    monkeypatch.delenv("SIGNING_SECRET_ARN")

    assert key.public.public in stored
    assert base64.b64encode(key.private.private_bytes_raw()).decode() not in stored
    assert key.private.private_bytes_raw().hex() not in stored
    assert SIGNING_SECRET not in stored
    assert _status(headers) == 200


@pytest.mark.usefixtures("aws")
def test_before_the_first_login_no_token_is_good() -> None:
    assert token_keys.named("", now()) is None
    assert _status({"Authorization": "Bearer a.b.c"}) == 401


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
        '{"keys": "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"}',
        json.dumps({"keys": [{"kid": "a", "secret": NEW}]}),
        json.dumps({"keys": [NEW, "short"]}),
    ],
)
def test_unsafe_secret_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        signing_keys.parsed(text)
    assert "x" * 31 not in str(refused.value)
    assert "short" not in str(refused.value)


def test_two_secrets_are_two_keys_and_one_is_always_the_same() -> None:
    keys = [signing_keys.parsed(secret)[0].public for secret in (OLD, NEW, OLD)]

    assert keys[0] == keys[2] != keys[1]
    assert [key.public for key in signing_keys.parsed(json.dumps({"keys": [NEW, OLD]}))] == [keys[1], keys[0]]
