"""Schedule - take the looks that are due, so that a verdict, once reached, stands."""

from collections.abc import Callable

from experimentation import telemetry
from experimentation.clock import wall_clock
from experimentation.domain.clock import DAY_MS
from experimentation.storage import experiments, retention
from experimentation.usecases.tending import CATCH_UP_DAYS, take_due_look
from experimentation.web.scheduled import scheduled


@scheduled
def handler(has_time: Callable[[], bool]) -> None:
    """Tend what runs and what ended lately; what there is no time for waits for the next run."""
    now = wall_clock()
    retention.note(now)
    fault: Exception | None = None
    for experiment_id in experiments.tended(now - CATCH_UP_DAYS * DAY_MS):
        if not has_time():
            break
        try:
            look = take_due_look(experiments.read(experiment_id, consistent=True), now)
        except Exception as error:  # noqa: BLE001 - the worker's edge: one experiment must not stop the others
            telemetry.logger.exception("an experiment could not be tended")
            fault = error
        else:
            telemetry.count("LooksTaken", look is not None)
    if fault is not None:
        raise fault
