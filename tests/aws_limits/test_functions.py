"""Payloads of 6 MB and 29 seconds: the limits bite at one more, and on what the local gateway really says."""

import json

import pytest

from local.paths import TEMPLATE
from local.payload import MalformedAnswerError, answer
from local.pool import InvocationTimeoutError
from local.template import read_template
from tests.aws_limits.functions import invocation_violations, log_violations
from tests.aws_limits.limits import FUNCTION_SECONDS

MOST = 6 * 1024 * 1024


def payload(size: int) -> dict[str, str]:
    return {"body": "x" * (size - len(json.dumps({"body": ""})))}


def test_six_megabytes_are_the_most_of_a_request_and_of_an_answer() -> None:
    assert invocation_violations(payload(MOST), payload(MOST)) == []
    assert len(invocation_violations(payload(MOST + 1), payload(MOST))) == 1
    assert len(invocation_violations(payload(MOST), payload(MOST + 1))) == 1


def test_an_answer_that_the_gateway_finds_too_long_is_seen_in_its_log() -> None:
    with pytest.raises(MalformedAnswerError) as refused:
        answer({"statusCode": 200, **payload(MOST + 1)})

    line = f"10:00:00 500 GET    /x 5 ms - {refused.value}\n"

    assert log_violations([line, "10:00:00 200 GET    /x 5 ms\n"]) == [line]


@pytest.mark.parametrize(("seconds", "seen"), [(FUNCTION_SECONDS - 1, 0), (FUNCTION_SECONDS, 1)])
def test_a_function_that_was_given_up_after_29_seconds_is_seen_in_the_log(seconds: int, seen: int) -> None:
    error = InvocationTimeoutError(f"ResultsReadFunction ran for {seconds} s")

    assert len(log_violations([f"10:00:00 503 GET    /x 5 ms - {error}\n"])) == seen


def test_every_function_behind_a_route_gives_up_before_the_gateway_does() -> None:
    routed = [function for function in read_template(TEMPLATE).functions if function.routes]

    assert routed
    assert {function.name for function in routed if function.timeout_seconds > FUNCTION_SECONDS} == set()
