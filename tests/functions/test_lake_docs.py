"""docs/lake.md: its DuckDB statements, run on what the archive worker writes."""

import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from experimentation.storage import archive
from experimentation.storage.aws import client
from experimentation.storage.queue_message import pack
from functions.workers.archive_events import handler, runtime
from tests.events import RECEIVED, batch, made
from tests.factory import Context

DOCS = Path(__file__).parents[2] / "docs" / "lake.md"
DAY_MS = 86_400_000


def statements() -> list[str]:
    duckdb_part = DOCS.read_text().split("## DuckDB")[1].split("## Athena")[0]
    return re.findall(r"```sql\n(.*?)```", duckdb_part, re.DOTALL)


@pytest.fixture
def lake(aws: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> duckdb.DuckDBPyConnection:
    """DuckDB with the view of the docs over the worker's objects; one message was delivered twice."""
    monkeypatch.setattr(runtime, "clock", lambda: RECEIVED)
    plan = '{"plan":"pro","größe":[1,2.50]}'
    first = pack([made("e1", value=125_000, properties=plan), made("e2", value=-1, type="view")], "r")
    second = pack([made("e3", value=1, user_id="u2", received=RECEIVED + DAY_MS)], "r")
    third = pack([made("e4", type="view")], "r")
    handler(batch([*first, *second, *third]), Context())
    handler(batch(first), Context())
    for day in ("2026-11-22", "2026-11-23"):
        for key in archive.keys(day):
            target = tmp_path / key
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(client.s3().get_object(Bucket="archive", Key=key)["Body"].read())
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(statements()[0].replace("s3://BUCKET", str(tmp_path)))
    return connection


def test_every_event_is_one_row_of_the_view(lake: duckdb.DuckDBPyConnection) -> None:
    rows = lake.execute(
        "SELECT event_id, user_id, value, epoch_ms(received_at), date FROM events ORDER BY event_id"
    ).fetchall()

    assert rows == [
        ("e1", "u1", Decimal("12.5000"), RECEIVED, date(2026, 11, 22)),
        ("e2", "u1", Decimal("-0.0001"), RECEIVED, date(2026, 11, 22)),
        ("e3", "u2", Decimal("0.0001"), RECEIVED + DAY_MS, date(2026, 11, 23)),
        ("e4", "u1", Decimal("1.0000"), RECEIVED, date(2026, 11, 22)),
    ]


def test_second_delivery_in_another_batch_adds_lines_but_no_events(lake: duckdb.DuckDBPyConnection) -> None:
    lines = [row["event_id"] for key in archive.keys("2026-11-22") for row in archive.read(key)]

    assert sorted(lines) == ["e1", "e1", "e2", "e2", "e4"]
    assert lake.execute("SELECT count(*) FROM events").fetchone() == (4,)


def test_queries_of_the_docs_answer_exactly(lake: duckdb.DuckDBPyConnection) -> None:
    by_type = lake.execute(statements()[1]).fetchall()
    by_plan = lake.execute(statements()[2]).fetchall()

    assert by_type == [("purchase", 2, 2, Decimal("12.5001")), ("view", 2, 1, Decimal("0.9999"))]
    assert by_plan == [("pro", Decimal("12.5000")), (None, Decimal("0.0001"))]
