"""What AWS's refusals become."""

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError

from experimentation.domain.errors import NotFoundError, UnavailableError
from experimentation.storage.aws.failures import (
    cancellation_reasons,
    condition_failed,
    error_code,
    translated,
)


def refused(code: str, **answer: object) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}, **answer}, "PutItem")  # type: ignore[typeddict-item]


@pytest.mark.parametrize(
    "error",
    [
        refused("ProvisionedThroughputExceededException"),
        refused("ThrottlingException"),
        refused("InternalServerError"),
        refused("TransactionInProgressException"),
        refused("SlowDown"),
        ConnectTimeoutError(endpoint_url="http://x"),
        ReadTimeoutError(endpoint_url="http://x"),
        EndpointConnectionError(endpoint_url="http://x"),
        ResponseParserError("not what the protocol says"),
    ],
    ids=lambda error: type(error).__name__ if not isinstance(error, ClientError) else error_code(error),
)
def test_what_passes_by_itself_is_unavailable(error: Exception) -> None:
    with pytest.raises(UnavailableError) as caught, translated():
        raise error

    assert caught.value.__cause__ is error


@pytest.mark.parametrize(
    "error",
    [
        refused("AccessDeniedException"),
        refused("ValidationException"),
        refused("ConditionalCheckFailedException"),
        refused("TransactionCanceledException", CancellationReasons=[{"Code": "TransactionConflict"}]),
        NotFoundError("nothing"),
        KeyError("a defect"),
    ],
    ids=lambda error: type(error).__name__ if not isinstance(error, ClientError) else error_code(error),
)
def test_anything_else_passes_through(error: Exception) -> None:
    with pytest.raises(type(error)) as caught, translated():
        raise error

    assert caught.value is error


def test_success_passes_through() -> None:
    @translated()
    def answer() -> int:
        return 42

    assert answer() == 42
    assert answer() == 42


def test_a_cancelled_transaction_says_why_per_action() -> None:
    reasons = [{"Code": "None"}, {"Code": "ConditionalCheckFailed", "Message": "no"}, {}]

    found = cancellation_reasons(refused("TransactionCanceledException", CancellationReasons=reasons))

    assert found == ["None", "ConditionalCheckFailed", "None"]


def test_another_error_has_no_reasons() -> None:
    assert cancellation_reasons(refused("ValidationException")) == []


def test_a_failed_condition_is_recognised() -> None:
    assert condition_failed(refused("ConditionalCheckFailedException"))
    assert not condition_failed(refused("ValidationException"))
