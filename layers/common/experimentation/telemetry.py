"""One structured line a request, and counters in CloudWatch's embedded format; no bodies and no secrets."""

import logging
import sys
from typing import TextIO

from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import AmazonCloudWatchEMFProvider


class _StandardOutput(logging.StreamHandler[TextIO]):
    """Writes to sys.stdout as it is at the time of the line, not of the import."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        return sys.stdout


logger = Logger(logger_handler=_StandardOutput(), log_uncaught_exceptions=True, location=None)
metrics = AmazonCloudWatchEMFProvider()


def count(name: str, n: float = 1) -> None:
    """Add to a counter; it is written when the request or the batch ends."""
    metrics.add_metric(name=name, unit="Count", value=n)


def duration(name: str, milliseconds: float) -> None:
    """Add one measured time."""
    metrics.add_metric(name=name, unit="Milliseconds", value=milliseconds)


def flush() -> None:
    """Write the counters, if there are any."""
    if metrics.metric_set:
        metrics.flush_metrics()


def request_line(
    *,
    route: str,
    status: int,
    milliseconds: float,
    request_id: str,
    actor: str,
    fault: BaseException | None,
    cause: BaseException | None,
) -> None:
    """Write the line of one request and its metrics.

    `fault` adds the traceback of an internal error, `cause` the reason why a dependency did not answer.
    """
    fields: dict[str, object] = {
        "route": route,
        "status": status,
        "milliseconds": round(milliseconds, 1),
        "request_id": request_id,
        "actor": actor,
    }
    if fault is not None:
        logger.error("request", extra=fields, exc_info=fault)
    elif cause is not None:
        logger.warning("request", extra=fields | {"cause": f"{type(cause).__name__}: {cause}"})
    else:
        logger.info("request", extra=fields)
    count("Requests")
    duration("RequestMilliseconds", milliseconds)
    if status >= 500:
        count("Faults")
    elif status == 401:
        count("Unauthenticated")
    flush()
