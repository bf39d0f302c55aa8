"""Who may call what: every route has exactly one rule, and no credential gets further than it should."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from samtranslator.yaml_helper import yaml_parse

from experimentation.domain.access import SCOPES
from experimentation.storage.access.accounts import Account
from functions.accounts import update
from local.paths import TEMPLATE
from tests.conftest import Headers, bearer, now
from tests.contract.credentials import BAD, header, signed
from tests.contract.routes import PAGES, Routed, routes
from tests.factory import Context, event

RULES = {
    "POST /auth/token": "anyone",
    "POST /auth/refresh": "anyone",  # the refresh token in the request is the credential
    "POST /auth/revoke": "anyone",  # so is the token that is to end
    "GET /auth/methods": "anyone",
    "GET /auth/oidc/start": "anyone",
    "GET /auth/oidc/callback": "anyone",  # the provider's code and this browser's cookie are the credential
    "GET /auth/me": "token",
    "POST /auth/password": "person",
    "GET /auth/sessions": "person",
    "DELETE /auth/sessions/{session_id}": "person",
    "GET /audit": "admin",
    "GET /users": "admin",
    "DELETE /users": "admin",
    "POST /accounts": "admin",
    "GET /accounts": "admin",
    "PATCH /accounts/{username}": "admin",
    "DELETE /accounts/{username}": "admin",
    "POST /api-keys": "admin",
    "GET /api-keys": "admin",
    "DELETE /api-keys/{key_id}": "admin",
    "POST /experiments": "experiments:write",
    "GET /experiments": "experiments:read",
    "GET /experiments/{experiment_id}": "experiments:read",
    "PATCH /experiments/{experiment_id}": "experiments:write",
    "DELETE /experiments/{experiment_id}": "experiments:write",
    "POST /experiments/{experiment_id}/status": "experiments:write",
    "GET /experiments/{experiment_id}/history": "experiments:read",
    "POST /experiments/{experiment_id}/assignments": "assignments:write",
    "GET /experiments/{experiment_id}/assignments": "assignments:read",
    "POST /experiments/{experiment_id}/assignments/import": "experiments:write",
    "POST /assignments": "assignments:write",
    "GET /assignments": "assignments:read",
    "POST /events": "events:write",
    "POST /events/batch": "events:write",
    "POST /exposures": "events:write",
    "GET /events": "events:read",
    "GET /events/types": "events:read",
    "GET /events/recent": "events:read",
    "GET /events/dead-letters": "admin",
    "POST /events/dead-letters/replay": "admin",
    "GET /results": "results:read",
    "GET /experiments/{experiment_id}/results": "results:read",
    "GET /experiments/{experiment_id}/results/export": "results:read",
    "POST /experiments/{experiment_id}/exports": "results:read",
    "GET /experiments/{experiment_id}/exports": "results:read",
    "GET /notifications": "experiments:read",
    "GET /sample-size": "token",
    "GET /layers": "experiments:read",
    "POST /ofrep/v1/evaluate/flags": "assignments:write",
    "POST /ofrep/v1/evaluate/flags/{key}": "assignments:write",
    "GET /health": "anyone",
    "GET /docs": "anyone",
    "GET /redoc": "anyone",
    "GET /openapi.json": "anyone",
    "GET /": "anyone",
    "GET /static/{version}/{name}": "anyone",
    "$default": "anyone",
}
OWN_CREDENTIAL = {"POST /auth/token", "POST /auth/refresh", "POST /auth/revoke"}
FRESH = {  # want the password to have been given just now
    "POST /accounts",
    "PATCH /accounts/{username}",
    "DELETE /accounts/{username}",
    "POST /api-keys",
    "DELETE /api-keys/{key_id}",
    "DELETE /users",
}
PARAMETERS = {
    "username": "nobody",
    "key_id": "0000",
    "session_id": "0" * 32,
    "experiment_id": "none-such",
    "key": "none-such",
}
OPEN = [route for route in routes() if RULES.get(route.key) == "anyone"]
GUARDED = [route for route in routes() if RULES.get(route.key) != "anyone"]
type Call = Callable[[Headers], dict[str, Any]]


def test_every_route_has_the_rule_that_was_agreed() -> None:
    found = {route.key: route.rule for route in routes()}

    assert found == RULES


def test_every_route_is_answered_by_a_function_of_its_own_but_for_the_pages() -> None:
    shared = [route.module for route in routes() if route.module != PAGES]

    assert len(shared) == len(set(shared))


def test_pages_are_given_nothing_to_read() -> None:
    pages = yaml_parse(TEMPLATE.read_text())["Resources"]["PagesFunction"]["Properties"]

    assert "Environment" not in pages
    assert "Policies" not in pages


@pytest.fixture
def answer(request: pytest.FixtureRequest, aws: None) -> Iterator[Call]:
    """Calls the route under test with the given headers and nothing else."""
    route: Routed = request.param
    path = route.path
    for name, value in PARAMETERS.items():
        path = path.replace(f"{{{name}}}", value)
    names = {name: value for name, value in PARAMETERS.items() if f"{{{name}}}" in route.path}

    def call(headers: Headers) -> dict[str, Any]:
        cookies = [headers["cookie"]] if "cookie" in headers else []
        sent = {name: value for name, value in headers.items() if name != "cookie"}
        made = event(
            route.method, path, headers=sent, path_parameters=names, route=route.path, cookies=cookies
        )
        return route.endpoint(made, Context())

    return call


def every_guarded_route(function: Any) -> Any:
    """Run the test once for each route that asks for a credential."""
    keys = [route.key for route in GUARDED]
    return pytest.mark.parametrize("answer", GUARDED, ids=keys, indirect=True)(function)


@every_guarded_route
def test_no_bad_credential_gets_in(answer: Call) -> None:
    got = {name: answer(make()) for name, make in BAD.items()}

    assert {name: answered["statusCode"] for name, answered in got.items()} == dict.fromkeys(BAD, 401)
    assert all(answered["headers"]["WWW-Authenticate"].startswith("Bearer") for answered in got.values())


@every_guarded_route
def test_disabled_person_is_out(answer: Call, people: Callable[..., Account]) -> None:
    people("ada", role="admin")
    people("bob", role="admin")
    headers = bearer("bob", "admin")
    path = {"username": "bob"}
    made = event(
        "PATCH", "/accounts/bob", {"disabled": True}, headers=bearer("ada", "admin"), path_parameters=path
    )
    assert update.handler(made, Context())["statusCode"] == 200

    assert answer(headers)["statusCode"] == 401


@every_guarded_route
def test_each_credential_gets_as_far_as_its_scopes(
    answer: Call, request: pytest.FixtureRequest, as_key: Callable[..., Headers]
) -> None:
    rule = RULES[request.node.callspec.id]
    holders = {scope: as_key([scope]) for scope in SCOPES}
    for_anybody = {"token", "person"}
    credentials = {
        "viewer": (bearer("vera", "viewer"), rule in {*for_anybody, "experiments:read", "results:read"}),
        "user": (bearer("ursula", "user"), rule != "admin"),
        "admin": (bearer("ada", "admin"), True),
        "unknown role": (bearer("ruth", "root"), rule in for_anybody),
        "all scopes": (as_key(SCOPES), rule not in {"admin", "person"}),
        **{scope: (headers, rule in {scope, "token"}) for scope, headers in holders.items()},
    }

    got = {name: answer(headers) for name, (headers, _) in credentials.items()}

    for name, (_, allowed) in credentials.items():
        status = got[name]["statusCode"]
        assert status < 500, name
        assert (status not in {401, 403}) is allowed, name
        if not allowed:
            assert status == 403
            if rule == "person":
                continue
            assert rule in json.loads(got[name]["body"]).get("detail", rule)
            assert f'scope="{rule}"' in got[name]["headers"]["WWW-Authenticate"]


@every_guarded_route
def test_only_changes_of_people_and_keys_want_the_password_given_just_now(
    answer: Call, request: pytest.FixtureRequest
) -> None:
    long_ago = signed(auth_time=now() // 1000 - 601)

    got = answer(long_ago)

    wants_it = request.node.callspec.id in FRESH
    assert (got["statusCode"] == 401) is wants_it
    assert ("insufficient_user_authentication" in got["headers"].get("WWW-Authenticate", "")) is wants_it


OWN = "https://abc123.execute-api.us-east-1.amazonaws.com"


@every_guarded_route
def test_cookie_is_good_for_our_own_pages_alone(answer: Call, request: pytest.FixtureRequest) -> None:
    cookie = f"__Host-access={bearer('ada', 'admin')['Authorization'].removeprefix('Bearer ')}"
    is_write = not request.node.callspec.id.startswith("GET ")

    def is_refused(**headers: str) -> bool:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return bool(answer({"cookie": cookie, **sent})["statusCode"] == 403)

    assert not is_refused(origin=OWN)
    assert not is_refused(origin=OWN, sec_fetch_site="same-origin")
    assert is_refused() is is_write
    assert is_refused(sec_fetch_site="none") is is_write
    for site in ("same-site", "cross-site", "", "?"):
        assert is_refused(sec_fetch_site=site)
        assert is_refused(sec_fetch_site=site, origin=OWN)
    for origin in (
        "https://evil.example",
        OWN.replace("https", "http"),
        OWN.replace("https", "ftp"),
        "null",
        "",
    ):
        assert is_refused(origin=origin)


@pytest.mark.parametrize(
    "answer",
    [route for route in OPEN if route.key not in OWN_CREDENTIAL and route.module != PAGES],
    ids=lambda route: route.key,
    indirect=True,
)
def test_open_route_asks_for_nothing_and_minds_no_bad_token(answer: Call) -> None:
    for headers in ({}, header("x"), {"X-API-Key": "x"}):
        assert answer(headers)["statusCode"] in {200, 404}
