"""GET /experiments/{experiment_id}/exports - the files with all rows: how far they are, and where."""

from experimentation.domain.results.export_file import ExportFile
from experimentation.storage import experiments, export_files, uploads
from experimentation.web.endpoint import endpoint
from experimentation.web.schemas.export import ADDRESS_SECONDS, ExportFileAnswer, ExportFilesAnswer
from experimentation.web.schemas.types import ExperimentId


@endpoint(scope="results:read")
def handler(experiment_id: ExperimentId, now: int) -> ExportFilesAnswer:
    """Return the files that were asked for within a day, at most one of each kind of rows and format.

    The address of a finished file needs no credentials and is good for 15 minutes; ask again for another.
    """
    files = export_files.of_experiment(experiment_id, now)
    if not files:
        experiments.read(experiment_id)  # 404: a client that misspelt the id would poll for ever
    return ExportFilesAnswer(exports=[ExportFileAnswer.of(file, _address(file), now) for file in files])


def _address(file: ExportFile) -> str | None:
    return uploads.address(file.key, ADDRESS_SECONDS) if file.ready_at else None
