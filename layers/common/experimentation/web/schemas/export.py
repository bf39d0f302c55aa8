"""What to export, in which form, and where to go on."""

from typing import Annotated, Literal

from pydantic import Field

from experimentation.web.schemas.model import RequestModel
from experimentation.web.schemas.types import Cursor


class ExportQuery(RequestModel):
    """Rows are events (users without one have one row) or users; an answer holds 5 MB at most."""

    format: Literal["csv", "ndjson", "parquet"] = "csv"
    rows: Literal["events", "users"] = "events"
    limit: Annotated[int, Field(ge=1, le=10_000)] = 1_000
    cursor: Cursor | None = None
