"""Requests that pass the edge cache by are refused where it alone may send them."""

import json
from typing import Any

import pytest

from experimentation.web import edge
from functions import health, not_found, pages
from tests.factory import Context, event

SECRET = "s" * 32


@pytest.fixture
def guarded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A deployment with EdgeCache=on."""
    monkeypatch.setenv("EDGE_SECRET", SECRET)


@pytest.mark.usefixtures("guarded")
@pytest.mark.parametrize(
    "headers", [{}, {"x-edge-secret": ""}, {"x-edge-secret": "S" * 32}, {"x-edge-secret": "\u00fc"}]
)
@pytest.mark.parametrize("handler", [health.handler, not_found.handler])
def test_what_passes_the_edge_by_is_refused_before_anything_else(
    handler: Any, headers: dict[str, str]
) -> None:
    answer = handler(event("GET", "/health", headers=headers), Context())

    assert answer["statusCode"] == 403
    assert json.loads(answer["body"])["detail"] == edge.REFUSAL
    assert SECRET not in str(answer)


@pytest.mark.usefixtures("guarded")
def test_what_comes_through_the_edge_is_answered() -> None:
    assert (
        health.handler(event("GET", "/health", headers={"X-Edge-Secret": SECRET}), Context())["statusCode"]
        == 200
    )


@pytest.mark.usefixtures("guarded")
def test_pages_are_refused_too() -> None:
    answer = pages.handler(event("GET", "/"), Context())

    assert answer["statusCode"] == 403
    assert answer["headers"]["Cache-Control"] == "no-store"
    assert json.loads(answer["body"])["detail"] == edge.REFUSAL


def test_without_an_edge_nobody_has_to_show_anything() -> None:
    assert health.handler(event("GET", "/health"), Context())["statusCode"] == 200
