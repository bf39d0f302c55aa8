"""GET / - serve the console and the API's documentation, with the standard library alone."""

import base64
import gzip
import hmac
import json
import os
import re
import sys
import time
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
FOLDERS = (
    HERE / "site",
    HERE.parent / "build" / "site",
)  # in the Lambda package; in a clone, after `make site`
GZIP = re.compile(r"(^|,)\s*gzip\s*(,|$|;\s*q=(1|0\.0*[1-9]))")  # q=0: not accepted
FOREVER = "public, max-age=31536000, immutable"  # the address holds the version
SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}
STRICT = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
STYLED = (  # Swagger UI and ReDoc insert style elements; ReDoc searches in a worker
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; form-action 'none'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
NOTHING = "default-src 'none'; frame-ancestors 'none'"
HTML = ("text/html; charset=utf-8",)


class Page(NamedTuple):
    """A route of the site: its file (None: the path names it), its documentation and its content policy."""

    file: str | None
    summary: str
    media_types: tuple[str, ...]
    policy: str


PAGES = {
    "/": Page("index.html", "The console", HTML, STRICT),
    "/docs": Page("docs.html", "The API's documentation, to try out (Swagger UI)", HTML, STYLED),
    "/redoc": Page("redoc.html", "The API's documentation, to read (ReDoc)", HTML, STYLED),
    "/openapi.json": Page("openapi.json", "The API's OpenAPI document", ("application/json",), NOTHING),
    "/static/{version}/{name}": Page(
        None,
        "A file of these pages",
        (
            "text/javascript; charset=utf-8",
            "text/css; charset=utf-8",
            "text/plain; charset=utf-8",
            "image/svg+xml",
            "font/ttf",
        ),
        NOTHING,
    ),
}


class File(NamedTuple):
    """A file of the site, compressed."""

    content: bytes
    kind: str
    tag: str


def handler(event: dict[str, Any], _context: object = None) -> dict[str, Any]:
    """Answer with the file; 304 when the caller has it, 404 for an unknown one."""
    started = time.perf_counter()
    page = PAGES[event["routeKey"].partition(" ")[2]]
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    parameters = event.get("pathParameters") or {}
    if _bypassed_the_edge(headers):
        answer = _problem(
            event, 403, "Forbidden", "This address answers the edge cache alone; use the public one."
        )
    elif (found := _found(page, parameters)) is None:
        answer = _problem(
            event, 404, "Not found", "There is no such file; a newer version may be out: load the page again."
        )
    else:
        answer = _reply(found, page, headers)
    request_id = event["requestContext"].get("requestId", "")
    answer["headers"] |= SECURITY_HEADERS | {
        "Content-Security-Policy": page.policy,
        "X-Process-Time": f"{time.perf_counter() - started:.6f}",
        "X-Request-Id": request_id,
    }
    line = {"level": "INFO", "message": "request", "route": event["routeKey"], "request_id": request_id}
    sys.stdout.write(json.dumps(line | {"status": answer["statusCode"]}) + "\n")
    return answer


def _bypassed_the_edge(headers: dict[str, str]) -> bool:
    """Do as `web/edge.py`, whose package would be slow to load."""
    secret = os.environ.get("EDGE_SECRET", "")
    return bool(secret) and not hmac.compare_digest(
        headers.get("x-edge-secret", "").encode(), secret.encode()
    )


def _found(page: Page, parameters: dict[str, str]) -> File | None:
    site = manifest()
    if page.file is None and parameters.get("version") != site["version"]:
        return None
    name = page.file or parameters.get("name", "")
    listed = site["files"].get(name)
    return file(name, listed["type"], listed["sha256"]) if listed else None


@cache
def _folder() -> Path:
    for folder in FOLDERS:
        if (folder / "manifest.json").exists():
            return folder
    raise FileNotFoundError("the site is not built: run `make site`")


def manifest() -> dict[str, Any]:
    """Return the version of the site and its files, as `make site` wrote them last."""
    content: dict[str, Any] = json.loads((_folder() / "manifest.json").read_text())
    return content


@cache
def file(name: str, kind: str, sha256: str) -> File:
    """Return a file that the manifest names, cached: only such names get here."""
    return File((_folder() / f"{name}.gz").read_bytes(), kind, f'"{sha256[:16]}"')


def _reply(found: File, page: Page, headers: dict[str, str]) -> dict[str, Any]:
    sent = {
        "ETag": found.tag,
        "Cache-Control": FOREVER if page.file is None else "no-cache",
        "Vary": "Accept-Encoding",
    }
    cached_tags = (tag.strip().removeprefix("W/") for tag in headers.get("if-none-match", "").split(","))
    if found.tag in cached_tags:
        return {"statusCode": 304, "headers": sent}
    content = found.content
    if GZIP.search(headers.get("accept-encoding", "").lower()):
        sent["Content-Encoding"] = "gzip"
    else:
        content = gzip.decompress(content)
    return {
        "statusCode": 200,
        "headers": sent | {"Content-Type": found.kind},
        "isBase64Encoded": True,
        "body": base64.b64encode(content).decode(),
    }


def _problem(event: dict[str, Any], status: int, title: str, detail: str) -> dict[str, Any]:
    problem = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": event.get("rawPath", ""),
    }
    return {
        "statusCode": status,
        "headers": {"Content-Type": "application/problem+json", "Cache-Control": "no-store"},
        "body": json.dumps(problem),
    }
