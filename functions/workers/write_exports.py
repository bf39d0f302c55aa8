"""Schedule - write the files that hold all rows of an experiment."""

from collections.abc import Callable, Sequence

from experimentation.domain.results.export_file import Form
from experimentation.domain.results.rows import Column, Row
from experimentation.storage import export_files
from experimentation.usecases.exporting_files import proceed
from experimentation.usecases.runtime import Runtime
from experimentation.web.rows_text import KINDS, csv_text, ndjson_text
from experimentation.web.scheduled import each_apart, scheduled

runtime = Runtime()

MOST_RUNS = 2  # at once, though one starts every minute: a new account may run ten functions in all


@scheduled
def handler(has_time: Callable[[], bool]) -> None:
    """Write the files one by one; those of another run, or without time left, wait for the next run."""
    now = runtime.clock()
    waiting = export_files.unfinished(now)
    if sum(file.busy_until > now for file in waiting) < MOST_RUNS:
        each_apart(
            waiting,
            lambda file: proceed(file, text_of, KINDS[file.form], runtime, has_time),
            has_time,
            "an export could not go on",
        )


def text_of(form: Form, columns: Sequence[Column], rows: Sequence[Row], is_first: bool) -> str:
    """Return the rows as text; only the first ones have a header."""
    return ndjson_text(columns, rows) if form == "ndjson" else csv_text(columns, rows, header=is_first)
