"""Events and answers of the gateway against what AWS recorded and documents.

The recording: awsdocs/aws-lambda-developer-guide (MIT-0), sample-apps/nodejs-apig/event-v2.json.
"""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from local.payload import MAX_ANSWER_BYTES, MalformedAnswerError, Received, answer, event

RECORDED = json.loads((Path(__file__).parent / "recorded_event_v2.json").read_text())
NOW = 1583817383.220


def request(**changes: Any) -> Received:
    values: dict[str, Any] = {
        "method": "POST",
        "path": "/events",
        "query": "",
        "headers": [("host", "id.execute-api.us-east-1.amazonaws.com"), ("user-agent", "agent")],
        "body": b"",
        "source_ip": "192.0.2.1",
    }
    return Received(**(values | changes))


def built(**changes: Any) -> dict[str, Any]:
    return event(request(**changes), "POST /events", "id", NOW)


def test_builds_the_event_that_aws_recorded() -> None:
    own = {"x-forwarded-for", "x-forwarded-port", "x-forwarded-proto"}
    headers = [(name, value) for name, value in RECORDED["headers"].items() if name not in own]
    context = RECORDED["requestContext"]
    received = request(
        method="GET",
        path=RECORDED["rawPath"],
        headers=[*headers, ("cookie", "; ".join(RECORDED["cookies"]))],
        source_ip=context["http"]["sourceIp"],
        scheme="https",
        port=443,
    )

    made = event(received, RECORDED["routeKey"], context["requestId"], NOW)

    deployment = {"accountId": context["accountId"], "apiId": context["apiId"], "stage": context["stage"]}
    made["requestContext"] |= deployment
    assert context.pop("routeId") is None  # this one recording has it, the documentation does not
    assert made == RECORDED


def test_repeated_query_parameters_are_joined_by_commas() -> None:
    made = built(query="parameter1=value1&parameter1=value2&parameter2=a%20b")

    assert made["queryStringParameters"] == {"parameter1": "value1,value2", "parameter2": "a b"}
    assert made["rawQueryString"] == "parameter1=value1&parameter1=value2&parameter2=a%20b"


def test_repeated_headers_are_joined_by_commas() -> None:
    made = built(headers=[("header2", "value1"), ("header2", "value2")])

    assert made["headers"]["header2"] == "value1,value2"


def test_cookies_are_a_list_and_not_a_header() -> None:
    made = built(headers=[("cookie", "a=1; b=2"), ("cookie", "c=3")])

    assert made["cookies"] == ["a=1", "b=2", "c=3"]
    assert "cookie" not in made["headers"]


def test_what_is_not_in_the_request_is_not_in_the_event() -> None:
    made = built()

    assert not {"body", "cookies", "pathParameters", "queryStringParameters"} & set(made)
    assert made["isBase64Encoded"] is False


@pytest.mark.parametrize(
    "media_type",
    ["application/json", "application/problem+json", "text/csv; charset=utf-8", "application/xml"],
)
def test_text_travels_as_it_is(media_type: str) -> None:
    made = built(body="grün".encode(), headers=[("content-type", media_type)])

    assert (made["body"], made["isBase64Encoded"]) == ("grün", False)


@pytest.mark.parametrize(
    "headers",
    [
        [("content-type", "application/octet-stream")],
        [("content-type", "application/x-www-form-urlencoded")],
        [("content-type", "application/json"), ("content-encoding", "gzip")],
        [],
    ],
)
def test_anything_else_travels_as_base64(headers: list[tuple[str, str]]) -> None:
    made = built(body=b"\x1f\x8b\x00", headers=headers)

    assert (base64.b64decode(made["body"]), made["isBase64Encoded"]) == (b"\x1f\x8b\x00", True)


def test_text_that_is_not_utf8_travels_as_base64() -> None:
    made = built(body=b'{"\xff"}', headers=[("content-type", "application/json")])

    assert made["isBase64Encoded"] is True


def test_a_proxy_in_front_stays_in_the_list_of_addresses() -> None:
    made = built(headers=[("x-forwarded-for", "203.0.113.9")])

    assert made["headers"]["x-forwarded-for"] == "203.0.113.9, 192.0.2.1"


def test_an_answer_without_a_status_is_json_with_status_200() -> None:
    made = answer({"message": "Hello from Lambda!"})

    assert (made.status, json.loads(made.body)) == (200, {"message": "Hello from Lambda!"})
    assert made.headers == [("content-type", "application/json")]


def test_text_without_a_status_is_sent_as_it_is() -> None:
    assert answer("Hello from Lambda!").body == b"Hello from Lambda!"


def test_each_cookie_becomes_a_header() -> None:
    made = answer({"statusCode": 201, "cookies": ["a=1", "b=2"], "headers": {"Location": "/x", "Age": 3}})

    assert made.status == 201
    assert made.headers == [
        ("location", "/x"),
        ("age", "3"),
        ("content-type", "text/plain;charset=UTF-8"),
        ("set-cookie", "a=1"),
        ("set-cookie", "b=2"),
    ]


def test_base64_becomes_bytes() -> None:
    made = answer(
        {"statusCode": "200", "isBase64Encoded": True, "body": base64.b64encode(b"\x00\xff").decode()}
    )

    assert made.body == b"\x00\xff"


@pytest.mark.parametrize(
    "result",
    [
        {"statusCode": "ok"},
        {"statusCode": 99},
        {"statusCode": 200, "body": {"not": "text"}},
        {"statusCode": 200, "body": "*", "isBase64Encoded": True},
        {"statusCode": 200, "headers": {"x": ["a", "b"]}},
        {"statusCode": 200, "body": "x" * MAX_ANSWER_BYTES},
    ],
)
def test_what_the_gateway_cannot_send_is_refused(result: dict[str, Any]) -> None:
    with pytest.raises(MalformedAnswerError):
        answer(result)
