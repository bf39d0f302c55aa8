"""The routes of template.yaml with the functions that answer them."""

import importlib
from typing import NamedTuple

from experimentation.web.endpoint import Endpoint
from local.paths import TEMPLATE
from local.template import read_template

PAGES = "pages"  # the one function with several routes


class Routed(NamedTuple):
    """A route as the gateway names it, and the module of its function under functions/."""

    key: str
    method: str
    path: str
    module: str

    @property
    def endpoint(self) -> Endpoint:
        """The handler that answers."""
        handler = importlib.import_module(f"functions.{self.module}").handler
        assert isinstance(handler, Endpoint)
        return handler

    @property
    def rule(self) -> str:
        """Who may call; the pages are open, and have no rule of their own because they read nothing."""
        return "anyone" if self.module == PAGES else self.endpoint.rule


def routes() -> list[Routed]:
    """Return every route of the template."""
    return [
        Routed(route.key, route.method, route.path, function.handler.removesuffix(".handler"))
        for function in read_template(TEMPLATE).functions
        for route in function.operations
    ]
