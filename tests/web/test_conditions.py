"""ETag, If-None-Match and If-Match."""

from typing import Any

import pytest

from experimentation.domain.errors import PreconditionFailedError
from experimentation.web.conditions import etag, require_match, tagged
from experimentation.web.request import Request, request_from
from tests.factory import event


def _request(**headers: str) -> Request:
    return request_from(
        event("GET", "/x", headers={name.replace("_", "-"): value for name, value in headers.items()})
    )


@pytest.mark.parametrize("header", ['"3"', 'W/"3"', '"1", "3"', 'W/"1" , W/"3"', "*"])
def test_known_version_is_304_without_a_body(header: str) -> None:
    reply = tagged(_request(if_none_match=header), {"a": 1}, etag(3))

    assert (reply.status, reply.body, reply.headers["ETag"]) == (304, None, '"3"')


@pytest.mark.parametrize("headers", [{}, {"if_none_match": '"2"'}, {"if_none_match": "3"}])
def test_unknown_version_is_sent(headers: dict[str, Any]) -> None:
    reply = tagged(_request(**headers), {"a": 1}, etag(3))

    assert (reply.status, reply.body, reply.headers["ETag"]) == (None, {"a": 1}, '"3"')


@pytest.mark.parametrize("headers", [{}, {"if_match": '"3"'}, {"if_match": 'W/"3"'}, {"if_match": "*"}])
def test_write_to_the_version_one_knows_is_let_through(headers: dict[str, str]) -> None:
    require_match(_request(**headers), etag(3))


@pytest.mark.parametrize("header", ['"2"', "3", ""])
def test_write_to_another_version_is_refused(header: str) -> None:
    with pytest.raises(PreconditionFailedError):
        require_match(_request(if_match=header), etag(3))
