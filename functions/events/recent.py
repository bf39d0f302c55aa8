"""GET /events/recent - the newest events and exposures of everybody, once they are in the archive."""

from collections.abc import Callable

from experimentation.storage import archive, experiments
from experimentation.usecases import tailing
from experimentation.usecases.runtime import Runtime
from experimentation.usecases.tailing import Row
from experimentation.web.endpoint import endpoint
from experimentation.web.schemas.stored_events import RecentQuery

runtime = Runtime()


@endpoint(scope="events:read")
def handler(query: RecentQuery) -> dict[str, object]:
    """Answer what was received since yesterday, 00:00 UTC, newest first.

    It is a minute late: the archive gathers records for that long before it writes an object. Under heavy
    traffic it is a sample, as `sampled` says. Nothing is stored for this: only reading it costs.
    """
    is_wanted = _filter(query.experiment_id)
    now = runtime.clock()
    events = tailing.newest(archive.EVENTS, query.limit, now, is_wanted)
    exposures = tailing.newest(archive.EXPOSURES, query.limit, now, is_wanted)
    pseudonyms = runtime.pseudonyms.read(now)
    return {
        "events": tailing.without_erased(events.rows, pseudonyms),
        "exposures": tailing.without_erased(exposures.rows, pseudonyms),
        "sampled": events.is_sample or exposures.is_sample,
    }


def _filter(experiment_id: str | None) -> Callable[[Row], bool]:
    if experiment_id is None:
        return lambda _: True
    types = {metric.event_type for metric in experiments.read(experiment_id).metrics}
    return lambda row: row["type"] in types if "type" in row else row["experiment_id"] == experiment_id
