"""Schedule - continue the erasures that are not through with the tables."""

from collections.abc import Callable

from experimentation.storage import erasures
from experimentation.usecases.erasing import proceed
from experimentation.usecases.runtime import Runtime
from experimentation.web.scheduled import each_apart, scheduled

runtime = Runtime()


@scheduled
def handler(has_time: Callable[[], bool]) -> None:
    """Take every step that is due, as far as the time allows; the next run takes the others."""
    each_apart(
        erasures.in_tables(),
        lambda erasure: proceed(erasure, runtime, has_time),
        has_time,
        "an erasure could not go on",
    )
