"""Conditional requests (RFC 9110, section 13): If-None-Match answers 304, If-Match guards a write."""

from experimentation.domain.errors import PreconditionFailedError
from experimentation.web.reply import Reply
from experimentation.web.request import Request


def etag(version: object) -> str:
    """Return the entity tag of a version.

    >>> etag(3)
    '"3"'
    """
    return f'"{version}"'


def matches(header: str, tag: str) -> bool:
    """Tell whether a list of tags names `tag`, by weak comparison: proxies that compress add the prefix W/.

    >>> matches('W/"2", "3"', '"3"'), matches("*", '"3"'), matches('"2"', '"3"')
    (True, True, False)
    """
    candidates = (candidate.strip().removeprefix("W/") for candidate in header.split(","))
    return header.strip() == "*" or tag.removeprefix("W/") in candidates


def require_match(request: Request, tag: str) -> None:
    """Raise PreconditionFailedError when the request has an If-Match that does not name `tag`."""
    header = request.headers.get("if-match")
    if header is not None and not matches(header, tag):
        raise PreconditionFailedError(f"It has changed: the current entity tag is {tag}.")


def tagged(request: Request, body: object, tag: str) -> Reply:
    """Return the body with its tag, or 304 when the caller's If-None-Match names it."""
    sent = {"ETag": tag}
    known = request.headers.get("if-none-match")
    if known is not None and matches(known, tag):
        return Reply(status=304, headers=sent)
    return Reply(body, headers=sent)
