"""One operation of the document for a page of the site: it is a file, and takes nothing but its address."""

import re
from typing import Any, Protocol

from local.template import Route
from reference.models import meaning

type Json = dict[str, Any]

TEXT: Json = {"type": "string"}


class Page(Protocol):
    """What functions/pages.py says of a page."""

    summary: str
    media_types: tuple[str, ...]


def page_operation(page: Page, route: Route) -> Json:
    """Return the operation of a page."""
    names = re.findall(r"\{(\w+)\}", route.path)
    described: Json = {
        "operationId": "pages_" + (re.sub(r"\W+", "_", route.path).strip("_") or "console"),
        "tags": ["pages"],
        "summary": page.summary,
        "description": "Anyone may call this.",
        "security": [],
        "parameters": [
            *(_parameter(name, "path") for name in names),
            _parameter("If-None-Match", "header"),
        ],
        "responses": {
            "200": {
                "description": "The file.",
                "headers": {"ETag": {"description": "The entity tag of this version.", "schema": TEXT}},
                "content": {kind: {"schema": TEXT} for kind in page.media_types},
            },
            "304": {"description": "What the caller has is still current."},
        },
    }
    if names:
        problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        described["responses"]["404"] = {"description": "There is no such file.", "content": problem}
    return described


def _parameter(name: str, place: str) -> Json:
    return {
        "name": name,
        "in": place,
        "required": place == "path",
        "description": meaning("parameters", name),
        "schema": TEXT,
    }
