"""The paths of the API with their methods: for answers to a wrong method or a trailing slash.

template.yaml does the routing; tests/contract/test_paths.py compares the two.
"""

import re
from collections.abc import Mapping

METHODS: Mapping[str, tuple[str, ...]] = {
    "/": (
        "GET",
        "HEAD",
    ),
    "/accounts": (
        "GET",
        "POST",
    ),
    "/accounts/{username}": (
        "DELETE",
        "PATCH",
    ),
    "/api-keys": (
        "GET",
        "POST",
    ),
    "/api-keys/{key_id}": ("DELETE",),
    "/assignments": (
        "GET",
        "POST",
    ),
    "/audit": ("GET",),
    "/auth/me": ("GET",),
    "/auth/methods": ("GET",),
    "/auth/oidc/callback": ("GET",),
    "/auth/oidc/start": ("GET",),
    "/auth/password": ("POST",),
    "/auth/refresh": ("POST",),
    "/auth/revoke": ("POST",),
    "/auth/sessions": ("GET",),
    "/auth/sessions/{session_id}": ("DELETE",),
    "/auth/token": ("POST",),
    "/docs": ("GET", "HEAD"),
    "/events": (
        "GET",
        "POST",
    ),
    "/events/batch": ("POST",),
    "/events/dead-letters": ("GET",),
    "/events/dead-letters/replay": ("POST",),
    "/events/recent": ("GET",),
    "/events/types": ("GET",),
    "/experiments": (
        "GET",
        "POST",
    ),
    "/experiments/{experiment_id}": (
        "DELETE",
        "GET",
        "PATCH",
    ),
    "/experiments/{experiment_id}/assignments": (
        "GET",
        "POST",
    ),
    "/experiments/{experiment_id}/assignments/import": ("POST",),
    "/experiments/{experiment_id}/exports": (
        "GET",
        "POST",
    ),
    "/experiments/{experiment_id}/history": ("GET",),
    "/experiments/{experiment_id}/results": ("GET",),
    "/experiments/{experiment_id}/results/export": ("GET",),
    "/experiments/{experiment_id}/status": ("POST",),
    "/exposures": ("POST",),
    "/health": (
        "GET",
        "HEAD",
    ),
    "/layers": ("GET",),
    "/notifications": ("GET",),
    "/ofrep/v1/evaluate/flags": ("POST",),
    "/ofrep/v1/evaluate/flags/{key}": ("POST",),
    "/openapi.json": ("GET", "HEAD"),
    "/redoc": ("GET", "HEAD"),
    "/results": ("GET",),
    "/sample-size": ("GET",),
    "/static/{version}/{name}": ("GET",),
    "/users": ("DELETE", "GET"),
}


def methods_of(path: str) -> tuple[str, ...]:
    """Return the methods of a path as it was called; empty when it is not one of the API's.

    >>> methods_of("/experiments/checkout-button"), methods_of("/nowhere")
    (('DELETE', 'GET', 'PATCH'), ())
    """
    known = METHODS.get(path)
    if known is not None:
        return known
    return next((methods for template, methods in METHODS.items() if _pattern(template).fullmatch(path)), ())


def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template)))
