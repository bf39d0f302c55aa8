"""Schedule - rewrite the archive's objects that hold lines of erased users, old versions too."""

from collections.abc import Callable

from experimentation import settings, telemetry
from experimentation.clock import wall_clock
from experimentation.usecases.archiving import rewrite
from experimentation.web.scheduled import scheduled


@scheduled
def handler(has_time: Callable[[], bool]) -> None:
    """Rewrite the objects of users erased lately, as far as the time allows; the next run goes on."""
    telemetry.count("ObjectsRewritten", rewrite(wall_clock, has_time, settings.retention_days()))
