"""GET /experiments/{experiment_id}/history - list who changed what, newest first."""

from experimentation.domain.clock import rfc3339
from experimentation.domain.errors import NotFoundError
from experimentation.storage import history
from experimentation.web.endpoint import endpoint
from experimentation.web.listing import next_cursor, start_of
from experimentation.web.schemas.experiments import HistoryList
from experimentation.web.schemas.types import ExperimentId


@endpoint(scope="experiments:read")
def handler(experiment_id: ExperimentId, query: HistoryList) -> dict[str, object]:
    """Return one page; a deleted draft's history can still be read."""
    purpose = f"history:{experiment_id}"
    page = history.list_page(experiment_id, query.limit, start_of(query.cursor, purpose))
    if not page.entries and query.cursor is None:
        raise NotFoundError(f"There is no experiment {experiment_id}.")
    entries = [_shown(entry) for entry in page.entries]
    return {"history": entries, "next_cursor": next_cursor(page.next_start, purpose)}


def _shown(entry: history.Entry) -> dict[str, object]:
    return {
        "at": rfc3339(entry.at),
        "version": entry.version,
        "actor": entry.actor,
        "action": entry.action,
        "changes": [{"field": field, "from": before, "to": after} for field, before, after in entry.changes],
        "reason": entry.reason,
        "figures": entry.figures,
    }
