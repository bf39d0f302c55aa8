"""POST, GET /accounts and PATCH, DELETE /accounts/{username}."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from experimentation.storage.access import accounts
from experimentation.storage.access.accounts import Account
from functions.accounts import create, delete, update
from functions.accounts import list as listing
from tests.conftest import Headers
from tests.functions.callers import Answer, call, log_in

type People = Callable[..., Account]
PASSWORD = "correct horse"


def _create(headers: Headers, **fields: object) -> Answer:
    body = {"username": "grace", "password": PASSWORD} | fields
    return call(create.handler, "POST", "/accounts", body, headers=headers)


def _update(headers: Headers, username: str, **fields: object) -> Answer:
    path = {"username": username}
    return call(
        update.handler, "PATCH", f"/accounts/{username}", fields, headers=headers, path_parameters=path
    )


def _delete(headers: Headers, username: str) -> Answer:
    path = {"username": username}
    return call(delete.handler, "DELETE", f"/accounts/{username}", headers=headers, path_parameters=path)


def test_new_person_can_log_in(as_admin: Headers, people: People) -> None:
    people("ada", role="admin")

    answer = _create(as_admin, username="Grace@Example.com")

    assert answer.status == 201
    assert answer.headers["Location"] == "/accounts/grace@example.com"
    assert answer.json.keys() == {"username", "role", "disabled", "created_at", "updated_at"}
    assert (answer.json["username"], answer.json["role"]) == ("grace@example.com", "user")
    assert log_in("grace@example.com", PASSWORD).status == 200


def test_name_is_given_once(as_admin: Headers, people: People) -> None:
    people("ada", role="admin")

    statuses = [_create(as_admin).status, _create(as_admin, username="GRACE").status]

    assert statuses == [201, 409]


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"password": "eleven char"}, "/password"),
        ({"password": "password1234"}, "/password"),
        ({"password": "qwertyuiop12"}, "/password"),
        ({"password": "gracegracegrace"}, "/password"),
        ({"password": "my name is GRACE hopper"}, "/password"),
        ({"password": "aaaaaaaaaaaa"}, "/password"),
        ({"password": "x" * 73}, "/password"),
        ({"password": "é" * 36 + "x"}, "/password"),
        ({"password": 12345678}, "/password"),
        ({"password": ""}, "/password"),
        ({"username": ""}, "/username"),
        ({"username": "a b"}, "/username"),
        ({"username": "x" * 65}, "/username"),
        ({"username": "grace\n"}, "/username"),
        ({"username": 5}, "/username"),
        ({"role": "root"}, "/role"),
        ({"role": None}, "/role"),
        ({"scopes": []}, "/scopes"),
    ],
)
def test_bad_field_is_named_without_its_value(
    as_admin: Headers, fields: dict[str, object], pointer: str
) -> None:
    answer = _create(as_admin, **fields)

    assert answer.status == 422
    assert [error["pointer"] for error in answer.json["errors"]] == [pointer]
    assert "12345678" not in str(answer.json)


LONG = "the quick brown fox jumps over 13 lazy dogs, then naps until 20:26 today"


@pytest.mark.parametrize(
    "password", [LONG[:72], "Größe zählt, äöüß mögen Ärger", "twelve\0chars", "\N{GRINNING FACE}zwölf Affen"]
)
def test_password_of_up_to_72_bytes_is_taken(as_admin: Headers, people: People, password: str) -> None:
    people("ada", role="admin")

    assert _create(as_admin, password=password).status == 201
    assert log_in("grace", password).status == 200


def test_people_are_listed_by_name_in_pages(as_admin: Headers, people: People) -> None:
    for name in ("ada", "bob", "cyd"):
        people(name, role="admin")

    first = call(listing.handler, "GET", "/accounts", query={"limit": 2}, headers=as_admin)
    rest = call(
        listing.handler,
        "GET",
        "/accounts",
        query={"limit": 2, "cursor": first.json["next_cursor"]},
        headers=as_admin,
    )

    assert [shown["username"] for shown in first.json["accounts"]] == ["ada", "bob"]
    assert [shown["username"] for shown in rest.json["accounts"]] == ["cyd"]
    assert rest.json["next_cursor"] is None
    assert "password_hash" not in str(first.json)


def test_another_lists_cursor_is_refused(as_admin: Headers) -> None:
    query = {"cursor": "AAAAAAAAAAAA"}

    assert call(listing.handler, "GET", "/accounts", query=query, headers=as_admin).status == 422


def test_password_role_and_disabling_change(as_admin: Headers, people: People) -> None:
    people("ada", role="admin")
    _create(as_admin)

    assert _update(as_admin, "grace", password="another password").status == 200
    assert log_in("grace", PASSWORD).status == 401
    assert log_in("grace", "another password").status == 200
    assert _update(as_admin, "grace", role="admin").json["role"] == "admin"
    assert _update(as_admin, "grace", disabled=True).json["disabled"] is True
    assert log_in("grace", "another password").status == 401
    assert _update(as_admin, "grace", disabled=False).json["disabled"] is False
    assert log_in("grace", "another password").status == 200


def test_empty_change_changes_nothing(as_admin: Headers, people: People) -> None:
    before = people("ada", role="admin")

    assert _update(as_admin, "ada").status == 200
    assert accounts.read("ada") == before


@pytest.mark.parametrize("act", [_delete, lambda headers, name: _update(headers, name, role="user")])
def test_unknown_person_is_404(as_admin: Headers, act: Callable[..., Answer]) -> None:
    assert act(as_admin, "nobody").status == 404


LAST: list[Callable[[Headers, str], Answer]] = [
    _delete,
    lambda headers, name: _update(headers, name, disabled=True),
    lambda headers, name: _update(headers, name, role="user"),
]


@pytest.mark.parametrize("act", LAST)
def test_last_enabled_admin_stays(
    as_admin: Headers, people: People, act: Callable[[Headers, str], Answer]
) -> None:
    people("ada", role="admin")
    people("bob", role="admin")
    people("ursula")
    assert act(as_admin, "bob").status in {200, 204}

    answer = act(as_admin, "ada")

    assert answer.status == 409
    assert accounts.read("ada").is_active_admin


@pytest.mark.parametrize("act", LAST)
def test_people_who_are_no_admins_may_all_go(
    as_admin: Headers, people: People, act: Callable[[Headers, str], Answer]
) -> None:
    people("ada", role="admin")
    people("ursula")

    assert act(as_admin, "ursula").status in {200, 204}
    assert accounts.read("ada").is_active_admin


def test_disabled_admin_may_go_and_may_not_come_back_as_one_too_many(
    as_admin: Headers, people: People
) -> None:
    people("ada", role="admin")
    people("bob", role="admin")
    _update(as_admin, "bob", disabled=True)

    assert _update(as_admin, "bob", role="user").status == 200
    assert _update(as_admin, "bob", disabled=False).status == 200
    assert _delete(as_admin, "ada").status == 409
    assert _update(as_admin, "bob", role="admin").status == 200
    assert _delete(as_admin, "ada").status == 204


def test_change_that_lost_a_race_is_applied_to_what_won(people: People) -> None:
    people("ada", role="admin")
    people("grace")
    raced: list[Any] = []

    def promote(account: Account) -> Account:
        if not raced:
            raced.append(accounts.change("grace", lambda grace: replace(grace, disabled=True), now=1))
        return replace(account, role="admin")

    accounts.change("grace", promote, now=2)

    after = accounts.read("grace")
    assert (after.role, after.disabled, after.version) == ("admin", True, 3)
