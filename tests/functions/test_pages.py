"""The site: its pages and files as they were built."""

import base64
import gzip
import json
import subprocess
import sys
from typing import Any

import pytest

from functions import pages
from local.paths import FUNCTIONS
from tests.factory import Context, event

pytestmark = pytest.mark.skipif(
    not (pages.FOLDERS[1] / "manifest.json").exists(), reason="the site is not built: make site"
)


def _get(path: str, route: str | None = None, parameters: Any = None, **headers: str) -> dict[str, Any]:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return pages.handler(event("GET", path, headers=sent, path_parameters=parameters, route=route), Context())


def _static(name: str, **headers: str) -> dict[str, Any]:
    version = pages.manifest()["version"]
    parameters = {"version": version, "name": name}
    return _get(f"/static/{version}/{name}", "/static/{version}/{name}", parameters, **headers)


def _content(answer: dict[str, Any]) -> bytes:
    return base64.b64decode(answer["body"])


@pytest.mark.parametrize("path", ["/", "/docs", "/redoc"])
def test_a_page_is_html_that_loads_from_this_host_only(path: str) -> None:
    answer = _get(path)

    html = _content(answer).decode()
    assert answer["headers"]["Content-Type"] == "text/html; charset=utf-8"
    assert "default-src 'none'; script-src 'self';" in answer["headers"]["Content-Security-Policy"]
    assert "//" not in html.replace("<!doctype", "")
    assert "__VERSION__" not in html


@pytest.mark.parametrize("path", ["/", "/docs", "/redoc"])
def test_a_page_names_files_that_are_there(path: str) -> None:
    html = _content(_get(path)).decode()
    named = [part.split('"')[0].rsplit("/", 1)[1] for part in html.split('="/static/')[1:]]

    statuses = {name: _static(name)["statusCode"] for name in named}

    assert named
    assert set(statuses.values()) == {200}


def test_the_document_of_the_api_is_served() -> None:
    answer = _get("/openapi.json")

    assert json.loads(_content(answer))["openapi"] == "3.1.0"


def test_a_file_is_sent_compressed_to_who_reads_it() -> None:
    packed, plain = _static("docs.js", accept_encoding="gzip, br"), _static("docs.js")

    assert packed["headers"]["Content-Encoding"] == "gzip"
    assert gzip.decompress(_content(packed)) == _content(plain)
    assert "Content-Encoding" not in plain["headers"]


@pytest.mark.parametrize(
    ("accepted", "is_packed"),
    [
        ("br, GZIP;q=0.01", True),
        ("gzip ; q=1.0", True),
        ("gzip;q=0", False),
        ("gzip; q=0.0, br", False),
        ("x-gzip", False),
    ],
)
def test_a_file_is_compressed_for_who_takes_gzip_alone(accepted: str, is_packed: bool) -> None:
    headers = _static("docs.js", accept_encoding=accepted)["headers"]

    assert ("Content-Encoding" in headers) is is_packed


def test_a_file_of_this_version_may_be_kept_for_ever_and_a_page_may_not() -> None:
    assert "immutable" in _static("docs.js")["headers"]["Cache-Control"]
    assert _get("/")["headers"]["Cache-Control"] == "no-cache"


def test_what_the_caller_has_is_not_sent_again() -> None:
    tag = _get("/")["headers"]["ETag"]

    answer = _get("/", if_none_match=f"W/{tag}")

    assert answer["statusCode"] == 304
    assert "body" not in answer


@pytest.mark.parametrize("name", ["nothing.js", "../manifest.json", "manifest.json", ""])
def test_a_file_that_is_not_of_the_site_is_a_problem(name: str) -> None:
    answer = _static(name)

    assert answer["statusCode"] == 404
    assert json.loads(answer["body"])["title"] == "Not found"


def test_a_file_of_another_version_is_a_problem() -> None:
    parameters = {"version": "older", "name": "docs.js"}

    answer = _get("/static/older/docs.js", "/static/{version}/{name}", parameters)

    assert answer["statusCode"] == 404


def test_the_function_imports_nothing_but_the_standard_library() -> None:
    program = "import sys; import pages; print([m for m in sys.modules if m in ('pydantic', 'boto3', 'jwt')])"

    done = subprocess.run(
        [sys.executable, "-c", program], cwd=FUNCTIONS, capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"


def test_names_that_are_not_of_the_site_are_not_kept() -> None:
    _static("console.css")
    before = pages.file.cache_info().currsize

    answers = [_static(f"unknown-{number}.js") for number in range(100)]

    assert {answer["statusCode"] for answer in answers} == {404}
    assert pages.file.cache_info().currsize == before


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_head_has_what_get_has(path: str) -> None:
    answer = pages.handler(event("HEAD", path, headers={}), Context())

    assert answer["statusCode"] == 200
    assert answer["headers"]["ETag"] == _get(path)["headers"]["ETag"]
