"""POST /experiments/{experiment_id}/assignments/import - store assignments that were made elsewhere."""

from experimentation.storage import experiments
from experimentation.usecases.importing import Row, import_rows
from experimentation.usecases.runtime import Runtime
from experimentation.web.endpoint import endpoint
from experimentation.web.schemas.assignment_import import ImportRequest, ImportResult
from experimentation.web.schemas.types import ExperimentId

runtime = Runtime()
WRITING_MS = 20_000  # of the function's 29 s: the rest lets the last transaction finish


@endpoint(scope="experiments:write")
def handler(experiment_id: ExperimentId, body: ImportRequest, now: int) -> ImportResult:
    """Answer the outcome of each row; send rows that say "again" once more."""
    experiment = experiments.read(experiment_id, consistent=True)
    rows = [Row(each.user_id, each.variant, each.assigned_at, each.context) for each in body.assignments]
    placed = import_rows(experiment, rows, runtime, lambda: runtime.clock() - now < WRITING_MS)
    return ImportResult.of(experiment_id, [row.user_id for row in rows], placed)
