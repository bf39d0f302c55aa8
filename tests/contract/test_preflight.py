"""A preflight: the gateway hands OPTIONS to a catch-all route even where CORS is on, so that must say 2xx.

Source: AWS, "Configure CORS for HTTP APIs": the $default route catches OPTIONS requests too.
"""

from importlib import import_module

import pytest

from local.gateway import Routes
from local.paths import TEMPLATE
from local.template import Route, read_template
from tests.factory import Context, event

FUNCTIONS = read_template(TEMPLATE).functions
ROUTES = Routes(FUNCTIONS)
PATHS = sorted(
    {
        route.path.replace("{", "").replace("}", "")
        for f in FUNCTIONS
        for route in f.routes
        if "+" not in route.path
    }
    - {""}
)


@pytest.mark.parametrize("path", PATHS)
def test_preflight_of_every_route_succeeds(path: str) -> None:
    found = ROUTES.match("OPTIONS", path)
    assert found is not None
    function, route, _ = found
    module, name = function.handler.rsplit(".", 1)
    handler = getattr(import_module(f"functions.{module}"), name)

    answer = handler(event("OPTIONS", path, route=route.key), Context())

    assert route in {Route("OPTIONS", "/{proxy+}"), Route("", "")}
    assert answer["statusCode"] == 204
    assert not answer.get("body")


def test_every_other_unknown_route_is_still_not_found() -> None:
    handler = import_module("functions.not_found").handler

    statuses = {
        method: handler(event(method, "/nowhere", route="$default"), Context())["statusCode"]
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
    }

    assert set(statuses.values()) == {404}
