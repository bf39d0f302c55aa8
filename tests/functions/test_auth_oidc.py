"""GET /auth/methods, /auth/oidc/start and /auth/oidc/callback, against an OpenID provider that runs here."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextvars import Context as ContextOfAnother
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from experimentation.storage.access import accounts, issuer, sessions
from experimentation.storage.access.accounts import Account
from experimentation.usecases import passwords
from experimentation.web import oidc, tokens
from experimentation.web.request import request_from
from functions.accounts import create as create_account
from functions.audit import list as audit_list
from functions.auth import me, methods, oidc_callback, oidc_start, refresh
from tests.conftest import Headers, bearer, now
from tests.factory import HOST, event
from tests.functions.callers import Answer, call, log_in
from tests.openid_provider import DISCOVERY, KEYS, TOKEN, Provider, serving

CALLBACK = f"https://{HOST}/auth/oidc/callback"
ADA = {"email": "Ada@example.com", "email_verified": True, "roles": ["staff", "admin"]}
BOB = {"email": "bob@example.com", "email_verified": True, "roles": "viewer"}
IN, NO_ACCESS, NOT_PROVEN, UNAVAILABLE, TAKEN = (
    "/#/signed-in",
    "/#/sign-in-failed/no-access",
    "/#/sign-in-failed/not-proven",
    "/#/sign-in-failed/unavailable",
    "/#/sign-in-failed/name-taken",
)
type People = Callable[..., Account]
type Claims = Mapping[str, Any]


@pytest.fixture(scope="module")
def running() -> Iterator[Provider]:
    """One provider for all tests: its key takes a second to make."""
    with serving() as provider:
        yield provider


@pytest.fixture
def provider(running: Provider, people: People, monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    """A provider that is set up here, and the deployment's own administrator."""
    people("root", role="admin", password_hash=passwords.hashed("correct horse"))
    running.claims = {"ada-1": ADA, "bob-1": BOB}
    monkeypatch.setenv("OIDC_ISSUER", running.address)
    monkeypatch.setenv("OIDC_CLIENT_ID", "console")
    issuer.forget()
    yield running
    for forgotten in (running.lies, running.asked, running.token_requests):
        forgotten.clear()


def _begin(**query: str) -> Answer:
    return call(oidc_start.handler, "GET", "/auth/oidc/start", query=query)


def _cookie(answer: Answer, name: str = "__Host-oidc") -> str:
    return next(each for each in answer.cookies if each.startswith(f"{name}=")).partition(";")[0]


def _come_back(query: Mapping[str, str], *cookies: str) -> Answer:
    return call(oidc_callback.handler, "GET", "/auth/oidc/callback", query=query, cookies=cookies)


def _sign_in(provider: Provider, subject: str) -> Answer:
    begun = _begin()
    return _come_back(provider.signs_in(begun.headers["Location"], subject), _cookie(begun))


def _me(answer: Answer) -> Any:
    headers = {"origin": f"https://{HOST}"}
    cookies = [_cookie(answer, "__Host-access")]
    return call(me.handler, "GET", "/auth/me", headers=headers, cookies=cookies).json


def _record() -> list[dict[str, Any]]:
    headers = bearer("root", "admin")
    entries: list[dict[str, Any]] = call(audit_list.handler, "GET", "/audit", headers=headers).json["entries"]
    return entries


def test_methods_name_the_provider_only_where_one_is_set_up(
    aws: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = call(methods.handler, "GET", "/auth/methods").json
    monkeypatch.setenv("OIDC_ISSUER", "https://id.example.com")
    monkeypatch.setenv("OIDC_NAME", "Example ID")

    assert plain == {"password": True, "oidc": None}
    assert call(methods.handler, "GET", "/auth/methods").json["oidc"] == {
        "name": "Example ID",
        "href": "/auth/oidc/start",
    }


def test_without_a_provider_there_is_nothing_to_start_or_come_back_to(aws: None) -> None:
    assert _begin().status == 404
    assert _come_back({"code": "c", "state": "s"}).status == 404


def test_start_sends_the_browser_to_the_provider_with_a_state_a_nonce_and_a_challenge_of_its_own(
    provider: Provider,
) -> None:
    first, second = _begin(), _begin()

    asked = [dict(parse_qsl(urlsplit(each.headers["Location"]).query)) for each in (first, second)]
    assert first.status == 303
    assert first.headers["Location"].startswith(f"{provider.address}/oauth2/authorize?")
    assert asked[0] | {"state": "", "nonce": "", "code_challenge": ""} == {
        "response_type": "code",
        "client_id": "console",
        "redirect_uri": CALLBACK,
        "scope": "openid email",
        "state": "",
        "nonce": "",
        "code_challenge": "",
        "code_challenge_method": "S256",
    }
    drawn = [each[name] for each in asked for name in ("state", "nonce", "code_challenge")]
    assert len({*drawn, *(_cookie(each).partition("=")[2] for each in (first, second))}) == 8
    (cookie,) = first.cookies
    assert cookie.endswith("; Path=/; Max-Age=600; HttpOnly; Secure; SameSite=Lax")


def test_fresh_asks_the_provider_to_let_the_person_prove_again_who_they_are(provider: Provider) -> None:
    asked = dict(parse_qsl(urlsplit(_begin(fresh="true").headers["Location"]).query))

    assert (asked["prompt"], asked["max_age"]) == ("login", "0")


def test_first_sign_in_makes_the_account_with_the_role_of_the_claim(provider: Provider) -> None:
    answer = _sign_in(provider, "ada-1")

    assert (answer.status, answer.headers["Location"]) == (303, IN)
    assert _me(answer)["id"] == "ada@example.com"
    assert _me(answer)["role"] == "admin"
    stored = accounts.read("ada@example.com")
    assert (stored.role, stored.subject) == ("admin", f"{provider.address} ada-1")
    names = [each.partition("=")[0] for each in answer.cookies]
    assert names == ["__Host-access", "__Host-refresh", "__Host-oidc"]
    assert "Max-Age=0" in answer.cookies[-1]
    assert {(entry["action"], entry["actor"], entry["detail"]) for entry in _record()} == {
        ("login", "ada@example.com", "oidc"),
        ("account_created", "ada@example.com", "oidc: admin"),
    }


def test_session_is_ours_and_ends_within_hours(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OIDC_SESSION_HOURS", "2")
    answer = _sign_in(provider, "ada-1")

    body = {"refresh_token": _cookie(answer, "__Host-refresh").partition("=")[2]}
    renewed = call(refresh.handler, "POST", "/auth/refresh", body)

    assert renewed.status == 200
    assert 7_100 < renewed.json["refresh_expires_in"] <= 7_200


def test_person_without_a_password_here_cannot_log_in_with_one(provider: Provider) -> None:
    _sign_in(provider, "ada-1")

    assert [log_in("ada@example.com", each).status for each in ("x", "." * 53, "correct horse")] == [401] * 3


def test_role_follows_the_claim_at_each_sign_in_and_ends_what_the_old_one_was_given(
    provider: Provider,
) -> None:
    before = _sign_in(provider, "ada-1")
    provider.claims["ada-1"] = ADA | {"roles": ["viewer"]}

    after = _sign_in(provider, "ada-1")

    assert _me(after)["role"] == "viewer"
    assert accounts.read("ada@example.com").role == "viewer"
    assert _me(before)["status"] == 401
    changed = next(entry for entry in _record() if entry["action"] == "account_changed")
    assert changed["detail"] == "oidc: role admin -> viewer"


@pytest.mark.parametrize("roles", [[], ["root"], "Admin", None, 7, {"admin": True}, [["admin"]], ["admin "]])
def test_unknown_role_is_no_access(provider: Provider, roles: Any) -> None:
    provider.claims["ada-1"] = ADA | {"roles": roles}

    answer = _sign_in(provider, "ada-1")

    assert (answer.headers["Location"], len(answer.cookies)) == (NO_ACCESS, 1)
    assert accounts.find("ada@example.com") is None
    (entry,) = _record()
    assert (entry["action"], entry["target"]) == ("login_refused", "ada@example.com")


def test_person_whose_role_is_gone_is_out_with_every_session(provider: Provider) -> None:
    before = _sign_in(provider, "ada-1")
    provider.claims["ada-1"] = ADA | {"roles": []}

    assert _sign_in(provider, "ada-1").headers["Location"] == NO_ACCESS

    body = {"refresh_token": _cookie(before, "__Host-refresh").partition("=")[2]}
    assert _me(before)["status"] == 401
    assert call(refresh.handler, "POST", "/auth/refresh", body).status == 401


def test_roles_are_those_that_the_deployment_names(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OIDC_ROLE_CLAIM", "cognito:groups")
    monkeypatch.setenv("OIDC_ROLES", "Product Managers=user,ops=admin")
    provider.claims["ada-1"] = ADA | {"cognito:groups": ["Product Managers", "admin"]}

    assert _me(_sign_in(provider, "ada-1"))["role"] == "user"


def test_disabled_person_stays_out_whatever_the_provider_says(provider: Provider) -> None:
    _sign_in(provider, "bob-1")
    accounts.change("bob@example.com", lambda account: replace(account, disabled=True), now=now())

    assert _sign_in(provider, "bob-1").headers["Location"] == NO_ACCESS


@pytest.mark.parametrize("change", [{"disabled": True}, {"role": "viewer"}, None])
def test_person_who_is_changed_during_the_sign_in_is_not_let_in(
    provider: Provider, monkeypatch: pytest.MonkeyPatch, change: Claims | None
) -> None:
    _sign_in(provider, "ada-1")
    clock = oidc_callback.wall_clock

    def changed() -> None:
        if change is None:
            accounts.delete("ada@example.com")
        else:
            accounts.change("ada@example.com", lambda each: replace(each, **change), now=now())

    def late() -> int:
        monkeypatch.setattr(oidc_callback, "wall_clock", clock)
        ContextOfAnother().run(changed)  # by a function that has policies of its own
        return clock()

    monkeypatch.setattr(oidc_callback, "wall_clock", late)

    assert _sign_in(provider, "ada-1").headers["Location"] == NOT_PROVEN


@pytest.mark.parametrize("holder", ["a password", "another subject"])
def test_name_of_somebody_else_is_not_taken_over(provider: Provider, people: People, holder: str) -> None:
    if holder == "a password":
        people("ada@example.com", role="admin", password_hash=passwords.hashed("battery staple"))
    else:
        _sign_in(provider, "ada-1")
    before = accounts.read("ada@example.com")
    provider.claims["mallory-1"] = ADA

    answer = _sign_in(provider, "mallory-1")

    assert (answer.headers["Location"], len(answer.cookies)) == (TAKEN, 1)
    assert accounts.read("ada@example.com") == before


def test_two_first_sign_ins_at_once_are_one_account(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    find, seen = accounts.find, []

    def too_early(username: str) -> Account | None:
        seen.append(username)
        if len(seen) == 1:
            monkeypatch.setattr(accounts, "find", find)
            assert _sign_in(provider, "ada-1").headers["Location"] == IN
            return None
        return find(username)

    monkeypatch.setattr(accounts, "find", too_early)

    assert _sign_in(provider, "ada-1").headers["Location"] == IN


def test_last_administrator_is_not_demoted_by_the_provider(provider: Provider) -> None:
    _sign_in(provider, "ada-1")
    accounts.delete("root")
    provider.claims["ada-1"] = ADA | {"roles": ["viewer"]}

    assert _sign_in(provider, "ada-1").headers["Location"] == NO_ACCESS
    assert accounts.read("ada@example.com").role == "admin"


def test_administrator_of_the_provider_waits_for_the_deployments_own(
    running: Provider, aws: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OIDC_ISSUER", running.address)
    monkeypatch.setenv("OIDC_CLIENT_ID", "console")
    running.claims = {"ada-1": ADA}

    early = _sign_in(running, "ada-1")
    assert log_in().status == 200

    assert early.headers["Location"] == NO_ACCESS
    assert _sign_in(running, "ada-1").headers["Location"] == IN


def test_nobody_of_the_provider_takes_the_name_of_the_deployments_administrator(
    running: Provider, aws: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"ISSUER": running.address, "CLIENT_ID": "console", "USERNAME_CLAIM": "login"}.items():
        monkeypatch.setenv(f"OIDC_{name}", value)
    running.claims = {"eve-1": {"login": "admin", "roles": "viewer"}}

    early = _sign_in(running, "eve-1")

    assert log_in().status == 200
    assert early.headers["Location"] == NO_ACCESS
    assert _sign_in(running, "eve-1").headers["Location"] == TAKEN


@pytest.mark.parametrize("name", ["guard", "schedule", "erasure"])
def test_nobody_of_the_provider_is_called_like_a_part_of_the_platform(
    provider: Provider, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("OIDC_USERNAME_CLAIM", "login")
    provider.claims["eve-1"] = {"login": name, "roles": "viewer"}

    assert _sign_in(provider, "eve-1").headers["Location"] == NO_ACCESS
    assert accounts.find(name) is None


@pytest.mark.parametrize(
    "claims",
    [
        {"email_verified": False},
        {"email_verified": None},
        {"email_verified": []},
        {"email": None},
        {"email": "no name!"},
        {"email": ["ada@example.com"]},
        {"email": "a" * 65},
    ],
)
def test_name_that_is_none_or_not_verified_is_no_access(provider: Provider, claims: Claims) -> None:
    provider.claims["ada-1"] = ADA | claims

    assert _sign_in(provider, "ada-1").headers["Location"] == NO_ACCESS


def test_provider_lets_nobody_in(provider: Provider) -> None:
    begun = _begin()
    state = dict(parse_qsl(urlsplit(begun.headers["Location"]).query))["state"]

    query = {"error": "access_denied", "state": state, "error_description": "no"}
    refused = _come_back(query, _cookie(begun))

    assert refused.headers["Location"] == NO_ACCESS


def test_client_with_a_secret_proves_itself(
    provider: Provider, clients: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = clients["secretsmanager"].create_secret(Name="client", SecretString="s:ecret/+")
    monkeypatch.setenv("OIDC_CLIENT_SECRET_ARN", secret["ARN"])

    assert _sign_in(provider, "ada-1").headers["Location"] == IN

    ((form, headers),) = provider.token_requests
    kind, _, sent = headers["Authorization"].partition(" ")
    assert (kind, base64.b64decode(sent)) == ("Basic", b"console:s%3Aecret%2F%2B")
    assert "client_secret" not in form


# Attacks


def test_code_is_good_once(provider: Provider) -> None:
    begun = _begin()
    query = provider.signs_in(begun.headers["Location"], "ada-1")

    assert _come_back(query, _cookie(begun)).headers["Location"] == IN
    assert _come_back(query, _cookie(begun)).headers["Location"] == NOT_PROVEN


def test_anothers_code_signs_nobody_in_elsewhere(provider: Provider) -> None:
    """Login CSRF: the attacker's way back, opened in the victim's browser."""
    attackers, victims = _begin(), _begin()
    query = provider.signs_in(attackers.headers["Location"], "ada-1")
    own = dict(parse_qsl(urlsplit(victims.headers["Location"]).query))["state"]

    answers = [
        _come_back(query),
        _come_back(query, _cookie(victims)),
        _come_back(query, "__Host-oidc="),
        _come_back(query | {"state": ""}, "__Host-oidc="),
        _come_back({"code": query["code"]}, _cookie(victims)),
        _come_back(query | {"state": own}, _cookie(victims)),  # PKCE: the code is of another challenge
    ]

    assert [each.headers["Location"] for each in answers] == [NOT_PROVEN] * 6
    assert all("Max-Age=0" in each for answer in answers for each in answer.cookies)
    assert len(provider.token_requests) == 1


def test_sign_in_that_needs_no_cookie_is_none(provider: Provider) -> None:
    """What a browser without a cookie would be known by is no secret: anybody can work it out."""
    begun = oidc.departure(
        f"{provider.address}/oauth2/authorize", request_from(event("GET", "/")), fresh=False
    )
    secretless = oidc._derived("")
    asked = dict(parse_qsl(urlsplit(begun.headers["Location"]).query)) | {
        "state": secretless.state,
        "nonce": secretless.nonce,
        "code_challenge": secretless.challenge,
    }
    query = provider.signs_in(f"{provider.address}/oauth2/authorize?{urlencode(asked)}", "ada-1")

    assert _come_back(query).headers["Location"] == NOT_PROVEN
    assert _come_back(query, "__Host-oidc=").headers["Location"] == NOT_PROVEN


def test_another_issuer_does_not_answer_for_this_one(provider: Provider) -> None:
    begun = _begin()
    query = provider.signs_in(begun.headers["Location"], "ada-1")

    mixed_up = _come_back(query | {"iss": "https://evil.example"}, _cookie(begun))

    assert mixed_up.headers["Location"] == NOT_PROVEN
    assert provider.token_requests == []
    assert _come_back(query | {"iss": provider.address}, _cookie(begun)).headers["Location"] == IN


def test_no_address_of_a_request_is_gone_to(provider: Provider) -> None:
    for name in ("redirect_uri", "next", "return_to", "target_link_uri"):
        assert _begin(**{name: "https://evil.example"}).status == 422
    begun = _begin()
    query = provider.signs_in(begun.headers["Location"], "ada-1")

    answer = _come_back(query | {"next": "//evil.example", "redirect_uri": "//evil.example"}, _cookie(begun))

    assert answer.headers["Location"] == IN


def _forged(provider: Provider, begun: Answer, subject: str = "ada-1", **claims: Any) -> dict[str, Any]:
    """Return the claims that a good ID token would have, with others (None: without it)."""
    nonce = dict(parse_qsl(urlsplit(begun.headers["Location"]).query))["nonce"]
    seconds = int(time.time())
    good = {
        "iss": provider.address,
        "sub": subject,
        "aud": "console",
        "exp": seconds + 600,
        "iat": seconds,
        "nonce": nonce,
        **ADA,
    }
    return {name: value for name, value in (good | claims).items() if value is not None}


def _arrive_with(provider: Provider, begun: Answer, token: str) -> str:
    query = provider.signs_in(begun.headers["Location"], "ada-1")
    provider.lies[TOKEN] = {"id_token": token, "access_token": "a", "token_type": "Bearer"}
    return str(_come_back(query, _cookie(begun)).headers["Location"])


def _signed(provider: Provider, claims: Claims, **header: Any) -> str:
    headers = {"kid": provider.public_key().get("kid")} | header
    return jwt.encode(dict(claims), provider.private_key(), algorithm="RS256", headers=headers)


def test_good_token_of_the_same_making_gets_in(provider: Provider) -> None:
    begun = _begin()

    assert _arrive_with(provider, begun, _signed(provider, _forged(provider, begun))) == IN


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "of another sign-in"},
        {"nonce": None},
        {"nonce": 7},
        {"aud": "another-client"},
        {"aud": ["another-client"]},
        {"aud": ["console", "another-client"], "azp": "another-client"},
        {"aud": None},
        {"iss": "https://evil.example"},
        {"iss": None},
        {"exp": int(time.time()) - 120},
        {"exp": None},
        {"exp": "soon"},
        {"iat": int(time.time()) + 3_600},
        {"nbf": int(time.time()) + 3_600},
        {"sub": None},
        {"sub": 7},
    ],
)
def test_token_with_a_wrong_claim_is_refused(provider: Provider, claims: Claims) -> None:
    begun = _begin()

    token = _signed(provider, _forged(provider, begun, **claims))

    assert _arrive_with(provider, begun, token) == NOT_PROVEN
    assert accounts.find("ada@example.com") is None


def _base64(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _unsigned(provider: Provider, claims: Claims) -> str:
    return f"{_base64({'alg': 'none', 'kid': provider.public_key().get('kid')})}.{_base64(claims)}."


def _by_hmac(provider: Provider, claims: Claims, algorithm: str = "HS256") -> str:
    public = provider.private_key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    head = f"{_base64({'alg': algorithm, 'kid': provider.public_key().get('kid')})}.{_base64(claims)}"
    signature = hmac.new(public, head.encode(), hashlib.sha256).digest()
    return f"{head}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def _by_another(provider: Provider, claims: Claims) -> str:
    mine = rsa.generate_private_key(65_537, 2_048)
    kid = provider.public_key().get("kid")
    return jwt.encode(dict(claims), mine, algorithm="RS256", headers={"kid": kid})


def _with_own_key(provider: Provider, claims: Claims) -> str:
    mine = rsa.generate_private_key(65_537, 2_048)
    jwk = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(mine.public_key()))
    return jwt.encode(dict(claims), mine, algorithm="RS256", headers={"jwk": jwk, "kid": "mine"})


FORGERIES: dict[str, Callable[[Provider, Claims], str]] = {
    "algorithm none": _unsigned,
    "HS256 with the public key": _by_hmac,
    "HMAC that says RS256": lambda provider, claims: _by_hmac(provider, claims, "RS256"),
    "another key": _by_another,
    "its own key": _with_own_key,
    "unknown key": lambda provider, claims: _signed(provider, claims, kid="other"),
    "cut short": lambda provider, claims: _signed(provider, claims)[:-10],
    "no token": lambda _, __: "x",
    "not ascii": lambda _, __: "é.é.é",
    "too long": lambda _, __: "a" * 20_000,
    "one of our own": lambda _, __: bearer("root", "admin")["Authorization"].removeprefix("Bearer "),
}


@pytest.mark.parametrize("name", list(FORGERIES))
def test_forged_token_is_refused(provider: Provider, name: str) -> None:
    begun = _begin()

    token = FORGERIES[name](provider, _forged(provider, begun))

    assert _arrive_with(provider, begun, token) == NOT_PROVEN


def test_key_that_is_a_secret_verifies_nothing(provider: Provider) -> None:
    begun = _begin()
    claims = _forged(provider, begun)
    shared = {"kty": "oct", "k": base64.urlsafe_b64encode(b"k" * 32).decode(), "kid": "shared"}
    provider.lies[KEYS] = {"keys": [shared]}
    head = f"{_base64({'alg': 'RS256', 'kid': 'shared'})}.{_base64(claims)}"
    signature = hmac.new(b"k" * 32, head.encode(), hashlib.sha256).digest()
    token = f"{head}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"

    assert _arrive_with(provider, begun, token) == NOT_PROVEN


def test_our_functions_take_no_token_of_the_provider(provider: Provider) -> None:
    token = _signed(provider, _forged(provider, _begin()))

    headers = {"Authorization": f"Bearer {token}"}

    assert call(me.handler, "GET", "/auth/me", headers=headers).status == 401


# A provider that is down or talks nonsense


@pytest.mark.parametrize(
    ("path", "lie"),
    [
        (DISCOVERY, (500, "")),
        (DISCOVERY, "<html>"),
        (DISCOVERY, []),
        (DISCOVERY, {"issuer": "https://evil.example"}),
        (DISCOVERY, {}),
        (DISCOVERY, "[" * 100_000),
        (DISCOVERY, " " * 1_000_001),
    ],
)
def test_start_says_that_the_provider_does_not_answer_and_passwords_still_work(
    provider: Provider, path: str, lie: Any
) -> None:
    provider.lies[path] = lie

    assert _begin().headers["Location"] == UNAVAILABLE
    assert log_in("root", "correct horse").status == 200


def test_provider_that_is_not_there_is_unavailable(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OIDC_ISSUER", "http://127.0.0.1:9")

    assert _begin().headers["Location"] == UNAVAILABLE
    assert log_in("root", "correct horse").status == 200


def test_redirect_of_the_provider_is_not_followed(provider: Provider) -> None:
    good = httpx.get(f"{provider.address}{DISCOVERY}").json()
    provider.lies |= {DISCOVERY: (302, ""), "/elsewhere": good}

    assert _begin().headers["Location"] == UNAVAILABLE
    assert "/elsewhere" not in provider.asked


@pytest.mark.parametrize("lie", ["issuer", "token_endpoint", "jwks_uri"])
def test_addresses_without_tls_are_not_gone_to(
    provider: Provider, monkeypatch: pytest.MonkeyPatch, lie: str
) -> None:
    if lie == "issuer":
        monkeypatch.setenv("OIDC_ISSUER", "http://id.example.com")
        assert _begin().headers["Location"] == UNAVAILABLE
        return
    good = {"issuer": provider.address, "authorization_endpoint": f"{provider.address}/oauth2/authorize"}
    good |= {"token_endpoint": f"{provider.address}{TOKEN}", "jwks_uri": f"{provider.address}{KEYS}"}
    provider.lies[DISCOVERY] = good | {lie: "file:///etc/passwd"}

    assert _sign_in(provider, "ada-1").headers["Location"] == UNAVAILABLE


@pytest.mark.parametrize(
    ("path", "lie"),
    [
        (TOKEN, (500, "")),
        (TOKEN, (401, {"error": "invalid_client"})),
        (TOKEN, (302, "")),
        (TOKEN, {"access_token": "a"}),
        (KEYS, (503, "")),
        (KEYS, {"keys": "none"}),
    ],
)
def test_way_back_says_that_the_provider_does_not_answer(provider: Provider, path: str, lie: Any) -> None:
    begun = _begin()
    query = provider.signs_in(begun.headers["Location"], "ada-1")
    provider.lies[path] = lie

    assert _come_back(query, _cookie(begun)).headers["Location"] == UNAVAILABLE


def test_metadata_and_keys_are_asked_for_once(provider: Provider) -> None:
    for subject in ("ada-1", "bob-1"):
        assert _sign_in(provider, subject).headers["Location"] == IN

    assert (provider.asked.count(DISCOVERY), provider.asked.count(KEYS)) == (1, 1)


def test_old_metadata_serves_while_the_provider_does_not_answer(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = issuer.metadata(now())
    provider.lies[DISCOVERY] = (500, "")

    assert issuer.metadata(now() + issuer.MAX_AGE_MS) == known


def test_new_key_of_the_provider_is_found_and_an_unknown_one_is_not_asked_for_without_end(
    provider: Provider,
) -> None:
    started = now()
    for moment in (started, started + 1, started + 2):
        issuer.keys(moment, "new")
    assert provider.asked.count(KEYS) == 1

    issuer.keys(started + issuer.UNKNOWN_KEY_PAUSE_MS, "new")

    assert provider.asked.count(KEYS) == 2


def test_time_of_proof_is_the_providers_and_changes_of_people_want_a_recent_one(
    provider: Provider,
) -> None:
    def add_after(**claims: Any) -> int:
        begun = _begin()
        token = _signed(provider, _forged(provider, begun, **claims))
        query = provider.signs_in(begun.headers["Location"], "ada-1")
        provider.lies[TOKEN] = {"id_token": token}
        answer = _come_back(query, _cookie(begun))
        provider.lies.clear()
        headers: Headers = {"Authorization": f"Bearer {_cookie(answer, '__Host-access').partition('=')[2]}"}
        body = {"username": f"u{now()}", "password": "battery staple horse", "role": "viewer"}
        return call(create_account.handler, "POST", "/accounts", body, headers=headers).status

    seconds = int(time.time())
    assert add_after(auth_time=seconds - 30) == 201
    assert add_after(auth_time=seconds + 3_600) == 201  # a clock that is ahead: not later than now
    for stale in (seconds - 601, None, "now", -1, float(10**300), True):
        assert add_after(auth_time=stale) == 401


def test_session_of_before_proved_itself_when_it_started(aws: None) -> None:
    session = sessions.start("ada", "epoch", 5_000)

    assert session.authenticated_at == 5_000
    assert tokens.issued(session, "user", now())
