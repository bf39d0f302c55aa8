"""The OpenAPI 3.1 document: routes from template.yaml, all else from the endpoints and their models."""

import json
from collections.abc import Iterable
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from experimentation.web.endpoint import Endpoint
from experimentation.web.principals import ACCESS_COOKIE
from local.paths import ROOT, TEMPLATE
from local.template import Function, Route, read_template
from reference.models import Models
from reference.operation import operation
from reference.operations import documented
from reference.page import page_operation

type Json = dict[str, Any]

ANSWERS = Path(__file__).with_name("answers.jsonl")
TAGS = {
    "experiments": "Define an experiment, start it, pause it, complete it.",
    "layers": "Experiments that exclude each other.",
    "assignments": "Ask which variant a user has.",
    "events": "Say what users did; see what was stored.",
    "exposures": "Say which variant users met, where your program decided by itself.",
    "results": "Read the decision and the figures; export the rows.",
    "notifications": "What happened to experiments: starts, ends, verdicts, harm.",
    "sample-size": "Plan: how many users and days an effect takes.",
    "ofrep": "The OpenFeature Remote Evaluation Protocol: experiments as feature flags.",
    "auth": "Sign in, stay signed in, sign out.",
    "accounts": "People.",
    "api-keys": "Keys for programs.",
    "audit": "Who did what to accounts, keys and sessions, and who erased somebody.",
    "users": "A person's data: what is stored about them, and erasing it.",
    "health": "Whether the platform answers.",
    "pages": "The console and this reference.",
}
"""The tags in the order of a reader's interest."""
LIFE = (
    "experiments.create",
    "experiments.list",
    "experiments.read",
    "experiments.update",
    "experiments.change_status",
    "experiments.history",
    "experiments.delete",
    "layers.list",
    "assignments.assign",
    "assignments.assign_all",
    "assignments.read",
    "assignments.list",
    "assignments.import_assignments",
    "events.record",
    "events.record_batch",
    "events.list",
    "events.types_list",
    "events.recent",
    "exposures.record",
    "events.dead_letters",
    "events.replay",
    "results.read",
    "results.list",
    "results.export",
    "results.start_export",
    "results.list_exports",
    "auth.token",
    "auth.refresh",
    "auth.revoke",
    "auth.me",
)
"""Operations in the order in which an experiment meets them; any other follows in the template's order."""

DESCRIPTION = """A/B experimentation that runs serverless in your own AWS account.

Send a credential with every call: an access token from `POST /auth/token` as a bearer token, an API key as
`X-API-Key`, or the cookies that `POST /auth/token` with `transport=cookie` sets, which the browser sends by
itself. Times are RFC 3339 in UTC. Errors are `application/problem+json` (RFC 9457), also for routes that are
not here; a path that is here answers 405 with `Allow` to a method that it does not take. Answers of 1 KB and
more are compressed for callers that send `Accept-Encoding: gzip`. What the gateway itself answers (413 above
10 MB, 429 and 503 when it is overloaded) has one member, `message`. Lists page: send `next_cursor` back as
`cursor` until it is null."""

SECURITY: Json = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "The `access_token` of `POST /auth/token`, or an API key.",
    },
    "cookie": {
        "type": "apiKey",
        "in": "cookie",
        "name": ACCESS_COOKIE,
        "description": "Set by `POST /auth/token` with `transport=cookie`; scripts cannot read or set it.",
    },
    "apiKey": {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-Key",
        "description": "A machine's key from `POST /api-keys`.",
    },
}


class Operation(NamedTuple):
    """A route of the template with the module that answers it."""

    route: Route
    function: Function
    module: ModuleType

    @property
    def name(self) -> str:
        """The function's dotted name, as in `experiments.create`."""
        return self.function.handler.removesuffix(".handler")


def operations() -> list[Operation]:
    """Return every route of the template but the default one, in the template's order."""
    return [
        Operation(route, function, import_module(f"functions.{function.handler.removesuffix('.handler')}"))
        for function in read_template(TEMPLATE).functions
        for route in function.operations
        if route.path
    ]


def document() -> Json:
    """Return the whole document; AssertionError when two models or operations share a name."""
    found = sorted(operations(), key=_place)
    models = Models(
        (each.module.handler, documented(each.name))
        for each in found
        if isinstance(each.module.handler, Endpoint)
    )
    paths: dict[str, Json] = {}
    for each in found:
        paths.setdefault(each.route.path, {})[each.route.method.lower()] = _described(each, models)
    _require_unique(entry["operationId"] for path in paths.values() for entry in path.values())
    schemas = models.referred(paths)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Experimentation API",
            "version": _version(),
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": _tags(found),
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": SECURITY},
    }


def _described(found: Operation, models: Models) -> Json:
    if not isinstance(found.module.handler, Endpoint):
        return page_operation(found.module.PAGES[found.route.path], found.route)
    summary = (found.module.__doc__ or "").splitlines()[0].partition(" - ")[2]
    described = operation(
        found.module.handler,
        documented(found.name),
        found.route,
        models,
        sample(found.name),
        answer(found.name),
    )
    return {
        "operationId": found.name.replace(".", "_"),
        "tags": [_tag(found)],
        "summary": summary[:1].upper() + summary[1:],
    } | described


def sample(name: str) -> Json:
    """Return the sample event of a function, which the examples are taken from; empty when there is none."""
    path = ROOT / "events" / f"{name.replace('.', '/')}.json"
    event: Json = json.loads(path.read_text()) if path.exists() else {}
    return event


def answer(name: str) -> Json:
    """Return what a function answered its sample (`status`, `body`), as recorded; empty when it never did."""
    return _recorded().get(name, {})


@cache
def _recorded() -> dict[str, Json]:
    lines = map(json.loads, ANSWERS.read_text().splitlines())
    return {line["operation"]: line for line in lines}


def _tag(found: Operation) -> str:
    return found.function.handler.partition(".")[0].replace("_", "-")


def _place(found: Operation) -> tuple[int, int]:
    """Return where an operation stands: by its tag, then by its place in an experiment's life."""
    tags = list(TAGS)
    tag = _tag(found)
    return (
        tags.index(tag) if tag in tags else len(tags),
        LIFE.index(found.name) if found.name in LIFE else len(LIFE),
    )


def _tags(found: Iterable[Operation]) -> list[Json]:
    return [
        {"name": tag} | ({"description": TAGS[tag]} if tag in TAGS else {})
        for tag in dict.fromkeys(map(_tag, found))
    ]


def _require_unique(names: Iterable[str]) -> None:
    given = list(names)
    twice = {name for name in given if given.count(name) > 1}
    if twice:
        raise AssertionError(f"two operations are called {', '.join(sorted(twice))}")


def _version() -> str:
    import tomllib  # noqa: PLC0415 - one line of one file

    version: str = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    return version
