"""The endpoint wrapper: what goes in, what comes out, what is logged."""

import base64
import json
from typing import Any

import pytest

from experimentation.domain import errors
from experimentation.domain.errors import FieldError
from experimentation.web.endpoint import endpoint
from experimentation.web.reply import Reply
from tests.conftest import Headers
from tests.factory import REQUEST_ID, Context, document, event
from tests.web import endpoints


def answer(handler: Any, *args: Any, **parts: Any) -> Any:
    return handler(event(*args, **parts), Context())


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("", 400),
        ("   ", 400),
        ("null", 422),
        ("[]", 422),
        ("{", 400),
        ("{} {}", 400),
        ('{"count": 1}', 201),
        ('{"count": 1.0}', 422),
        ('{"count": "1"}', 422),
        ('{"count": true}', 422),
        ('{"count": null}', 422),
        ('{"count": ' + "9" * 4_000 + "}", 201),
        ('{"count": ' + "9" * 5_000 + "}", 422),
        ('{"anything": ' + "9" * 5_000 + "}", 422),
        ('{"anything": ' + "[" * 60 + "]" * 60 + "}", 201),
        ('{"anything": ' + "[" * 70 + "]" * 70 + "}", 400),
        ('{"anything": ' + "[" * 1_000 + "]" * 1_000 + "}", 400),
        ('{"anything": ' + "[" * 9_000 + "]" * 9_000 + "}", 400),
        ('{"anything": ' + "[" * 100_000 + "]" * 100_000 + "}", 400),
        ('{"anything": ' + '{"a":' * 100_000 + "1" + "}" * 100_000 + "}", 400),
        ("[" * 100_000, 400),
        ('{"anything": NaN}', 422),
        ('{"share": Infinity}', 422),
        ('{"anything": -Infinity}', 422),
        ('{"anything": 1e400}', 422),
        ('{"anything": 1e-400}', 201),
        ('{"share": 1e308}', 201),
        ('{"name": "\\ud800"}', 400),
        ('{"\\udfff": 1}', 400),
        ('{"anything": ["\\ud83d\\ude00"]}', 201),
        ('{"name": "a\\u0000b"}', 201),
        ('{"user_id": "a\\u0000b"}', 422),
        ('{"user_id": ""}', 422),
        ('{"count": 1, "count": 2}', 400),
        ('{"anything": {"a": 1, "a": 1}}', 400),
        ('{"unknown": 1}', 422),
        ('{"at": "2026-11-22T07:00:00"}', 422),
        ('{"at": "2026-11-22"}', 422),
        ('{"at": "9999-12-31T23:59:59.999999-23:59"}', 422),
        ('{"at": "0001-01-01T00:00:00+23:59"}', 422),
        ('{"at": 1795330800000}', 422),
        ('{"at": "2026-11-22T08:00:00.123456+01:00"}', 201),
        ("\ufeff{}", 400),
    ],
)
def test_body_is_taken_or_refused_but_never_a_fault(body: str, status: int) -> None:
    got = answer(endpoints.order, "POST", "/orders", raw_body=body)

    assert got["statusCode"] == status
    if status != 201:
        assert got["headers"]["Content-Type"] == "application/problem+json"
        assert document(got)["status"] == status


@pytest.mark.parametrize("body", [b"\xff\xfe", b'{"name": "\xe9"}', b'{"name": "\xed\xa0\x80"}'])
def test_body_that_is_not_utf8_is_refused(body: bytes) -> None:
    assert answer(endpoints.order, "POST", "/orders", raw_body=body)["statusCode"] == 400


def test_body_in_base64_is_read() -> None:
    assert answer(endpoints.order, "POST", "/orders", raw_body=b'{"count": 7}')["statusCode"] == 201


def test_broken_base64_is_refused() -> None:
    broken = event("POST", "/orders", raw_body=b"{}") | {"body": "%%%"}

    assert endpoints.order(broken)["statusCode"] == 400


def test_time_with_an_offset_is_converted() -> None:
    got = answer(endpoints.order, "POST", "/orders", {"at": "2026-11-22T08:00:00.5+01:00"})

    assert document(got)["at"] == 1795330800500


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("application/json", 201),
        ("application/json; charset=utf-8", 201),
        ("APPLICATION/JSON", 201),
        ("application/merge-patch+json", 201),
        ("", 201),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data; boundary=x", 415),
    ],
)
def test_body_of_another_kind_is_415(kind: str, status: int) -> None:
    got = answer(endpoints.order, "POST", "/orders", {"count": 1}, headers={"Content-Type": kind})

    assert got["statusCode"] == status


@pytest.mark.parametrize("body", ["x" * 101, b"\xff" * 101])
def test_body_over_the_limit_is_413_before_it_is_parsed(body: str | bytes) -> None:
    assert answer(endpoints.form, "POST", "/forms", raw_body=body)["statusCode"] == 413


def test_limit_counts_bytes_and_not_characters() -> None:
    got = answer(endpoints.form, "POST", "/forms", raw_body='{"name": "' + "é" * 60 + '"}')

    assert got["statusCode"] == 413


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ("name=a+b", 200),
        ("name=a&name=b", 422),
        ("name=%FF", 400),
        ("&".join(f"a{n}=" for n in range(60)), 413),
    ],
)
def test_form_is_read_where_it_is_allowed(form: str, status: int) -> None:
    kind = {"content-type": "application/x-www-form-urlencoded"}

    assert answer(endpoints.form, "POST", "/forms", raw_body=form, headers=kind)["statusCode"] == status


def test_body_may_be_left_out_where_none_is_a_default() -> None:
    assert document(answer(endpoints.maybe, "POST", "/maybe")) == {"given": False}
    assert document(answer(endpoints.maybe, "POST", "/maybe", {})) == {"given": True}


def test_each_bad_field_is_named_without_its_value() -> None:
    secret = "hunter2-hunter2"

    got = document(
        answer(endpoints.order, "POST", "/orders", {"count": secret, "lines": [1, secret], "a/b~c": secret})
    )

    assert {error["pointer"] for error in got["errors"]} == {"/count", "/lines/1", "/a~1b~0c"}
    assert all(error["detail"] for error in got["errors"])
    assert secret not in json.dumps(got)


def test_errors_stay_short_whatever_is_sent() -> None:
    many = answer(endpoints.order, "POST", "/orders", {"lines": ["x"] * 5_000})
    long = answer(endpoints.order, "POST", "/orders", {"k" * 100_000: 1})

    assert len(document(many)["errors"]) == 100
    assert len(long["body"]) < 1_000


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 200),
        ("limit=5&names=a,b&explain=true", 200),
        ("limit=0", 422),
        ("limit=x", 422),
        ("limit=5&limit=6", 422),
        ("unknown=1", 422),
        ("limit=" + "9" * 5_000, 422),
        ("limit=%ff", 400),
        ("limit=NaN", 422),
        ("limit=", 422),
        ("limit", 422),
        ("&".join(f"a{n}=1" for n in range(100)), 400),
    ],
)
def test_query_is_taken_or_refused(query: str, status: int) -> None:
    assert answer(endpoints.filtered, "GET", "/filtered", raw_query=query)["statusCode"] == status


def test_query_has_types() -> None:
    got = answer(
        endpoints.filtered, "GET", "/filtered", query={"limit": 5, "names": "a,b", "explain": "true"}
    )

    assert document(got) == {"limit": 5, "names": ["a", "b"], "explain": True}


def test_parts_of_the_request_are_filled_in_by_name(as_user: Headers) -> None:
    path = {"experiment_id": "checkout"}

    got = answer(endpoints.parts, "GET", "/experiments/checkout", headers=as_user, path_parameters=path)

    assert got["statusCode"] == 200
    shown = document(got)
    assert (shown["id"], shown["who"], shown["path"]) == ("checkout", "ursula", "/experiments/checkout")
    assert shown["now"] > 1_700_000_000_000


@pytest.mark.parametrize("identifier", ["Checkout", "a b", "", "x" * 65, "a/../b", "a\n", "\ud800"])
def test_bad_path_parameter_is_422(as_user: Headers, identifier: str) -> None:
    path = {"experiment_id": identifier}

    got = answer(endpoints.parts, "GET", f"/experiments/{identifier}", headers=as_user, path_parameters=path)

    assert got["statusCode"] == 422
    assert document(got)["errors"][0]["pointer"] == "/experiment_id"
    got["body"].encode()


def test_query_is_refused_where_none_is_known(as_user: Headers) -> None:
    path = {"experiment_id": "checkout"}

    got = answer(
        endpoints.parts, "GET", "/experiments/checkout", None, {"x": 1}, as_user, path_parameters=path
    )

    assert document(got)["errors"] == [{"pointer": "/x", "detail": "is not a parameter here"}]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.BadRequestError("d"), 400),
        (errors.UnauthenticatedError("d"), 401),
        (errors.ForbiddenError("d"), 403),
        (errors.NotFoundError("d"), 404),
        (errors.ConflictError("d"), 409),
        (errors.PreconditionFailedError("d"), 412),
        (errors.PayloadTooLargeError("d"), 413),
        (errors.InvalidError("d", [FieldError("/a", "bad")]), 422),
        (errors.TooManyRequestsError("d", 7), 429),
        (errors.UnavailableError("d", 2, {"event_ids": ["e1"]}), 503),
    ],
)
def test_error_becomes_a_problem(error: errors.ExperimentationError, status: int) -> None:
    got = answer(endpoints.failing(error), "GET", "/things")

    shown = document(got)
    assert got["statusCode"] == shown["status"] == status
    assert (shown["type"], shown["detail"], shown["instance"]) == ("about:blank", "d", "/things")
    assert shown["title"]
    assert got["headers"]["Cache-Control"] == "no-store"


def test_retry_says_when_and_with_what() -> None:
    error = errors.UnavailableError("later", 2, {"event_ids": ["e1"]})

    got = answer(endpoints.failing(error), "POST", "/events")

    assert got["headers"]["Retry-After"] == "2"
    assert document(got)["event_ids"] == ["e1"]


def test_why_the_store_does_not_answer_is_in_the_log_alone(capsys: pytest.CaptureFixture[str]) -> None:
    error = errors.UnavailableError("The store does not answer; try again.")
    error.__cause__ = ConnectionError("http://store.invalid refused")

    got = answer(endpoints.failing(error), "GET", "/things")

    assert got["statusCode"] == 503
    assert "store.invalid" not in got["body"]
    line = _line(capsys)
    assert (line["level"], line["cause"]) == ("WARNING", "ConnectionError: http://store.invalid refused")


def test_fault_names_the_request_id_only(capsys: pytest.CaptureFixture[str]) -> None:
    got = answer(endpoints.failing(KeyError("inner secret")), "GET", "/things")

    assert got["statusCode"] == 500
    assert REQUEST_ID in document(got)["detail"]
    assert "secret" not in got["body"]
    line = _line(capsys)
    assert line["level"] == "ERROR"
    assert "KeyError" in line["exception"]


def test_recursion_and_unserialisable_answers_are_faults_and_not_crashes() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]

    for reply in (deep, float("nan"), {"a": object()}, {1, 2}):
        assert answer(endpoints.answering(reply), "GET", "/things")["statusCode"] == 500
    while deep:
        deep = deep[0]  # type: ignore[assignment]


def test_errors_can_have_another_shape() -> None:
    invalid = endpoints.failing(errors.InvalidError("d"), render_problem=endpoints.as_ofrep)
    busy = endpoints.failing(errors.TooManyRequestsError("d", 3), render_problem=endpoints.as_ofrep)
    path = {"key": "flag"}

    refused = answer(invalid, "POST", "/ofrep/flag", path_parameters=path)
    delayed = answer(busy, "POST", "/ofrep/flag", path_parameters=path)

    assert (refused["statusCode"], document(refused)) == (400, {"key": "flag", "errorCode": "GENERAL"})
    assert refused["headers"]["Content-Type"] == "application/json"
    assert (delayed["statusCode"], delayed["headers"]["Retry-After"]) == (429, "3")


def test_every_answer_carries_time_id_and_security_headers() -> None:
    for handler in (
        endpoints.order,
        endpoints.failing(RuntimeError()),
        endpoints.failing(errors.NotFoundError("")),
    ):
        headers = answer(handler, "POST", "/orders", {})["headers"]

        assert float(headers["X-Process-Time"]) < 5
        assert "e" not in headers["X-Process-Time"]
        assert headers["X-Request-Id"] == REQUEST_ID
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Strict-Transport-Security"].startswith("max-age=")
        assert "default-src 'none'" in headers["Content-Security-Policy"]


def test_cacheable_answer_varies_by_credentials(as_user: Headers) -> None:
    path = {"experiment_id": "checkout"}

    got = answer(endpoints.parts, "GET", "/experiments/checkout", headers=as_user, path_parameters=path)

    assert got["headers"]["Cache-Control"] == "max-age=60"
    assert got["headers"]["Vary"].startswith("Authorization, Cookie")


def test_writes_are_not_stored() -> None:
    assert answer(endpoints.order, "POST", "/orders", {})["headers"]["Cache-Control"] == "no-store"


def test_public_page_does_not_vary() -> None:
    got = answer(endpoints.answering({}, cache="max-age=300"), "GET", "/page")

    assert got["headers"]["Cache-Control"] == "max-age=300"
    assert "Vary" not in got["headers"]


def test_reply_has_the_last_word() -> None:
    page = Reply("<p>", 202, {"Content-Type": "text/html", "Content-Security-Policy": "x"}, ["a=b"], raw=True)

    got = answer(endpoints.answering(page), "GET", "/page")

    assert (got["statusCode"], got["body"], got["cookies"]) == (202, "<p>", ["a=b"])
    assert got["headers"]["Content-Type"] == "text/html"
    assert got["headers"]["Content-Security-Policy"] == "x"


def test_bytes_travel_in_base64() -> None:
    got = answer(endpoints.answering(Reply(b"\x00\xff", raw=True)), "GET", "/file")

    assert got["isBase64Encoded"] is True
    assert base64.b64decode(got["body"]) == b"\x00\xff"


def test_status_204_has_no_body() -> None:
    got = answer(endpoints.answering(None, status=204), "DELETE", "/things/1")

    assert got["statusCode"] == 204
    assert "body" not in got


def test_text_keeps_its_characters_and_numbers_their_point() -> None:
    got = answer(endpoints.answering({"text": "é", "share": 10.0}), "GET", "/things")

    assert got["body"] == '{"text":"é","share":10.0}'


def test_one_line_a_request_with_route_status_time_id_and_actor(
    as_user: Headers, capsys: pytest.CaptureFixture[str]
) -> None:
    path = {"experiment_id": "checkout"}

    answer(endpoints.parts, "GET", "/experiments/checkout", headers=as_user, path_parameters=path)

    line = _line(capsys)
    assert line["route"] == "GET /experiments/{experiment_id}"
    assert (line["status"], line["request_id"], line["actor"]) == (200, REQUEST_ID, "person")
    assert line["milliseconds"] >= 0
    assert "ursula" not in json.dumps(line)
    assert "checkout" not in json.dumps(line)


def test_metrics_have_the_dimension_service_only(capsys: pytest.CaptureFixture[str]) -> None:
    answer(endpoints.failing(RuntimeError()), "GET", "/things")

    written = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    metrics = next(line for line in written if "_aws" in line)
    assert metrics["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["service"]]
    assert metrics["Faults"] == [1.0]
    assert "RequestMilliseconds" in metrics


def test_endpoint_shows_its_contract() -> None:
    assert (endpoints.order.rule, endpoints.order.status, endpoints.order.body_model) == (
        "anyone",
        201,
        endpoints.Order,
    )
    assert endpoints.order.body_required
    assert not endpoints.maybe.body_required
    assert endpoints.maybe.body_model is endpoints.Order
    assert endpoints.filtered.query_model is endpoints.Filter
    assert list(endpoints.parts.path_parameters) == ["experiment_id"]
    assert endpoints.parts.rule == "experiments:read"


def test_unknown_scope_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="no such scope"):
        endpoint(scope="experiments:delete")


def _line(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    written = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (line,) = [line for line in written if "_aws" not in line]
    found: dict[str, Any] = line
    return found
