"""A real OpenID provider (Authlib's, as oidc-provider-mock serves it) that a test can make lie."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import flask
import httpx
import jwt
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from oidc_provider_mock import app
from werkzeug.serving import make_server

AUTHORIZE, TOKEN, KEYS = "/oauth2/authorize", "/oauth2/token", "/jwks"
DISCOVERY = "/.well-known/openid-configuration"


class Provider:
    """The provider as it runs: `claims` of its people by subject, and `lies`, its next answers by path."""

    def __init__(self) -> None:
        self.address = ""
        self.claims: dict[str, Mapping[str, Any]] = {}
        self.lies: dict[str, Any] = {}
        self.asked: list[str] = []
        self.token_requests: list[tuple[Mapping[str, str], Mapping[str, str]]] = []
        self._challenges: dict[str, str] = {}
        self._storage: Any = None
        self.application = app(require_nonce=True)
        self.application.before_request(self._before)
        self.application.after_request(self._after)

    def signs_in(self, location: str, subject: str) -> dict[str, str]:
        """Let a person sign in where the redirect leads; return what the provider sends them back with."""
        self.put(subject)
        answer = httpx.post(location, data={"sub": subject})
        assert answer.status_code == 302, answer.text
        return dict(parse_qsl(urlsplit(answer.headers["location"]).query))

    def put(self, subject: str) -> None:
        """Tell the provider what it says of a person."""
        httpx.put(f"{self.address}/users/{subject}", json=dict(self.claims[subject])).raise_for_status()

    def private_key(self) -> Any:
        """Return the key that signs its ID tokens."""
        return jwt.PyJWK(self._storage.jwk.as_dict(private=True), algorithm="RS256").key

    def public_key(self) -> dict[str, Any]:
        """Return the key that it publishes."""
        (key,) = httpx.get(f"{self.address}{KEYS}").json()["keys"]
        return dict(key)

    def _before(self) -> Any:
        self._storage = flask.g.oidc_provider_mock_storage
        path = flask.request.path
        self.asked.append(path)
        if path in self.lies:
            lie = self.lies[path]
            status, body = lie if isinstance(lie, tuple) else (200, lie)
            text = body if isinstance(body, str | bytes) else json.dumps(body)
            headers = {"Location": f"{self.address}/elsewhere"} if 300 <= status < 400 else {}
            return flask.Response(text, status, headers, content_type="application/json")
        if path == TOKEN:
            return self._unless_proven()
        return None

    def _unless_proven(self) -> Any:
        """Do what the package leaves out: hold the code verifier against the challenge (RFC 7636)."""
        form = flask.request.form
        self.token_requests.append((form.to_dict(), dict(flask.request.headers)))
        challenge = self._challenges.get(form.get("code", ""))
        if challenge is None or create_s256_code_challenge(form.get("code_verifier", "")) != challenge:
            return flask.jsonify({"error": "invalid_grant"}), 400
        return None

    def _after(self, response: flask.Response) -> flask.Response:
        if flask.request.path == AUTHORIZE and response.status_code == 302:
            code = dict(parse_qsl(urlsplit(response.headers["Location"]).query)).get("code", "")
            assert flask.request.args["code_challenge_method"] == "S256"
            self._challenges[code] = flask.request.args["code_challenge"]
        return response


@contextmanager
def serving() -> Iterator[Provider]:
    """Run a provider on a free port of this machine."""
    provider = Provider()
    server = make_server("127.0.0.1", 0, provider.application, threaded=True)
    provider.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield provider
    server.shutdown()
    thread.join()
    server.server_close()
