"""POST /experiments/{experiment_id}/exports - ask for a file with all rows."""

from experimentation.usecases.exporting_files import begin
from experimentation.web.endpoint import endpoint
from experimentation.web.principals import Principal, origin_of
from experimentation.web.request import Request
from experimentation.web.schemas.export import ExportFileAnswer, ExportFileIn
from experimentation.web.schemas.types import ExperimentId


@endpoint(scope="results:read", status=202)
def handler(
    experiment_id: ExperimentId, body: ExportFileIn, principal: Principal, request: Request, now: int
) -> ExportFileAnswer:
    """Answer how far the file is: a new one, unless one of the same rows and format is being written.

    A worker begins within a minute. The list has the progress, and the file's address once it is ready.
    """
    file = begin(experiment_id, body.rows, body.format, origin_of(request, principal, now))
    return ExportFileAnswer.of(file)
