"""POST /experiments/{experiment_id}/assignments/import - store assignments that were made elsewhere."""

from experimentation.storage import experiments
from experimentation.usecases.importing import Row, import_rows
from experimentation.usecases.runtime import Runtime
from experimentation.web.endpoint import endpoint
from experimentation.web.schemas.assignment_import import ImportRequest, ImportResult
from experimentation.web.schemas.types import ExperimentId

runtime = Runtime()


@endpoint(scope="experiments:write")
def handler(experiment_id: ExperimentId, body: ImportRequest) -> ImportResult:
    """Answer per row whether it was stored or was there already."""
    experiment = experiments.read(experiment_id, consistent=True)
    rows = [Row(each.user_id, each.variant, each.assigned_at, each.context) for each in body.assignments]
    outcome = import_rows(experiment, rows, runtime)
    return ImportResult(
        experiment_id=experiment_id,
        stored=outcome.count("stored"),
        already_there=outcome.count("already_there"),
        assignments=[
            {"user_id": row.user_id, "status": status} for row, status in zip(rows, outcome, strict=True)
        ],
    )
