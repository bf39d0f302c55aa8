"""POST /auth/password, GET /auth/sessions, DELETE /auth/sessions/{session_id}, GET /audit."""

from collections.abc import Callable

import pytest

from experimentation.domain.errors import UnavailableError
from experimentation.storage.access import audit, denials
from experimentation.storage.access.accounts import Account
from experimentation.usecases import passwords
from functions.accounts import create as create_account
from functions.accounts import delete as delete_account
from functions.accounts import update as update_account
from functions.api_keys import create as create_key
from functions.api_keys import list as list_keys
from functions.audit import list as audit_list
from functions.auth import me, password, refresh, sessions_end, sessions_list
from tests.conftest import Headers, bearer
from tests.functions.callers import Answer, bearer_of, call, log_in

OLD, NEW = "correct horse", "battery staple"
type People = Callable[..., Account]


@pytest.fixture
def login(people: People) -> Answer:
    """What grace got when she logged in."""
    people("ada", role="admin")
    people("grace", password_hash=passwords.hashed(OLD))
    return log_in("grace", OLD, source_ip="203.0.113.1")


def _change(headers: Headers, current: str = OLD, new: str = NEW, **parts: object) -> Answer:
    body = {"current_password": current, "new_password": new}
    return call(password.handler, "POST", "/auth/password", body, headers=headers, **parts)


def _status(answer: Answer) -> int:
    denials.forget()  # as if ten seconds had passed
    return call(me.handler, "GET", "/auth/me", headers=bearer_of(answer)).status


def test_person_changes_the_own_password_and_every_session_ends(login: Answer) -> None:
    other = log_in("grace", OLD)

    changed = _change(bearer_of(login))

    assert changed.status == 204
    assert [_status(login), _status(other)] == [401, 401]
    body = {"refresh_token": other.json["refresh_token"]}
    assert call(refresh.handler, "POST", "/auth/refresh", body).status == 401
    assert [log_in("grace", OLD).status, log_in("grace", NEW).status] == [401, 200]


def test_password_is_not_changed_without_the_current_one(login: Answer) -> None:
    statuses = [_change(bearer_of(login), current="wrong").status for _ in range(7)]

    assert statuses == [401] * 5 + [429] * 2
    assert _status(login) == 200
    assert log_in("grace", OLD, source_ip="198.51.100.1").status == 200


@pytest.mark.parametrize("new", ["short", "password1234", "grace is my name", "x" * 73])
def test_new_password_must_be_strong(login: Answer, new: str) -> None:
    answer = _change(bearer_of(login), new=new)

    assert answer.status == 422
    assert [error["pointer"] for error in answer.json["errors"]] == ["/new_password"]


def test_api_key_has_neither_password_nor_sessions(as_key: Callable[..., Headers]) -> None:
    headers = as_key("events:write")

    assert _change(headers).status == 403
    assert call(sessions_list.handler, "GET", "/auth/sessions", headers=headers).status == 403


def _sessions(headers: Headers) -> list[dict[str, object]]:
    found: list[dict[str, object]] = call(
        sessions_list.handler, "GET", "/auth/sessions", headers=headers
    ).json["sessions"]
    return found


def _end(headers: Headers, session_id: object) -> int:
    path = {"session_id": str(session_id)}
    return call(
        sessions_end.handler, "DELETE", f"/auth/sessions/{session_id}", headers=headers, path_parameters=path
    ).status


def test_sessions_are_listed_and_ended_by_their_person(login: Answer) -> None:
    other = log_in("grace", OLD, source_ip="203.0.113.2")
    found = _sessions(bearer_of(login))
    (theirs,) = [each for each in found if not each["current"]]
    assert [each["address"] for each in found if each["current"]] == ["203.0.113.1"]
    assert (theirs["address"], theirs["user_agent"]) == ("203.0.113.2", "tests")

    assert _end(bearer_of(login), theirs["id"]) == 204

    assert [_status(login), _status(other)] == [200, 401]
    body = {"refresh_token": other.json["refresh_token"]}
    assert call(refresh.handler, "POST", "/auth/refresh", body).status == 401
    assert [each["current"] for each in _sessions(bearer_of(login))] == [True]
    assert _end(bearer_of(login), theirs["id"]) == 404


def test_nobody_ends_another_persons_session(login: Answer) -> None:
    (own,) = _sessions(bearer_of(login))

    assert _end(bearer("ada", "admin"), own["id"]) == 404
    assert _status(login) == 200


def _key(headers: Headers) -> str:
    body = {"name": "collector", "scopes": ["events:write"]}
    key: str = call(create_key.handler, "POST", "/api-keys", body, headers=headers).json["key"]
    return key


def _delete(username: str, **query: str) -> Answer:
    path = {"username": username}
    return call(
        delete_account.handler,
        "DELETE",
        f"/accounts/{username}",
        query=query,
        headers=bearer("ada", "admin"),
        path_parameters=path,
    )


@pytest.fixture
def bobs_key(people: People) -> str:
    people("ada", role="admin")
    people("bob", role="admin")
    return _key(bearer("bob", "admin"))


def _key_status(key: str) -> int:
    return call(me.handler, "GET", "/auth/me", headers={"X-API-Key": key}).status


def test_person_who_answers_for_keys_does_not_leave_them_behind(bobs_key: str) -> None:
    refused = _delete("bob")

    assert refused.status == 409
    assert "keys=end" in refused.json["detail"]
    assert _key_status(bobs_key) == 200


def test_keys_end_with_their_person(bobs_key: str) -> None:
    assert _delete("bob", keys="end").status == 204

    assert _key_status(bobs_key) == 401


def test_keys_are_handed_over_to_whoever_removes_their_person(bobs_key: str) -> None:
    assert _delete("bob", keys="hand_over").status == 204

    (key,) = call(list_keys.handler, "GET", "/api-keys", headers=bearer("ada", "admin")).json["api_keys"]
    assert (key["owner"], key["created_by"]) == ("ada", "bob")
    assert _key_status(bobs_key) == 200


def test_refused_removal_leaves_keys_alone(people: People) -> None:
    people("ada", role="admin")
    key = _key(bearer("ada", "admin"))

    assert _delete("ada", keys="end").status == 409
    assert _key_status(key) == 200


def test_removal_that_failed_in_between_can_be_repeated(
    bobs_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as outage:
        outage.setattr("experimentation.usecases.leaving.settle", lambda *_: 1 / 0)
        assert _delete("bob", keys="end").status == 500
    assert _key_status(bobs_key) == 200

    assert _delete("bob", keys="end").status == 204
    assert _key_status(bobs_key) == 401
    assert _delete("bob", keys="end").status == 404


def test_disabling_may_end_keys_too(bobs_key: str) -> None:
    path = {"username": "bob"}
    headers = bearer("ada", "admin")
    body = {"disabled": True, "keys": "end"}

    call(update_account.handler, "PATCH", "/accounts/bob", body, headers=headers, path_parameters=path)

    assert _key_status(bobs_key) == 401


def test_record_answers_who_did_this(login: Answer) -> None:
    headers = bearer("ada", "admin")
    path = {"username": "grace"}
    body = {"username": "mallory", "password": NEW, "role": "admin"}
    call(create_account.handler, "POST", "/accounts", body, headers=headers, source_ip="198.51.100.1")
    call(
        update_account.handler,
        "PATCH",
        "/accounts/grace",
        {"role": "admin", "password": NEW},
        headers=headers,
        path_parameters=path,
    )
    _delete("mallory")

    shown = call(audit_list.handler, "GET", "/audit", query={"limit": 3}, headers=headers).json

    assert [(each["action"], each["actor"], each["target"], each["detail"]) for each in shown["entries"]] == [
        ("account_deleted", "ada", "mallory", ""),
        ("account_changed", "ada", "grace", "role user -> admin, new password"),
        ("account_created", "ada", "mallory", "admin"),
    ]
    assert shown["entries"][2]["address"] == "198.51.100.1"
    query = {"cursor": shown["next_cursor"]}
    rest = call(audit_list.handler, "GET", "/audit", query=query, headers=headers).json
    assert [each["action"] for each in rest["entries"]] == ["login"]
    assert NEW not in str(shown)


def test_new_admins_are_counted(people: People, capsys: pytest.CaptureFixture[str]) -> None:
    people("ada", role="admin")
    people("grace")
    body = {"username": "mallory", "password": NEW, "role": "admin"}
    path = {"username": "grace"}
    headers = bearer("ada", "admin")

    call(create_account.handler, "POST", "/accounts", body, headers=headers)
    call(
        update_account.handler,
        "PATCH",
        "/accounts/grace",
        {"role": "admin"},
        headers=headers,
        path_parameters=path,
    )

    assert capsys.readouterr().out.count('"AdminsAdded":[1') == 2


def test_refusal_for_want_of_a_right_is_on_record_once_and_who_did_it(
    login: Answer, as_key: Callable[..., Headers], people: People
) -> None:
    key = as_key("events:write")
    for _ in range(5):
        for headers in (bearer_of(login), key):
            assert call(audit_list.handler, "GET", "/audit", headers=headers).status == 403
    assert call(audit_list.handler, "GET", "/audit").status == 401

    shown = call(audit_list.handler, "GET", "/audit", headers=bearer("ada", "admin")).json["entries"]

    refused = [each for each in shown if each["action"] == "access_refused"]
    assert {(each["actor"], each["target"], each["detail"]) for each in refused} == {
        ("grace", "GET /audit", "person: This needs the scope admin."),
        (key["X-API-Key"].split("_")[1], "GET /audit", "key: This needs the scope admin."),
    }
    assert len(refused) == 2


def test_refusal_stands_though_it_cannot_be_recorded(
    login: Answer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def down(*_: object) -> None:
        raise UnavailableError("The store does not answer; try again.")

    monkeypatch.setattr(audit, "write_refusal", down)

    assert call(audit_list.handler, "GET", "/audit", headers=bearer_of(login)).status == 403
    assert "refusal not recorded" in capsys.readouterr().out
