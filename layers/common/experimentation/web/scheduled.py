"""The edge of functions that run on a schedule."""

from collections.abc import Callable, Iterable
from typing import Any

from experimentation import telemetry
from experimentation.web.queue_worker import LambdaContext, time_left

type Work = Callable[[Callable[[], bool]], dict[str, Any] | None]
"""Whether there is time for another piece of work -> what was done, for a person who invokes it by hand."""


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


def each_apart[Item](
    items: Iterable[Item], work: Callable[[Item], object], has_time: Callable[[], bool], complaint: str
) -> None:
    """Work on the items one by one while there is time; log errors, and raise the last one at the end."""
    fault: Exception | None = None
    for item in items:
        if not has_time():
            break
        try:
            work(item)
        except Exception as error:  # noqa: BLE001 - the workers' edge: one item must not stop the others
            telemetry.logger.exception(complaint)
            fault = error
    if fault is not None:
        raise fault
