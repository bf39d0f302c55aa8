"""Schedule - seal the counters of past days, so that results stay cheap to read."""

from collections.abc import Callable

from experimentation import settings, telemetry
from experimentation.clock import wall_clock
from experimentation.domain.clock import DAY_MS
from experimentation.storage import experiments
from experimentation.usecases.sealing import seal
from experimentation.web.scheduled import scheduled

LATEST_DAYS = 30  # after the retention: by then, events from queues and dead letters are counted


@scheduled
def handler(has_time: Callable[[], bool]) -> None:
    """Seal every experiment that can still change, as far as the time allows; the next run goes on."""
    now = wall_clock()
    unchanging = now - (settings.retention_days() + LATEST_DAYS) * DAY_MS
    for experiment_id in experiments.tended(unchanging):
        if not has_time():
            return
        sealed = seal(experiments.read(experiment_id, consistent=True), now, has_time)
        telemetry.count("RollupKeysSealed", sealed.keys)
        telemetry.count("RollupKeysContested", sealed.contested)
        if not sealed.finished:
            return
