"""Schedule - start, ramp and end experiments that are due, take looks, pause harmful ones, send the facts."""

import random
from collections.abc import Callable
from typing import Any

from experimentation import telemetry
from experimentation.clock import wall_clock
from experimentation.domain.clock import DAY_MS
from experimentation.storage import experiments, retention
from experimentation.usecases.guarding import guard
from experimentation.usecases.telling import tell
from experimentation.usecases.tending import CATCH_UP_DAYS, keep_schedule, take_due_look
from experimentation.web.scheduled import each_apart, scheduled


@scheduled
def handler(has_time: Callable[[], bool]) -> dict[str, Any]:
    """Tend the experiments that run, are to start or ended lately.

    In random order, so that a run without time for all of them does not leave out the same ones each time.
    """
    now = wall_clock()
    retention.note(now)
    tended = experiments.tended(now - CATCH_UP_DAYS * DAY_MS, starts_by=now)
    try:
        each_apart(random.sample(tended, len(tended)), _tend, has_time, "an experiment could not be tended")
    finally:  # one experiment's failure must not hold up the facts of the others
        told = tell(has_time)
    return {"told": [fact.sentence for fact in told]}


def _tend(experiment_id: str) -> None:
    experiment = experiments.read(experiment_id, consistent=True)
    try:
        experiment = keep_schedule(experiment, wall_clock)
        look = take_due_look(experiment, wall_clock())
        telemetry.count("LooksTaken", look is not None)
    finally:  # an error in its schedule or results must not stop the search for harm
        guard(experiment, wall_clock)
