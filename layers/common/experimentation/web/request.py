"""The parts of an API Gateway event (payload 2.0) that an endpoint may look at."""

import base64
import binascii
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from experimentation.domain.errors import BadRequestError, FieldError, InvalidError, PayloadTooLargeError
from experimentation.web import edge

MAX_QUERY_PARAMETERS = 50


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request; header names are in lower case, `route` is the template's."""

    method: str
    path: str
    route: str
    headers: Mapping[str, str]
    cookies: Mapping[str, str]
    path_parameters: Mapping[str, str]
    source_ip: str
    user_agent: str
    request_id: str
    raw_query: str
    raw_body: str
    base64_body: bool

    @property
    def query(self) -> dict[str, str]:
        """The query parameters; InvalidError when one is given twice, BadRequestError for no UTF-8."""
        return parsed_form(self.raw_query)

    @property
    def address(self) -> str:
        """The caller's address: the connection's, or behind the edge the address that the edge reports."""
        viewer = self.headers.get(edge.VIEWER_HEADER, "") if edge.served(self.headers) else ""
        return viewer or self.source_ip

    @property
    def content_type(self) -> str:
        """The media type of the body without its parameters, in lower case; empty when there is none."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def body(self, limit: int) -> bytes:
        """Return the body; PayloadTooLargeError over `limit` bytes, before anything is decoded."""
        # A lower bound for base64: three bytes for four characters, up to two of which are padding.
        size = len(self.raw_body) // 4 * 3 - 2 if self.base64_body else len(self.raw_body)
        if size > limit:
            raise PayloadTooLargeError(f"The body may have at most {limit} bytes.")
        content = self._decoded()
        if len(content) > limit:
            raise PayloadTooLargeError(f"The body may have at most {limit} bytes.")
        return content

    def _decoded(self) -> bytes:
        try:
            if self.base64_body:
                return base64.b64decode(self.raw_body, validate=True)
            return self.raw_body.encode()
        except (binascii.Error, ValueError) as error:
            raise BadRequestError("The body cannot be decoded.") from error


def parsed_form(text: str) -> dict[str, str]:
    """Return the fields of an urlencoded text; each name may be given once.

    >>> parsed_form("limit=10&user_id=a%2Fb")
    {'limit': '10', 'user_id': 'a/b'}
    """
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_QUERY_PARAMETERS)
    except ValueError as error:
        raise BadRequestError("The parameters are not urlencoded UTF-8, or too many.") from error
    fields = dict(pairs)
    if len(fields) < len(pairs):
        times = Counter(name for name, _ in pairs)
        twice = sorted(name for name in times if times[name] > 1)
        raise InvalidError(
            "A parameter is given more than once.",
            [FieldError(f"/{name[:64]}", "is given more than once") for name in twice],
        )
    return fields


def request_from(event: Mapping[str, Any]) -> Request:
    """Return the request in an API Gateway event of payload version 2.0."""
    context = event["requestContext"]
    http = context["http"]
    return Request(
        method=http["method"],
        path=event.get("rawPath", http.get("path", "/")),
        route=event.get("routeKey", "$default"),
        headers={name.lower(): value for name, value in (event.get("headers") or {}).items()},
        cookies=dict(cookie.split("=", 1) for cookie in event.get("cookies") or () if "=" in cookie),
        path_parameters=event.get("pathParameters") or {},
        source_ip=http.get("sourceIp", ""),
        user_agent=http.get("userAgent", ""),
        request_id=context.get("requestId", ""),
        raw_query=event.get("rawQueryString") or "",
        raw_body=event.get("body") or "",
        base64_body=bool(event.get("isBase64Encoded")),
    )
