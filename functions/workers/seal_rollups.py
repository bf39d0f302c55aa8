"""Schedule - seal the counters of days that are over, so that results stay cheap to read."""

from collections.abc import Callable

from experimentation import telemetry
from experimentation.clock import wall_clock
from experimentation.storage import experiments
from experimentation.usecases.sealing import seal
from experimentation.web.scheduled import scheduled


@scheduled
def handler(has_time: Callable[[], bool]) -> None:
    """Seal every experiment that has started; what there is no time for waits for the next run."""
    now = wall_clock()
    for experiment_id in experiments.started():
        sealed = seal(experiments.read(experiment_id, consistent=True), now, has_time)
        telemetry.count("RollupKeysSealed", sealed.keys)
        telemetry.count("RollupKeysContested", sealed.contested)
        if not sealed.finished:
            return
