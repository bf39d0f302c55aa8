"""Exports: pages of rows, and files with all rows."""

from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError

from experimentation.domain.clock import rfc3339, rfc3339_or_none
from experimentation.domain.results.export_file import ExportFile
from experimentation.domain.results.rows import Position
from experimentation.storage.assignments import PARTITIONS
from experimentation.web.paging import cursor_refused, decode_cursor
from experimentation.web.schemas.model import RequestModel, ResponseModel
from experimentation.web.schemas.types import Cursor, EventId, UserId

ADDRESS_SECONDS = 900


class CursorPosition(RequestModel):
    """The position in a cursor: it is not signed, so that a caller may have made it up."""

    partition: Annotated[int, Field(ge=0, lt=PARTITIONS)]
    user_id: UserId
    event_id: EventId | None


class ExportQuery(RequestModel):
    """Rows are events (users without one have one row) or users; an answer holds 5 MB at most."""

    format: Literal["csv", "ndjson", "parquet"] = "csv"
    rows: Literal["events", "users"] = "events"
    limit: Annotated[int, Field(ge=1, le=10_000)] = 1_000
    cursor: Cursor | None = None

    def position(self, purpose: str) -> Position | None:
        """Return the position in the cursor; InvalidError when it is not one of the export's."""
        if self.cursor is None:
            return None
        try:
            held = CursorPosition.model_validate(decode_cursor(self.cursor, purpose))
        except ValidationError as error:
            raise cursor_refused() from error
        return Position(held.partition, held.user_id, held.event_id)


class ExportFileIn(RequestModel):
    """Which rows go into the file, and how they are written."""

    rows: Literal["events", "users"] = "events"
    format: Literal["csv", "ndjson"] = "csv"


class ExportFileAnswer(ResponseModel):
    """The progress of a file with all rows, and its address once it is ready."""

    rows: Literal["events", "users"] = Field(description="What has a row: each event, or each user.")
    format: Literal["csv", "ndjson"] = Field(description="How the rows are written.")
    state: Literal["waiting", "writing", "ready"] = Field(
        description="`waiting` until a worker begins, within a minute; `ready` once it can be read."
    )
    progress_percent: int = Field(description="Share of the users that is written, 0 to 100.")
    rows_written: int = Field(description="Rows in the parts that are written.")
    bytes_written: int = Field(description="Bytes in those parts; the file's size once it is ready.")
    started_at: str = Field(description="When it was asked for (RFC 3339, UTC).")
    ready_at: str | None = Field(description="When it got ready (RFC 3339, UTC); null before.")
    complete_from: str | None = Field(
        description="From when on no event is missing (RFC 3339, UTC); null for `users`, null before."
    )
    expires_at: str = Field(description="Until when it is listed, a day after the start (RFC 3339, UTC).")
    url: str | None = Field(
        description="Where anybody can read the file, for 15 minutes; null until it is ready."
    )
    url_expires_at: str | None = Field(
        description="Until when `url` works (RFC 3339, UTC); null without one."
    )

    @classmethod
    def of(cls, file: ExportFile, address: str | None = None, now: int = 0) -> Self:
        """Return the answer about a file; `address`, signed at `now`, is of one that is ready."""
        partitions_read = file.after.partition if file.after else 0
        done = PARTITIONS if file.is_whole else partitions_read
        return cls(
            rows=file.rows,
            format=file.form,
            state="ready" if file.ready_at else "writing" if file.upload_id else "waiting",
            progress_percent=done * 100 // PARTITIONS,
            rows_written=file.rows_written,
            bytes_written=file.bytes_written,
            started_at=rfc3339(file.started_at),
            ready_at=rfc3339_or_none(file.ready_at),
            complete_from=rfc3339_or_none(file.complete_from),
            expires_at=rfc3339(file.expires_at),
            url=address,
            url_expires_at=None if address is None else rfc3339(now + ADDRESS_SECONDS * 1000),
        )


class ExportFilesAnswer(ResponseModel):
    """The files of an experiment."""

    exports: list[ExportFileAnswer] = Field(description="By kind of rows, then format.")
