"""Rows as text that other programs read: comma-separated values, and newline-delimited JSON."""

import csv
import io
import json
import re
from collections.abc import Iterable, Sequence

from experimentation.domain.clock import rfc3339
from experimentation.domain.results.rows import Cell, Column, Content, Row

KINDS = {
    "csv": "text/csv; charset=utf-8; header=present",
    "ndjson": "application/x-ndjson",
}
"""The media type of each form."""
FORMULA = re.compile(
    r"(?<![^;|\t\r\n])"
    r"(?=[\t\n\v\f\r\x1c-\x20\x85\xa0\xad\u1680\u2000-\u200f\u2028-\u202f\u205f-\u2064\u3000\ufeff]*"
    r"[=+\-@\uff1d\uff0b\uff0d\uff20]|')"
)
"""Where a spreadsheet may start a formula, whatever separates its cells; or where our own mark ' is."""


def csv_text(columns: Sequence[Column], rows: Iterable[Row], *, header: bool = True) -> str:
    """Return RFC 4180 text, by default with a header line; a missing value is an empty field.

    Each part of a text, between `;`, `|`, tabs and line breaks, that a spreadsheet would take for a formula
    gets a leading apostrophe, and so does a part that begins with one: removing one leading apostrophe from
    every part restores the text. Numbers stay. console/csv.js has the same rule; it lists the blanks one by
    one because languages differ in what they count as a blank.

    >>> column = Column("user_id", Content.TEXT)
    >>> csv_text([column], [("=1+1",), ("'tis",), ("a;=1+1",), ("ann",)]).splitlines()
    ['user_id', "'=1+1", "''tis", "a;'=1+1", 'ann']
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    if header:
        writer.writerow([column.name for column in columns])
    for row in rows:
        writer.writerow([_csv(column, cell) for column, cell in zip(columns, row, strict=True)])
    return text.getvalue()


def ndjson_text(columns: Sequence[Column], rows: Iterable[Row]) -> str:
    r"""Return one JSON object a line; every column is there, null where there is nothing.

    >>> ndjson_text([Column("context", Content.JSON)], [('{"a":1}',)])
    '{"context":{"a":1}}\n'
    """
    return "".join(f"{_object(columns, row)}\n" for row in rows)


def _object(columns: Sequence[Column], row: Row) -> str:
    shown = {column.name: _json(column, cell) for column, cell in zip(columns, row, strict=True)}
    return json.dumps(shown, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _json(column: Column, cell: Cell) -> object:
    if column.content is Content.TIME and isinstance(cell, int):
        return rfc3339(cell)
    if column.content is Content.JSON and isinstance(cell, str):
        return json.loads(cell)
    return cell


def _csv(column: Column, cell: Cell) -> Cell:
    if column.content is Content.TIME and isinstance(cell, int):
        return rfc3339(cell)
    if isinstance(cell, bool):
        return "true" if cell else "false"
    return FORMULA.sub("'", cell) if isinstance(cell, str) else cell
