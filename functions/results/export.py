"""GET /experiments/{experiment_id}/results/export - the raw rows behind the results, page by page."""

from re import fullmatch
from urllib.parse import quote, urlencode

from experimentation.clock import wall_clock
from experimentation.domain.clock import rfc3339
from experimentation.domain.errors import FieldError, InvalidError
from experimentation.domain.results.rows import Column, Position, columns_of
from experimentation.storage import experiments, retention
from experimentation.storage.assignments import PARTITIONS
from experimentation.usecases.exporting import Page, export, require_ledgers
from experimentation.web import rows_text
from experimentation.web.endpoint import endpoint
from experimentation.web.paging import decode_cursor, encode_cursor
from experimentation.web.reply import Reply
from experimentation.web.rows_text import csv_text, ndjson_text
from experimentation.web.schemas.export import ExportQuery
from experimentation.web.schemas.types import EVENT_ID, LONGEST_USER_ID, ExperimentId

READING_MS = 20_000  # of the gateway's 30 s; the rest is for writing the page
KINDS = rows_text.KINDS | {"parquet": "application/vnd.apache.parquet"}


@endpoint(scope="results:read")
def handler(experiment_id: ExperimentId, query: ExportQuery, now: int) -> Reply:
    """Answer one page; the next one's address is in the headers Link and X-Next-Cursor.

    Events expire: X-Complete-From is the time from which on no row of `rows=events` is missing.
    """
    experiment = experiments.read(experiment_id, consistent=True)
    purpose = f"export:{experiment_id}:{query.rows}"
    after = None if query.cursor is None else _position(decode_cursor(query.cursor, purpose))
    columns = columns_of(experiment, query.rows)
    kept_from = retention.current().kept_from(now)
    if query.rows == "users":
        require_ledgers(experiment, kept_from)
    page = export(experiment, query.rows, query.limit, after, lambda: wall_clock() - now < READING_MS)
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
    asked = {"format": query.format, "rows": query.rows, "limit": query.limit, "cursor": cursor}
    return f"/experiments/{quote(experiment_id)}/results/export?{urlencode(asked)}"


def _position(decoded: dict[str, object]) -> Position:
    partition, user_id, event_id = (decoded.get(name) for name in Position._fields)
    if (
        decoded.keys() == set(Position._fields)
        and isinstance(partition, int)
        and 0 <= partition < PARTITIONS
        and isinstance(user_id, str)
        and 0 < len(user_id.encode(errors="replace")) <= LONGEST_USER_ID
        and (event_id is None or (isinstance(event_id, str) and fullmatch(EVENT_ID, event_id)))
    ):
        return Position(partition, user_id, event_id)
    raise InvalidError(
        "The cursor is not of this list: start again without one.",
        [FieldError("/cursor", "is not the next_cursor of this list")],
    )
