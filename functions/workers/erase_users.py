"""Schedule - go on with the erasures whose traces are still in the tables."""

from collections.abc import Callable

from experimentation.storage import erasures
from experimentation.usecases.erasing import proceed
from experimentation.usecases.runtime import Runtime
from experimentation.web.scheduled import each_apart, scheduled

runtime = Runtime()


@scheduled
def handler(has_time: Callable[[], bool]) -> None:
    """Take every step that is due; what there is no time for waits for the next run."""
    each_apart(
        erasures.in_tables(),
        lambda erasure: proceed(erasure, runtime, has_time),
        has_time,
        "an erasure could not go on",
    )
