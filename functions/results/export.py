"""GET /experiments/{experiment_id}/results/export - the raw rows behind the results, page by page."""

from urllib.parse import quote, urlencode

from experimentation.domain.clock import rfc3339
from experimentation.domain.results.rows import Column, columns_of
from experimentation.storage import experiments, retention
from experimentation.usecases.exporting import Page, export, require_ledgers
from experimentation.usecases.runtime import Runtime
from experimentation.web import rows_text
from experimentation.web.endpoint import endpoint
from experimentation.web.paging import encode_cursor
from experimentation.web.reply import Reply
from experimentation.web.rows_text import csv_text, ndjson_text
from experimentation.web.schemas.export import ExportQuery
from experimentation.web.schemas.types import ExperimentId

runtime = Runtime()

READING_MS = 20_000  # of the gateway's 30 s; the rest is for writing the page
KINDS = rows_text.KINDS | {"parquet": "application/vnd.apache.parquet"}


@endpoint(scope="results:read")
def handler(experiment_id: ExperimentId, query: ExportQuery, now: int) -> Reply:
    """Answer one page; the next one's address is in the headers Link and X-Next-Cursor.

    Events expire: X-Complete-From is the time from which on no row of `rows=events` is missing.
    """
    experiment = experiments.read(experiment_id, consistent=True)
    purpose = f"export:{experiment_id}:{query.rows}"
    after = query.position(purpose)
    columns = columns_of(experiment, query.rows)
    kept_from = retention.current().kept_from(now)
    if query.rows == "users":
        require_ledgers(experiment, kept_from)
    page = export(
        experiment, query.rows, query.limit, after, runtime, lambda: runtime.clock() - now < READING_MS
    )
    headers = {
        "Content-Type": KINDS[query.format],
        "Content-Disposition": f'attachment; filename="{experiment_id}-{query.rows}.{query.format}"',
    }
    if query.rows == "events":
        headers["X-Complete-From"] = rfc3339(max(kept_from, 0))
    if page.last is not None:
        cursor = encode_cursor(page.last._asdict(), purpose)
        headers |= {
            "X-Next-Cursor": cursor,
            "Link": f'<{_address(experiment_id, query, cursor)}>; rel="next"',
        }
    return Reply(_content(query.format, columns, page), headers=headers, raw=True)


def _content(form: str, columns: tuple[Column, ...], page: Page) -> str | bytes:
    if form == "csv":
        return csv_text(columns, page.rows)
    if form == "ndjson":
        return ndjson_text(columns, page.rows)
    from experimentation.web.rows_parquet import parquet_bytes  # noqa: PLC0415 - in the export's layer only

    return parquet_bytes(columns, page.rows)


def _address(experiment_id: str, query: ExportQuery, cursor: str) -> str:
    parameters = {"format": query.format, "rows": query.rows, "limit": query.limit, "cursor": cursor}
    return f"/experiments/{quote(experiment_id)}/results/export?{urlencode(parameters)}"
