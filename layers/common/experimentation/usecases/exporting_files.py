"""Writing all rows of an experiment into one file, part by part, by as many runs as that takes."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import batched

from experimentation.domain.errors import ConflictError, UnavailableError
from experimentation.domain.experiment import Status
from experimentation.domain.results.export_file import ExportFile, Form
from experimentation.domain.results.rows import Column, Position, Row, Rows, columns_of
from experimentation.storage import experiments, export_files, retention, uploads
from experimentation.storage.access import audit
from experimentation.storage.access.audit import Deed, Origin
from experimentation.storage.aws.transactions import CancelledError, commit
from experimentation.usecases.exporting import every_row, require_ledgers
from experimentation.usecases.runtime import Runtime

PART_BYTES = 8 * 1024 * 1024  # S3 takes 5 MB at least, but for the last, and 10,000 parts
ROWS_AT_ONCE = 1_000
RUN_MS = 900_000  # the worker's time-out in the template: after it nobody is writing any more

type TextOf = Callable[[Form, Sequence[Column], Sequence[Row], bool], str]
"""The text of some rows of a form, and whether they are the file's first."""


def begin(experiment_id: str, rows: Rows, form: Form, origin: Origin) -> ExportFile:
    """Return the new file, or the one of its kind that is being written already."""
    experiment = experiments.read(experiment_id, consistent=True)
    if experiment.status is Status.DRAFT:
        raise ConflictError("A draft has no rows.")
    if rows == "users":
        require_ledgers(experiment, retention.current().kept_from(origin.now))
    metrics = tuple(metric.key for metric in experiment.metrics)
    # A step that no earlier file of this kind reaches: the condition of a late runner of that file must fail.
    file = ExportFile(experiment_id, rows, form, origin.now, step=origin.now, metrics=metrics)
    record = audit.writing(Deed.ROWS_EXPORTED, origin, experiment_id, f"{rows}, {form}")
    try:
        commit([export_files.begin(file), record])
    except CancelledError as cancelled:
        if not cancelled.condition_failed(0):
            raise UnavailableError("The store is busy; try again.") from cancelled
        known = export_files.of_experiment(experiment_id, origin.now)
        return next(each for each in known if (each.rows, each.form) == (rows, form))
    return file


def proceed(
    file: ExportFile, text_of: TextOf, kind: str, runtime: Runtime, has_time: Callable[[], bool]
) -> None:
    """Write parts while there is time; rows that fill no part yet are read again by the next run.

    A run that dies keeps the file until the worker's time-out: before that it may still be writing.
    """
    now = runtime.clock()
    if file.busy_until > now:
        return
    try:
        file = export_files.advance(file, busy_until=now + RUN_MS)
    except CancelledError:  # another run has just taken it
        return
    if not file.is_whole:
        upload_id = file.upload_id or uploads.begin(file.key, file.name, kind)
        file = _write(replace(file, upload_id=upload_id), text_of, runtime, has_time)
    if not file.is_whole:
        export_files.advance(file, busy_until=0)
        return
    uploads.finish(file.key, file.upload_id, file.parts)
    ready_at = runtime.clock()
    complete_from = max(retention.current().kept_from(ready_at), 0) if file.rows == "events" else None
    export_files.advance(file, ready_at=ready_at, complete_from=complete_from)


def _write(file: ExportFile, text_of: TextOf, runtime: Runtime, has_time: Callable[[], bool]) -> ExportFile:
    """Upload parts while there is time, and return how far the file is."""
    experiment = file.shown(experiments.read(file.experiment_id, consistent=True))
    columns = columns_of(experiment, file.rows)
    part = bytearray() if file.parts else bytearray(text_of(file.form, columns, (), True).encode())
    count = 0
    rows = every_row(experiment, file.rows, file.after, runtime)
    for batch in batched(rows, ROWS_AT_ONCE, strict=False):
        part += text_of(file.form, columns, [each.row for each in batch], False).encode()
        count += len(batch)
        if len(part) >= PART_BYTES:
            file = _uploaded(file, part, count, after=batch[-1].position)
            part, count = bytearray(), 0
        if not has_time():
            return file
    if part or not file.parts:
        return _uploaded(file, part, count, after=None)
    return export_files.advance(file, after=None)


def _uploaded(file: ExportFile, part: bytearray, rows: int, after: Position | None) -> ExportFile:
    number = file.parts + 1
    uploads.put_part(file.key, file.upload_id, number, bytes(part))
    return export_files.advance(
        file,
        parts=number,
        after=after,
        rows_written=file.rows_written + rows,
        bytes_written=file.bytes_written + len(part),
    )
