"""Schedule - go on with the erasures whose traces are still in the tables."""

from collections.abc import Callable

from experimentation import telemetry
from experimentation.storage import erasures
from experimentation.usecases.erasing import proceed
from experimentation.usecases.runtime import Runtime
from experimentation.web.scheduled import scheduled

runtime = Runtime()


@scheduled
def handler(has_time: Callable[[], bool]) -> None:
    """Take every step that is due; what there is no time for waits for the next run."""
    fault: Exception | None = None
    for erasure in erasures.in_tables():
        if not has_time():
            break
        try:
            proceed(erasure, runtime, has_time)
        except Exception as error:  # noqa: BLE001 - the worker's edge: one erasure must not stop the others
            telemetry.logger.exception("an erasure could not go on")
            fault = error
    if fault is not None:
        raise fault
