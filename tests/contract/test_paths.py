"""What is said to a wrong method or a trailing slash follows from what the template routes."""

from collections import defaultdict
from typing import Any

import pytest

from experimentation.web.paths import METHODS
from functions import not_found
from local.paths import TEMPLATE
from local.template import read_template
from tests.factory import Context, document, event

ANY_PATH = "/{proxy+}"


def asked(method: str, path: str, query: dict[str, str] | None = None) -> Any:
    return not_found.handler(event(method, path, query=query, route="$default"), Context())


def test_the_paths_are_the_templates() -> None:
    """If this fails, write the path and its methods into web/paths.py."""
    routed: dict[str, set[str]] = defaultdict(set)
    for function in read_template(TEMPLATE).functions:
        for route in function.routes:
            if route.path not in {"", ANY_PATH}:
                routed[route.path].add(route.method)

    assert {path: set(methods) for path, methods in METHODS.items()} == routed


@pytest.mark.parametrize("path", sorted(METHODS))
def test_a_method_that_a_path_does_not_take_is_told_those_that_it_does(path: str) -> None:
    answer = asked("PUT", path.replace("{experiment_id}", "checkout-button"))

    assert answer["statusCode"] == 405
    assert answer["headers"]["Allow"] == ", ".join(METHODS[path])
    assert document(answer)["detail"].endswith("does not take PUT.")


@pytest.mark.parametrize("path", ["/nowhere", "/experiments/a/b/c", "/experimentsx", "/nowhere/"])
def test_a_path_that_is_not_there_is_not_found(path: str) -> None:
    assert asked("PUT", path)["statusCode"] == 404


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_trailing_slash_is_sent_where_the_path_is(method: str) -> None:
    answer = asked(method, "/experiments/", {"limit": "5"})

    assert answer["statusCode"] == 308  # unlike 301, the method and the body stay
    assert answer["headers"]["Location"] == "/experiments?limit=5"


@pytest.mark.parametrize(
    "path", ["//elsewhere.example/", "/\\elsewhere.example/", "//elsewhere.example/experiments/"]
)
def test_no_slash_leads_to_another_host(path: str) -> None:
    assert asked("GET", path)["statusCode"] == 404


def test_a_part_of_the_path_cannot_add_a_header() -> None:
    answer = asked("GET", "/experiments/a\r\nX-Evil: 1/")

    assert answer["headers"]["Location"] == "/experiments/a%0D%0AX-Evil:%201"
