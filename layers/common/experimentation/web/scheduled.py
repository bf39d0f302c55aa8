"""The edge of functions that run on a schedule."""

from collections.abc import Callable
from typing import Any

from experimentation import telemetry
from experimentation.web.queue_worker import LambdaContext, time_left

type Work = Callable[[Callable[[], bool]], dict[str, Any] | None]
"""Whether there is time for another piece of work -> what was done, for whoever invoked it by hand."""


def scheduled(work: Work) -> Callable[[object, LambdaContext], dict[str, Any]]:
    """Turn a function into the handler of a schedule."""

    def handler(_event: object, context: LambdaContext) -> dict[str, Any]:
        try:
            done = work(time_left(context))
            telemetry.logger.info("schedule")
        finally:
            telemetry.flush()
        return done or {}

    return handler
