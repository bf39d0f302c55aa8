"""What AWS's refusals mean: the one place that knows botocore's error codes."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import ClientError, ConnectionError, HTTPClientError  # noqa: A004
from botocore.parsers import ResponseParserError

from experimentation.domain.errors import UnavailableError

BUSY = frozenset(
    {
        "InternalError",
        "InternalFailure",
        "InternalServerError",
        "KMSThrottlingException",
        "LimitExceededException",
        "OverLimit",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestTimeout",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "SlowDown",
        "Throttled",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionConflictException",
        "TransactionInProgressException",
    }
)


@contextmanager
def translated() -> Iterator[None]:
    """Raise UnavailableError for what is transient: throttling, time-outs, lost connections.

    A cancelled transaction passes through: storage/aws/transactions.py says what it means.
    """
    try:
        yield
    except (ConnectionError, HTTPClientError, ResponseParserError) as error:
        raise UnavailableError("The store does not answer; try again.") from error
    except ClientError as error:
        if error_code(error) in BUSY:
            raise UnavailableError("The store is busy; try again.") from error
        raise


def error_code(error: ClientError) -> str:
    """Return the service's code for the error."""
    return error.response.get("Error", {}).get("Code", "")


def condition_failed(error: ClientError) -> bool:
    """Tell whether a single write met a condition that does not hold."""
    return error_code(error) == "ConditionalCheckFailedException"


def cancellation_reasons(error: ClientError) -> list[str]:
    """Return a cancelled transaction's reason per action, "None" where it was not at fault; else nothing.

    DynamoDB lists them in the order of the actions: API_TransactWriteItems, CancellationReasons.
    """
    if error_code(error) != "TransactionCanceledException":
        return []
    return [reason.get("Code", "None") for reason in error.response.get("CancellationReasons", [])]
