"""POST, GET /api-keys and DELETE /api-keys/{key_id}."""

from collections.abc import Callable
from typing import Any

import boto3
import pytest

from experimentation.domain.clock import rfc3339
from experimentation.domain.errors import TooManyRequestsError
from experimentation.storage import cached
from experimentation.storage.access import api_keys, audit
from experimentation.web import key_rates
from functions.api_keys import create, delete
from functions.api_keys import list as listing
from functions.auth import me
from tests.cancelled import cancelling, conflict_on
from tests.conftest import Headers, now
from tests.functions.callers import Answer, call


def _create(headers: Headers, **fields: object) -> Answer:
    body = {"name": "collector", "scopes": ["events:write"]} | fields
    return call(create.handler, "POST", "/api-keys", body, headers=headers)


def _who(headers: Headers) -> Answer:
    return call(me.handler, "GET", "/auth/me", headers=headers)


def test_key_is_shown_once_and_works(as_admin: Headers) -> None:
    answer = _create(as_admin)

    assert answer.status == 201
    assert answer.json["key"].startswith(f"exp_{answer.json['id']}_")
    assert answer.headers["Location"] == f"/api-keys/{answer.json['id']}"
    for headers in ({"X-API-Key": answer.json["key"]}, {"Authorization": f"Bearer {answer.json['key']}"}):
        who = _who(headers)
        assert who.json == {
            "kind": "key",
            "id": answer.json["id"],
            "role": "key",
            "scopes": ["events:write"],
        }
    shown = call(listing.handler, "GET", "/api-keys", headers=as_admin).json["api_keys"]
    assert [key["name"] for key in shown] == ["collector"]
    assert "key" not in shown[0]


def test_a_conflict_is_not_told_as_a_taken_id(as_admin: Headers) -> None:
    with cancelling(conflict_on("collector")):
        busy = _create(as_admin)

    assert (busy.status, busy.headers["Retry-After"]) == (503, "1")
    assert _create(as_admin).status == 201


def test_secret_is_not_stored(as_admin: Headers) -> None:
    secret = _create(as_admin).json["key"].split("_", 2)[2]

    items: list[Any] = boto3.client("dynamodb").scan(TableName="AccountsTable")["Items"]

    assert secret not in str(items)


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"name": "a\nb"}, "/name"),
        ({"scopes": []}, "/scopes"),
        ({"scopes": ["admin"]}, "/scopes/0"),
        ({"scopes": "events:write"}, "/scopes"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "/expires_at"),
        ({"expires_at": "tomorrow"}, "/expires_at"),
        ({"key": "exp_1_2"}, "/key"),
    ],
)
def test_bad_field_is_named(as_admin: Headers, fields: dict[str, object], pointer: str) -> None:
    answer = _create(as_admin, **fields)

    assert answer.status == 422
    assert answer.json["errors"][0]["pointer"] == pointer


def test_key_ends_with_its_time(as_admin: Headers, as_key: Callable[..., Headers]) -> None:
    later = _create(as_admin, expires_at=rfc3339(now() + 60_000))
    over = as_key("events:write", expires_at=now() - 1)

    assert _who({"X-API-Key": later.json["key"]}).status == 200
    assert _who(over).status == 401


def test_deleted_key_is_refused_after_ten_seconds(as_admin: Headers) -> None:
    made = _create(as_admin).json
    headers = {"X-API-Key": made["key"]}
    path = {"key_id": made["id"]}
    assert _who(headers).status == 200

    gone = call(delete.handler, "DELETE", f"/api-keys/{made['id']}", headers=as_admin, path_parameters=path)

    assert gone.status == 204
    api_keys.forget()  # as if ten seconds had passed
    assert _who(headers).status == 401


def test_key_is_looked_up_once_in_ten_seconds(
    as_key: Callable[..., Headers], monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = as_key("events:write")
    key_id = headers["X-API-Key"].split("_")[1]
    start = now()
    api_keys.cached(key_id, start)
    monkeypatch.delenv("ACCOUNTS_TABLE")  # whoever asks the table from here on fails

    assert api_keys.cached(key_id, start + api_keys.MAX_AGE_MS - 1) is not None
    with pytest.raises(Exception, match="ACCOUNTS_TABLE"):
        api_keys.cached(key_id, start + api_keys.MAX_AGE_MS)


@pytest.mark.usefixtures("aws")
def test_invented_ids_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cached, "MOST", 3)

    for number in range(10):
        assert api_keys.cached(f"invented{number}", now()) is None

    assert len(api_keys._missing._values) <= 3


def test_invented_ids_push_no_key_out_of_the_memory(
    as_key: Callable[..., Headers], monkeypatch: pytest.MonkeyPatch
) -> None:
    key_id = as_key("events:write")["X-API-Key"].split("_")[1]
    start = now()
    api_keys.cached(key_id, start)
    monkeypatch.setattr(cached, "MOST", 10)
    for number in range(100):
        api_keys.cached(f"invented{number}", start)
    monkeypatch.delenv("ACCOUNTS_TABLE")  # whoever asks the table from here on fails

    assert api_keys.cached(key_id, start) is not None


def test_keys_that_are_used_stay_in_the_memory(
    as_key: Callable[..., Headers], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cached, "MOST", 3)
    ids = [as_key("events:write")["X-API-Key"].split("_")[1] for _ in range(4)]
    start = now()
    for key_id in (*ids[:3], ids[0], ids[3]):
        api_keys.cached(key_id, start)
    monkeypatch.delenv("ACCOUNTS_TABLE")

    assert api_keys.cached(ids[0], start) is not None
    with pytest.raises(Exception, match="ACCOUNTS_TABLE"):
        api_keys.cached(ids[1], start)


def test_key_above_its_rate_must_wait_and_others_need_not(as_admin: Headers) -> None:
    slow = {"X-API-Key": _create(as_admin, requests_per_minute=60).json["key"]}
    other = {"X-API-Key": _create(as_admin, requests_per_minute=60).json["key"]}

    statuses = [_who(slow).status for _ in range(15)]
    refused = _who(slow)

    assert statuses[:10] == [200] * 10
    assert statuses[-1] == 429
    assert refused.status == 429
    assert refused.headers["Retry-After"] == "1"
    assert _who(other).status == 200


def test_rate_of_a_key_fills_its_bucket_again() -> None:
    for _ in range(10):
        key_rates.take("k", 60, 1_000)
    with pytest.raises(TooManyRequestsError):
        key_rates.take("k", 60, 1_999)

    key_rates.take("k", 60, 2_000)

    with pytest.raises(TooManyRequestsError):
        key_rates.take("k", 60, 1_500)  # a clock that went back fills nothing


def test_key_is_good_for_a_year_unless_told_otherwise(as_admin: Headers) -> None:
    year = _create(as_admin).json["expires_at"]
    never = _create(as_admin, expires_at=None).json["expires_at"]

    assert year[:10] == rfc3339(now() + 365 * 86_400_000)[:10]
    assert never is None


def test_day_of_last_use_is_noted_once(as_admin: Headers, monkeypatch: pytest.MonkeyPatch) -> None:
    made = _create(as_admin).json
    headers = {"X-API-Key": made["key"]}
    assert made["last_used_on"] is None

    _who(headers)
    with monkeypatch.context() as counting:
        counting.setattr(api_keys.client, "dynamodb", lambda: pytest.fail("asked the table again"))
        _who(headers)

    (shown,) = call(listing.handler, "GET", "/api-keys", headers=as_admin).json["api_keys"]
    assert shown["last_used_on"] == rfc3339(now())[:10]


def test_making_and_ending_a_key_is_on_record(as_admin: Headers) -> None:
    made = _create(as_admin).json
    path = {"key_id": made["id"]}
    call(delete.handler, "DELETE", f"/api-keys/{made['id']}", headers=as_admin, path_parameters=path)

    entries = audit.page(10, None, now()).entries

    assert [(entry.deed, entry.actor, entry.target) for entry in entries] == [
        ("key_ended", "ada", made["id"]),
        ("key_created", "ada", made["id"]),
    ]
    assert made["key"].split("_", 2)[2] not in str(entries)


@pytest.mark.parametrize("key_id", ["0" * 16, "unknown"])
def test_unknown_key_is_404(as_admin: Headers, key_id: str) -> None:
    path = {"key_id": key_id}

    assert (
        call(delete.handler, "DELETE", f"/api-keys/{key_id}", headers=as_admin, path_parameters=path).status
        == 404
    )


@pytest.mark.parametrize(
    "key",
    [
        "",
        "exp",
        "exp_",
        "exp__",
        "exp_1",
        "exp_1_",
        "exp_A_b",
        "exp_0000000000000000_x",
        "é_1_2",
        "exp_" + "1" * 9_000,
    ],
)
@pytest.mark.usefixtures("aws")
def test_what_is_no_key_is_401(key: str) -> None:
    assert _who({"X-API-Key": key}).status == 401


def test_right_id_with_another_keys_secret_is_401(as_key: Callable[..., Headers]) -> None:
    one, other = as_key("events:read")["X-API-Key"], as_key("events:write")["X-API-Key"]
    mixed = "_".join([*one.split("_", 2)[:2], other.split("_", 2)[2]])

    assert _who({"X-API-Key": mixed}).status == 401


def test_bad_key_is_not_rescued_by_a_good_cookie_or_token(as_user: Headers) -> None:
    assert _who(as_user | {"X-API-Key": "exp_1_2"}).status == 401


def test_keys_are_listed_in_pages(as_admin: Headers) -> None:
    made = sorted(_create(as_admin, name=f"key {number}").json["id"] for number in range(3))

    first = call(listing.handler, "GET", "/api-keys", query={"limit": 2}, headers=as_admin).json
    rest = call(
        listing.handler, "GET", "/api-keys", query={"cursor": first["next_cursor"]}, headers=as_admin
    ).json

    assert [key["id"] for key in first["api_keys"] + rest["api_keys"]] == made
    assert rest["next_cursor"] is None
