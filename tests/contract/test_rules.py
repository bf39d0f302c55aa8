"""Who may call what: every route has exactly one rule, and no credential gets further than it should."""

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import jwt
import pytest
from samtranslator.yaml_helper import yaml_parse

from experimentation.domain.access import SCOPES
from experimentation.storage.access import denials, signing_keys
from experimentation.storage.access.accounts import Account
from experimentation.web import tokens
from functions.accounts import update
from local.paths import TEMPLATE
from tests.conftest import SIGNING_SECRET, Headers, bearer, now
from tests.contract.routes import PAGES, Routed, routes
from tests.factory import Context, event

RULES = {
    "POST /auth/token": "anyone",
    "POST /auth/refresh": "anyone",  # the refresh token in the request is the credential
    "POST /auth/revoke": "anyone",  # so is the token that is to end
    "GET /auth/me": "token",
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
    "GET /events": "events:read",
    "GET /events/types": "events:read",
    "GET /events/dead-letters": "admin",
    "POST /events/dead-letters/replay": "admin",
    "GET /experiments/{experiment_id}/results": "results:read",
    "GET /experiments/{experiment_id}/results/export": "results:read",
    "GET /sample-size": "token",
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
PARAMETERS = {"username": "nobody", "key_id": "0000", "experiment_id": "none-such", "key": "none-such"}
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


def _signed(secret: bytes | str, algorithm: str = "HS256", kid: str | None = None, **claims: Any) -> Headers:
    """Return a token of an admin with other claims (None: without it), signed with another key."""
    known: dict[str, Any] = {
        "sub": "ada",
        "role": "admin",
        "scope": "admin " + " ".join(SCOPES),
        "iat": now() // 1000,
        "exp": now() // 1000 + 900,
        "iss": tokens.ISSUER,
        "aud": tokens.AUDIENCE,
        "jti": "0.1",
    }
    body = {name: value for name, value in (known | claims).items() if value is not None}
    headers = {"kid": kid or signing_keys.kid_of(SIGNING_SECRET)}
    return _header(jwt.encode(body, secret, algorithm=algorithm, headers=headers))


def _header(token: str) -> Headers:
    return {"Authorization": f"Bearer {token}"}


def _base64(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _with_empty_key() -> Headers:
    """Return a token signed with nothing, as a library that finds no key might accept."""
    import hashlib  # noqa: PLC0415
    import hmac  # noqa: PLC0415

    head = _base64({"alg": "HS256", "typ": "JWT", "kid": signing_keys.kid_of(SIGNING_SECRET)})
    body = _signed(SIGNING_SECRET)["Authorization"].split(".")[1]
    signature = hmac.new(b"", f"{head}.{body}".encode(), hashlib.sha256).digest()
    return _header(f"{head}.{body}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}")


def _swapped() -> Headers:
    """Return a user's token with an admin's claims."""
    head, _, signature = bearer("ursula", "user")["Authorization"].removeprefix("Bearer ").split(".")
    body = _signed(SIGNING_SECRET)["Authorization"].split(".")[1]
    return _header(f"{head}.{body}.{signature}")


def _without_algorithm() -> Headers:
    body = _signed(SIGNING_SECRET)["Authorization"].split(".")[1]
    return _header(f"{_base64({'alg': 'none', 'kid': signing_keys.kid_of(SIGNING_SECRET)})}.{body}.")


def _revoked() -> Headers:
    headers = bearer("ada", "admin")
    claims = tokens.verified(headers["Authorization"].removeprefix("Bearer "), now())
    denials.deny_token(claims.token_id, claims.expires_at)
    return headers


BAD: dict[str, Callable[[], Headers]] = {
    "nobody": dict,
    "basic": lambda: {"Authorization": "Basic YWRhOmFkYQ=="},
    "empty": lambda: {"Authorization": ""},
    "bearer of nothing": lambda: {"Authorization": "Bearer "},
    "no token": lambda: _header("x"),
    "three dots": lambda: _header("a.b.c"),
    "deep header": lambda: _header(
        base64.urlsafe_b64encode(b"[" * 2_000).decode() + ".e30." + base64.urlsafe_b64encode(b"x").decode()
    ),
    "long": lambda: _header("a" * 9_000),
    "not ascii": lambda: _header("é"),
    "expired": lambda: _signed(SIGNING_SECRET, exp=now() // 1000 - 1),
    "from the future": lambda: _signed(SIGNING_SECRET, iat=now() // 1000 + 3_600),
    "algorithm none": _without_algorithm,
    "empty key": _with_empty_key,
    "another secret": lambda: _signed("x" * 64),
    "another algorithm": lambda: _signed(SIGNING_SECRET * 2, algorithm="HS512"),
    "right secret, other algorithm": lambda: _signed(SIGNING_SECRET.ljust(64), algorithm="HS384"),
    "unknown key": lambda: _signed(SIGNING_SECRET, kid="other"),
    "another audience": lambda: _signed(SIGNING_SECRET, aud="other"),
    "another issuer": lambda: _signed(SIGNING_SECRET, iss="other"),
    "swapped payload": _swapped,
    "revoked": _revoked,
    **{
        f"without {claim}": lambda claim=claim: _signed(SIGNING_SECRET, **{claim: None})  # type: ignore[misc]
        for claim in tokens.REQUIRED
    },
    "odd times": lambda: _signed(SIGNING_SECRET, iat="x"),
    "unknown API key": lambda: {"X-API-Key": "exp_0000_x"},
    "API key as bearer": lambda: _header("exp_0000_x"),
    "no API key": lambda: {"X-API-Key": ""},
}


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
    credentials = {
        "user": (bearer("ursula", "user"), rule != "admin"),
        "admin": (bearer("ada", "admin"), True),
        "all scopes": (as_key(SCOPES), rule != "admin"),
        **{scope: (headers, rule in {scope, "token"}) for scope, headers in holders.items()},
    }

    got = {name: answer(headers) for name, (headers, _) in credentials.items()}

    for name, (_, allowed) in credentials.items():
        status = got[name]["statusCode"]
        assert status < 500, name
        assert (status not in {401, 403}) is allowed, name
        if not allowed:
            assert status == 403
            assert rule in json.loads(got[name]["body"]).get("detail", rule)
            assert f'scope="{rule}"' in got[name]["headers"]["WWW-Authenticate"]


@every_guarded_route
def test_cookie_is_a_credential_and_its_writes_need_our_origin(
    answer: Call, request: pytest.FixtureRequest
) -> None:
    cookie = f"__Host-access={bearer('ada', 'admin')['Authorization'].removeprefix('Bearer ')}"
    is_write = not request.node.callspec.id.startswith("GET ")

    plain = answer({"cookie": cookie})["statusCode"]
    foreign = answer({"cookie": cookie, "origin": "https://evil.example"})["statusCode"]
    own = answer({"cookie": cookie, "origin": "https://abc123.execute-api.us-east-1.amazonaws.com"})

    assert own["statusCode"] not in {401, 403}
    assert (plain == 403) is is_write
    assert (foreign == 403) is is_write


@pytest.mark.parametrize(
    "answer",
    [route for route in OPEN if route.key not in OWN_CREDENTIAL and route.module != PAGES],
    ids=lambda route: route.key,
    indirect=True,
)
def test_open_route_asks_for_nothing_and_minds_no_bad_token(answer: Call) -> None:
    for headers in ({}, _header("x"), {"X-API-Key": "x"}):
        assert answer(headers)["statusCode"] in {200, 404}
