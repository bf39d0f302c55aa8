"""Answers over 1 KB travel as gzip when the caller takes it, and say so to caches."""

import base64
import gzip
import json
from typing import Any

import pytest

from experimentation.web.compression import LEAST_BYTES
from experimentation.web.conditions import matches
from experimentation.web.endpoint import endpoint
from experimentation.web.reply import Reply
from tests.conftest import Headers
from tests.factory import Context, event

LARGE = {"text": "blue and green " * 500}
SMALL = {"text": "blue"}


def answered(
    returned: object, headers: Headers, *, encoding: str | None = "gzip", rule: str = "token"
) -> Any:
    @endpoint(scope=rule, cache="max-age=60")
    def handler() -> object:
        """Answer."""
        return returned

    accepted = {} if encoding is None else {"Accept-Encoding": encoding}
    return handler(event("GET", "/things", headers={**headers, **accepted}), Context())


def test_a_large_answer_is_compressed(as_user: Headers) -> None:
    got = answered(LARGE, as_user)

    assert got["headers"]["Content-Encoding"] == "gzip"
    assert got["headers"]["Content-Type"] == "application/json"
    assert got["isBase64Encoded"] is True
    assert json.loads(gzip.decompress(base64.b64decode(got["body"]))) == LARGE
    assert len(got["body"]) < LEAST_BYTES


@pytest.mark.parametrize("encoding", [None, "", "br", "identity", "gzip;q=0", "gzip; q=0.0", "x-gzip"])
def test_a_caller_that_does_not_take_gzip_gets_text(encoding: str | None, as_user: Headers) -> None:
    got = answered(LARGE, as_user, encoding=encoding)

    assert "Content-Encoding" not in got["headers"]
    assert json.loads(got["body"]) == LARGE


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "br, gzip", "deflate, gzip;q=0.5", "gzip;q=1.0"])
def test_every_way_to_take_gzip_is_understood(encoding: str, as_user: Headers) -> None:
    assert answered(LARGE, as_user, encoding=encoding)["headers"]["Content-Encoding"] == "gzip"


def test_a_small_answer_is_not_worth_it(as_user: Headers) -> None:
    assert "Content-Encoding" not in answered(SMALL, as_user)["headers"]


def test_what_holds_tokens_is_never_compressed() -> None:
    assert "Content-Encoding" not in answered(LARGE, {}, rule="anyone")["headers"]


def test_bytes_stay_as_they_are(as_user: Headers) -> None:
    got = answered(Reply(b"PAR1" * 1_000, raw=True), as_user)

    assert "Content-Encoding" not in got["headers"]
    assert base64.b64decode(got["body"]) == b"PAR1" * 1_000


def test_a_file_of_text_is_compressed_as_well(as_user: Headers) -> None:
    got = answered(Reply("a,b\r\n" * 1_000, headers={"Content-Type": "text/csv"}, raw=True), as_user)

    assert got["headers"]["Content-Encoding"] == "gzip"
    assert gzip.decompress(base64.b64decode(got["body"])) == b"a,b\r\n" * 1_000


@pytest.mark.parametrize("encoding", ["gzip", None])
def test_caches_keep_the_two_apart(encoding: str | None, as_user: Headers) -> None:
    got = answered(Reply(LARGE, headers={"ETag": '"3"'}), as_user, encoding=encoding)

    assert "Accept-Encoding" in got["headers"]["Vary"].split(", ")
    assert got["headers"]["ETag"] == ('W/"3"' if encoding else '"3"')
    assert matches(got["headers"]["ETag"], '"3"')


def test_a_long_list_of_errors_is_compressed_too(as_user: Headers) -> None:
    query = {f"parameter_{number}": "x" for number in range(40)}

    got = endpoint(scope="token")(lambda: None)(
        event("GET", "/things", query=query, headers={**as_user, "Accept-Encoding": "gzip"}), Context()
    )

    assert got["statusCode"] == 422
    assert got["headers"]["Content-Encoding"] == "gzip"
    assert got["headers"]["Content-Type"] == "application/problem+json"
