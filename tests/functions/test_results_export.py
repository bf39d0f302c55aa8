"""GET /experiments/{experiment_id}/results/export: every row once, in three formats, page by page."""

import base64
import csv
import io
import json
import re
from datetime import datetime
from urllib.parse import parse_qsl, urlsplit

import duckdb
import pandas as pd
import pytest

from experimentation.domain.clock import DAY_MS, milliseconds, rfc3339
from experimentation.domain.counting.event import Event
from experimentation.domain.results.rows import Column, Content
from experimentation.storage import experiments, users
from experimentation.storage.aws import client
from experimentation.usecases import exporting
from experimentation.usecases.assigning import assign
from experimentation.usecases.counting import count_events
from experimentation.usecases.importing import Row, import_rows
from experimentation.usecases.runtime import Runtime
from experimentation.web.paging import encode_cursor
from experimentation.web.rows_text import csv_text
from functions.results import export
from tests.conftest import now
from tests.factory import document, event
from tests.functions.experiment_calls import call, created

PATH = "/experiments/checkout-button/results/export"
METRICS = [
    {"key": "purchase_rate", "event_type": "purchase", "kind": "conversion", "role": "primary"},
    {"key": "purchases", "event_type": "purchase", "kind": "count"},
    {"key": "revenue", "event_type": "purchase", "kind": "value"},
]


def ask(headers, **query):
    return export.handler(
        event("GET", PATH, query=query, headers=headers, path_parameters={"experiment_id": "checkout-button"})
    )


def everything(headers, **query):
    """Follow the links; return the answers' bodies, parsed line by line."""
    bodies = []
    while True:
        answer = ask(headers, **query)
        assert answer["statusCode"] == 200, answer
        bodies.append(content(answer))
        link = answer["headers"].get("Link")
        if link is None:
            assert "X-Next-Cursor" not in answer["headers"]
            return bodies
        assert link.endswith('>; rel="next"')
        query = dict(parse_qsl(urlsplit(link[1:].partition(">")[0]).query))
        assert query["cursor"] == answer["headers"]["X-Next-Cursor"]


def content(answer):
    return base64.b64decode(answer["body"]) if answer["isBase64Encoded"] else answer["body"]


def lines(bodies):
    return [json.loads(line) for body in bodies for line in body.splitlines()]


def happened(user_id, event_id, at, value=10_000, kind="purchase", properties="{}"):
    return Event(user_id, event_id, kind, at, at, value, properties)


def record(*batch):
    outcome = count_events(batch, Runtime(), lambda: True)
    assert not outcome.failed


@pytest.fixture
def shop(as_user):
    """A running experiment: one user who bought before and after, one who did not, one with odd names."""
    created(as_user, "running", metrics=METRICS)
    experiment, start = experiments.read("checkout-button", consistent=True), now() - 3 * DAY_MS
    record(happened("ann", "before", start - DAY_MS, 30_000))
    rows = [
        Row("ann", "treatment", start, {"country": "DE", "age": 33}),
        Row("bob", "control", start, {}),
        Row("=1+1", "control", start, {"country": "@SUM(A1)"}),
    ]
    import_rows(experiment, rows, Runtime(), lambda: True)
    record(
        happened("ann", "-e1", start, 125_000, properties='{"note":"a,b\\n\\"c\\""}'),
        happened("ann", "e2", start + DAY_MS, -5_000),
        happened("ann", "e3", start + 1, kind="view"),
        happened("=1+1", "e4", start + 2, 10**13),
    )
    return start


def test_rows_are_a_left_join_of_users_and_their_events_that_count(as_user, shop):
    rows = lines(everything(as_user, format="ndjson"))

    found = {(row["user_id"], row["event_id"]) for row in rows}
    assert found == {("ann", "-e1"), ("ann", "e2"), ("ann", "e3"), ("bob", None), ("=1+1", "e4")}
    assert len(rows) == len(found)
    first = next(row for row in rows if row["event_id"] == "-e1")
    assert first == {
        "experiment_id": "checkout-button",
        "user_id": "ann",
        "variant": "treatment",
        "assigned_at": rfc3339(shop),
        "imported": True,
        "context": {"country": "DE", "age": 33},
        "segment_country": "DE",
        "event_id": "-e1",
        "event_type": "purchase",
        "event_at": rfc3339(shop),
        "received_at": rfc3339(shop),
        "value": 12.5,
        "properties": {"note": 'a,b\n"c"'},
    }
    without = next(row for row in rows if row["user_id"] == "bob")
    assert list(without) == list(first)
    assert without["segment_country"] == "other"
    assert {name for name, value in without.items() if value is None} == {
        "event_id", "event_type", "event_at", "received_at", "value", "properties",
    }  # fmt: skip


def test_one_row_per_user_has_the_totals_that_results_count(as_user, shop):
    rows = {row["user_id"]: row for row in lines(everything(as_user, format="ndjson", rows="users"))}

    shown = {
        user: [rows[user][f"{place}_{key}"] for place in ("metric", "before") for key in metric_keys()]
        for user in rows
    }
    assert shown == {
        "ann": [1, 2, 12, 1, 1, 3],
        "bob": [0, 0, 0, 0, 0, 0],
        "=1+1": [1, 1, 1e9, 0, 0, 0],
    }


def metric_keys():
    return [metric["key"] for metric in METRICS]


def test_users_with_a_long_history_keep_their_totals(as_user, shop):
    earlier = [happened("ann", f"x{day}", shop - day * DAY_MS) for day in range(2, 50)]
    record(*earlier[:24])
    record(*earlier[24:])

    rows = {row["user_id"]: row for row in lines(everything(as_user, format="ndjson", rows="users"))}

    assert users.read_head("ann", consistent=True).spilled.keys() == {"purchase"}
    assert rows["ann"]["metric_revenue"] == 12
    assert rows["ann"]["before_revenue"] == 3 + 27  # of the last 28 days


def test_events_from_the_end_on_do_not_count(as_user, shop):
    answer = document(call("change_status", as_user, {"status": "completed"}))
    ended = milliseconds(datetime.fromisoformat(answer["ended_at"]))
    record(happened("bob", "late", ended), happened("ann", "just", ended - 1))

    rows = lines(everything(as_user, format="ndjson"))
    totals = {row["user_id"]: row for row in lines(everything(as_user, format="ndjson", rows="users"))}

    assert "just" in {row["event_id"] for row in rows}
    assert "late" not in {row["event_id"] for row in rows}
    assert totals["bob"]["metric_purchases"] == 0
    assert totals["ann"]["metric_purchases"] == 3


@pytest.mark.parametrize("rows", ["events", "users"])
@pytest.mark.parametrize("limit", [1, 2, 3, 1000])
def test_pages_of_any_size_hold_every_row_once(as_user, shop, rows, limit):
    whole = lines([content(ask(as_user, format="ndjson", rows=rows, limit=10_000))])

    pages = everything(as_user, format="ndjson", rows=rows, limit=limit)

    assert lines(pages) == whole
    assert all(len(page.splitlines()) <= limit for page in pages)


def test_users_with_many_events_are_split_between_reads(as_user, shop, monkeypatch):
    monkeypatch.setattr(exporting, "EVENTS_AT_ONCE", 1)

    rows = lines(everything(as_user, format="ndjson", limit=2))

    assert len(rows) == 5


def test_a_page_stops_before_it_is_too_large_for_one_answer(as_user, shop, monkeypatch):
    monkeypatch.setattr(exporting, "LARGEST_PAGE_BYTES", 1_000)

    pages = everything(as_user, format="ndjson")

    assert len(pages) > 1
    assert len(lines(pages)) == 5


def test_a_page_stops_when_the_time_is_over(as_user, shop, monkeypatch):
    monkeypatch.setattr(export, "READING_MS", -1)

    pages = everything(as_user, format="ndjson")

    assert all(len(page.splitlines()) <= 1 for page in pages)
    assert len(lines(pages)) == 5


def test_csv_text_that_begins_a_formula_is_made_safe_and_comes_back(as_user, shop):
    [text] = everything(as_user, format="csv")

    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    raw = {row["user_id"] for row in rows}
    assert raw == {"ann", "bob", "'=1+1"}
    assert {row["event_id"] for row in rows} == {"'-e1", "e2", "e3", "e4", ""}
    assert "-0.5" in {row["value"] for row in rows}, "a negative number is no formula"
    assert {text.removeprefix("'") for text in raw} == {"ann", "bob", "=1+1"}


RISKY_TEXTS = [
    "=a", "+a", "-a", "@a", "\t=a", "\r=a", "'a", "''a", "'=a", "a", "\uff1da", "a;=1+1", "a\t=1+1", "a|=1+1",
    "a\n=1+1", " =1+1", "\ufeff=1+1", "\u200b=1+1", "a; =1+1", "a;'b", "a;;=b", ";", "a;b", "x = 1", "it's",
]  # fmt: skip


@pytest.mark.parametrize("text", RISKY_TEXTS)
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_no_cell_begins_a_formula_whatever_separates_them_and_every_text_comes_back(text, separator):
    written = csv_text([Column("a", Content.TEXT)], [(text,)])
    seen = list(csv.reader(io.StringIO(written, newline=""), delimiter=separator, quotechar='"'))
    [[_], [cell]] = list(csv.reader(io.StringIO(written, newline="")))

    for part in (part for row in seen[1:] for part in row):
        assert not part.strip(' \t\r\n\ufeff\u200b"').startswith(("=", "+", "-", "@", "\uff1d"))
    assert "".join(part.removeprefix("'") for part in re.split(r"([;|\t\r\n])", cell)) == text


def test_pandas_and_duckdb_read_every_format_the_same(as_user, shop, tmp_path):
    for form in ("csv", "ndjson", "parquet"):
        body = content(ask(as_user, format=form))
        (tmp_path / f"rows.{form}").write_bytes(body if isinstance(body, bytes) else body.encode())
    names = [f"{tmp_path}/rows.{form}" for form in ("csv", "ndjson", "parquet")]

    without_times = f"select * exclude (assigned_at, event_at, received_at) from '{names[2]}'"
    frames = [pd.read_csv(names[0]), pd.read_json(names[1], lines=True), duckdb.sql(without_times).df()]
    sources = [f"read_csv('{names[0]}')", f"read_ndjson('{names[1]}')", f"'{names[2]}'"]
    sums = [duckdb.sql(f"select count(*), count(event_id), sum(value) from {source}") for source in sources]

    for frame in frames:
        assert [name for name in frame.columns if not name.endswith("_at")] == list(frames[2].columns)
        assert frame["value"].sum() == pytest.approx(1_000_000_013.0)
        assert frame["event_id"].notna().sum() == 4
        assert len(frame) == 5
    assert [total.fetchall() for total in sums] == [[(5, 4, 1_000_000_013.0)]] * 3
    types = dict(duckdb.sql(f"select column_name, column_type from (describe from '{names[2]}')").fetchall())
    assert types["assigned_at"] == "TIMESTAMP WITH TIME ZONE"
    assert types["value"] == "DOUBLE"
    assert types["imported"] == "BOOLEAN"


def test_a_draft_has_columns_and_no_rows(as_user):
    created(as_user)

    assert content(ask(as_user, format="csv")).count("\n") == 1
    assert content(ask(as_user, format="ndjson")) == ""
    assert content(ask(as_user, format="parquet"))[:4] == b"PAR1"


def test_answers_are_files_that_are_not_cached(as_user, shop):
    headers = ask(as_user, format="csv")["headers"]

    assert headers["Content-Type"].startswith("text/csv; charset=utf-8")
    assert headers["Content-Disposition"] == 'attachment; filename="checkout-button-events.csv"'
    assert headers["Cache-Control"] == "no-store"


def test_a_cursor_is_good_for_its_own_list_only(as_user, shop):
    cursor = ask(as_user, limit=1)["headers"]["X-Next-Cursor"]

    assert ask(as_user, limit=1, cursor=cursor, format="ndjson")["statusCode"] == 200
    assert ask(as_user, limit=1, cursor=cursor, rows="users")["statusCode"] == 422
    assert ask(as_user, limit=1, cursor="x" + cursor)["statusCode"] == 422


@pytest.mark.parametrize(
    "position",
    [
        {},
        {"partition": 64, "user_id": "a", "event_id": None},
        {"partition": "1", "user_id": "a", "event_id": None},
        {"partition": 1, "user_id": "", "event_id": None},
        {"partition": 1, "user_id": "a" * 300, "event_id": None},
        {"partition": 1, "user_id": "a", "event_id": "EVENT#e1"},
        {"partition": 1, "user_id": "a", "event_id": 5},
        {"partition": 1, "user_id": "a", "event_key": "EVENT#e1"},
    ],
)
def test_a_made_up_position_is_refused(as_user, shop, position):
    cursor = encode_cursor(position, "export:checkout-button:events")

    assert ask(as_user, cursor=cursor)["statusCode"] == 422


@pytest.mark.parametrize("query", [{"format": "xlsx"}, {"rows": "days"}, {"limit": 0}, {"limit": 10_001}])
def test_unknown_forms_are_refused(as_user, query):
    created(as_user)

    assert ask(as_user, **query)["statusCode"] == 422


def test_an_unknown_experiment_is_404_and_needs_the_scope(as_user, as_key):
    assert ask(as_user)["statusCode"] == 404
    assert ask(as_key("events:read"))["statusCode"] == 403


def test_assignments_made_here_are_exported_too(as_user):
    created(as_user, "running", metrics=METRICS)
    experiment = experiments.read("checkout-button", consistent=True)
    for n in range(30):
        assign(experiment, f"user {n} é", {"country": "US"}, Runtime())

    rows = lines(everything(as_user, format="ndjson", limit=7))

    assert sorted(row["user_id"] for row in rows) == sorted(f"user {n} é" for n in range(30))
    assert not any(row["imported"] for row in rows)


def test_totals_of_an_experiment_that_ended_long_ago_are_refused_not_invented(as_user, shop):
    """Its ledgers are merged with what came before it, once its users come back."""
    call("change_status", as_user, {"status": "completed"})
    client.dynamodb().update_item(
        TableName="DataTable",
        Key={"PK": {"S": "EXP#checkout-button"}, "SK": {"S": "META"}},
        UpdateExpression="SET ended_at = :long_ago",
        ExpressionAttributeValues={":long_ago": {"N": str(now() - 121 * DAY_MS)}},
    )

    users_answer, events_answer = ask(as_user, rows="users"), ask(as_user, rows="events")

    assert users_answer["statusCode"] == 409
    assert "no longer kept apart" in users_answer["body"]
    assert events_answer["statusCode"] == 200
    complete_from = milliseconds(datetime.fromisoformat(events_answer["headers"]["X-Complete-From"]))
    assert now() - 121 * DAY_MS < complete_from <= now() - 120 * DAY_MS
