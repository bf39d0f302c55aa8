"""POST and GET /experiments/{experiment_id}/exports: one file with what the pages hold."""

from dataclasses import replace
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from experimentation.domain.clock import DAY_MS
from experimentation.domain.counting.event import Event
from experimentation.domain.experiment import Kind, Metric
from experimentation.domain.results.export_file import ExportFile
from experimentation.storage import experiments, export_files, uploads
from experimentation.storage.aws import client
from experimentation.storage.aws.transactions import CancelledError
from experimentation.usecases import exporting_files
from experimentation.usecases.counting import count_events
from experimentation.usecases.importing import Row, import_rows
from experimentation.usecases.runtime import Runtime
from functions.audit import list as audit_list
from functions.results import export, list_exports, start_export
from functions.workers import write_exports
from tests.conftest import Headers, now
from tests.experiments import running
from tests.factory import Context, event
from tests.functions.callers import Answer, call
from tests.functions.experiment_calls import created
from tests.functions.policies import recorded, refusals

PATH = "/experiments/e/exports"
OF_E = {"experiment_id": "e"}
USERS = 60


@pytest.fixture
def shop(as_user: Headers) -> Headers:
    """An experiment with users, half of whom bought something."""
    start = now() - DAY_MS
    running("e", start, overrides={})
    rows = [Row(f"user-{i}", "treatment" if i % 2 else "control", start, {"n": i}) for i in range(USERS)]
    import_rows(experiments.read("e", consistent=True), rows, Runtime(), lambda: True)
    bought = [
        Event(f"user-{i}", f"e{i}", "purchase", start + i, start + i, 10_000, "{}")
        for i in range(0, USERS, 2)
    ]
    assert not count_events(bought, Runtime(), lambda: True).failed
    return as_user


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of a few rows; the emulator of this process takes them, S3 would not."""
    monkeypatch.setattr(exporting_files, "PART_BYTES", 1_000)
    monkeypatch.setattr(exporting_files, "ROWS_AT_ONCE", 5)
    monkeypatch.setattr("moto.s3.models.S3_UPLOAD_PART_MIN_SIZE", 100)


def start(headers: Headers, **body: str) -> Answer:
    return call(start_export.handler, "POST", PATH, body, headers=headers, path_parameters=OF_E)


def listed(headers: Headers) -> list[dict[str, Any]]:
    answer = call(list_exports.handler, "GET", PATH, headers=headers, path_parameters=OF_E)
    assert answer.status == 200
    return list(answer.json["exports"])


def work(remaining_ms: int = 900_000) -> None:
    with recorded() as calls:
        write_exports.handler({}, Context(remaining_ms=remaining_ms))
    assert refusals("workers.write_exports.handler", calls) == []


def content(url: str) -> str:
    key = url.partition("?")[0].split("/", 3)[3].removeprefix("archive/")
    return client.s3().get_object(Bucket="archive", Key=key)["Body"].read().decode()


def paged(headers: Headers, **query: str) -> str:
    """Return what the pages hold together."""
    texts, cursor = [], None
    while True:
        asked = query | {"limit": "50"} | ({"cursor": cursor} if cursor else {})
        answer = export.handler(
            event("GET", "/experiments/e/results/export", query=asked, headers=headers, path_parameters=OF_E),
            Context(),
        )
        text = str(answer["body"])
        texts.append(text.partition("\r\n")[2] if texts and query["format"] == "csv" else text)
        cursor = answer["headers"].get("X-Next-Cursor")
        if cursor is None:
            return "".join(texts)


@pytest.mark.parametrize("rows", ["users", "events"])
@pytest.mark.parametrize("form", ["csv", "ndjson"])
def test_a_file_holds_what_the_pages_hold(shop: Headers, small_parts: None, rows: str, form: str) -> None:
    begun = start(shop, rows=rows, format=form)

    work()

    (file,) = listed(shop)
    assert (begun.status, begun.json["state"], begun.json["url"]) == (202, "waiting", None)
    assert (file["state"], file["progress_percent"], file["rows_written"]) == ("ready", 100, USERS)
    assert content(file["url"]) == paged(shop, rows=rows, format=form)
    assert file["bytes_written"] == len(content(file["url"]).encode())
    assert (file["complete_from"] is None) == (rows == "users")


def test_runs_that_end_early_go_on_where_the_last_part_ended(
    shop: Headers, small_parts: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    uploaded, put_part = [], uploads.put_part
    monkeypatch.setattr(uploads, "put_part", lambda *parts: (uploaded.append(parts[2]), put_part(*parts)))
    file = begun(start(shop, rows="users"))
    seen = []
    for _ in range(200):
        chances = iter([True, True, False])
        exporting_files.proceed(file, write_exports.text_of, "text/csv", Runtime(clock=now), chances.__next__)
        (shown,) = listed(shop)
        seen.append((shown["progress_percent"], shown["rows_written"]))
        if shown["state"] == "ready":
            break
        (file,) = export_files.unfinished(now())

    assert seen == sorted(seen)
    assert len(set(seen)) > 3
    assert uploaded == sorted(set(uploaded))  # no part was made twice
    assert content(shown["url"]) == paged(shop, rows="users", format="csv")


def begun(answer: Answer) -> ExportFile:
    assert answer.status == 202
    (file,) = export_files.unfinished(now())
    return file


@pytest.mark.parametrize("form", ["csv", "ndjson"])
def test_metrics_that_change_meanwhile_leave_the_columns_of_a_file_alone(
    shop: Headers, small_parts: None, form: str
) -> None:
    start(shop, rows="users", format=form)
    before = paged(shop, rows="users", format=form)
    (file,) = export_files.unfinished(now())
    chances = iter([*[True] * 4, False])
    exporting_files.proceed(file, write_exports.text_of, "text/csv", Runtime(clock=now), chances.__next__)
    assert export_files.unfinished(now())[0].parts

    added = Metric("revenue", "purchase", Kind.VALUE, declared_at=now())
    experiments.change(
        "e", lambda each: replace(each, metrics=(added, *each.metrics)), now=now(), actor="ann"
    )
    work()

    (shown,) = listed(shop)
    assert shown["rows_written"] == USERS
    assert content(shown["url"]) == before


def test_two_runs_at_once_write_a_file_once(shop: Headers, small_parts: None) -> None:
    file = begun(start(shop, rows="users"))
    exporting_files.proceed(file, write_exports.text_of, "text/csv", Runtime(clock=now), lambda: False)
    (held,) = export_files.unfinished(now())
    export_files.advance(held, busy_until=now() + 60_000)

    work()  # finds it in another's hands
    # Which was read before.
    exporting_files.proceed(held, write_exports.text_of, "text/csv", Runtime(clock=now), lambda: True)

    assert listed(shop)[0]["state"] == "writing"


def test_runs_of_every_minute_do_not_take_the_whole_of_an_accounts_concurrency(shop: Headers) -> None:
    """A run lasts up to 15 minutes and one begins each minute; a new account runs ten functions at once."""
    kinds = [(rows, form) for rows in ("users", "events") for form in ("csv", "ndjson")]
    for rows, form in kinds:
        start(shop, rows=rows, format=form)
    taken = [
        export_files.advance(file, busy_until=now() + 60_000) for file in export_files.unfinished(now())[:2]
    ]

    work()
    waiting = [file["state"] for file in listed(shop)]
    export_files.advance(taken[0], busy_until=0)
    work()

    assert waiting.count("ready") == 0
    assert [file["state"] for file in listed(shop)].count("ready") == 3


def test_a_run_that_was_killed_is_taken_over_once_it_cannot_go_on_any_more(
    shop: Headers, small_parts: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(shop, rows="users")
    advance = export_files.advance

    def killed(file: ExportFile, **changes: Any) -> ExportFile:
        if changes.get("parts") == 2:
            raise KeyboardInterrupt  # after the part is uploaded, before that is known
        return advance(file, **changes)

    monkeypatch.setattr(export_files, "advance", killed)
    with pytest.raises(KeyboardInterrupt):
        work()
    monkeypatch.setattr(export_files, "advance", advance)
    work()
    before = listed(shop)[0]["state"]
    later = now() + exporting_files.RUN_MS
    monkeypatch.setattr(write_exports.runtime, "clock", lambda: later)
    work()

    (file,) = listed(shop)
    assert (before, file["state"]) == ("writing", "ready")
    assert content(file["url"]) == paged(shop, rows="users", format="csv")


def test_a_file_whose_last_answer_was_lost_is_ready_with_the_next_run(
    shop: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(shop, rows="users")
    finish = uploads.finish

    def lost(*parts: Any) -> None:
        finish(*parts)
        raise TimeoutError("no answer")

    monkeypatch.setattr(uploads, "finish", lost)
    with pytest.raises(TimeoutError):
        work()
    monkeypatch.setattr(uploads, "finish", finish)
    later = now() + exporting_files.RUN_MS
    monkeypatch.setattr(write_exports.runtime, "clock", lambda: later)
    work()

    (file,) = listed(shop)
    assert file["state"] == "ready"
    assert content(file["url"]) == paged(shop, rows="users", format="csv")


def test_one_file_that_fails_does_not_stop_the_others(shop: Headers, monkeypatch: pytest.MonkeyPatch) -> None:
    start(shop, rows="users")
    start(shop, rows="events")
    begin = uploads.begin

    def broken(key: str, *rest: str) -> str:
        if "users" in key:
            raise ValueError("broken")
        return begin(key, *rest)

    monkeypatch.setattr(uploads, "begin", broken)
    with pytest.raises(ValueError, match="broken"):
        work()

    assert {each["rows"]: each["state"] for each in listed(shop)} == {"events": "ready", "users": "waiting"}


def test_asking_again_meets_the_file_that_is_being_written_and_later_begins_another(shop: Headers) -> None:
    first = start(shop, rows="users").json
    again = start(shop, rows="users").json
    work()
    ready = listed(shop)[0]
    another = start(shop, rows="users").json

    assert again == first
    assert (ready["state"], another["state"], len(listed(shop))) == ("ready", "waiting", 1)
    assert content(ready["url"])  # still where its address says


def test_whoever_begins_a_file_is_in_the_record(shop: Headers, as_admin: Headers) -> None:
    start(shop, rows="users")

    (entry,) = [
        each
        for each in call(audit_list.handler, "GET", "/audit", headers=as_admin).json["entries"]
        if each["action"] == "rows_exported"
    ]
    assert (entry["actor"], entry["target"], entry["detail"]) == ("ursula", "e", "users, csv")


def test_files_are_gone_from_the_list_after_a_day(shop: Headers, monkeypatch: pytest.MonkeyPatch) -> None:
    start(shop, rows="users")
    later = now() + DAY_MS + 1_000
    monkeypatch.setattr("experimentation.web.endpoint.wall_clock", lambda: later)

    assert export_files.of_experiment("e", later) == export_files.unfinished(later) == []
    assert export_files.of_experiment("e", later - 2_000)


def test_an_experiment_without_users_makes_a_file_without_rows(as_user: Headers) -> None:
    running("e", now() - DAY_MS, overrides={})
    start(as_user, rows="users", format="csv")
    start(as_user, rows="events", format="ndjson")

    work()

    events, users = listed(as_user)
    assert content(events["url"]) == ""
    assert content(users["url"]).startswith("experiment_id,user_id,")
    assert (users["rows_written"], users["progress_percent"]) == (0, 100)


def test_drafts_and_unknown_experiments_have_no_file(as_user: Headers) -> None:
    unknown = start(as_user)
    created(as_user, id="e")

    assert (unknown.status, start(as_user).status) == (404, 409)
    assert listed(as_user) == []


def test_an_unknown_experiment_has_no_list_of_files(as_user: Headers) -> None:
    answer = call(list_exports.handler, "GET", PATH, headers=as_user, path_parameters=OF_E)

    assert (answer.status, answer.json["detail"]) == (404, "There is no experiment e.")


def test_a_conflict_asks_for_another_try(shop: Headers, monkeypatch: pytest.MonkeyPatch) -> None:
    def conflicted(_: object) -> None:
        raise CancelledError(["TransactionConflict", "None"])

    monkeypatch.setattr(exporting_files, "commit", conflicted)

    assert start(shop).status == 503


def test_the_address_names_its_time_and_the_file_its_name(shop: Headers) -> None:
    start(shop, rows="users")
    work()

    (file,) = listed(shop)
    url = httpx.URL(file["url"])
    assert (url.params["X-Amz-Expires"], url.params["X-Amz-Algorithm"]) == ("900", "AWS4-HMAC-SHA256")
    key = url.path.removeprefix("/").removeprefix("archive/")
    stored = client.s3().get_object(Bucket="archive", Key=key)
    assert stored["ContentDisposition"] == 'attachment; filename="e-users.csv"'
    assert file["url_expires_at"] < file["expires_at"]


def test_the_address_is_of_the_region_of_the_bucket(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    client.reset()

    try:
        assert httpx.URL(uploads.address("e.csv", 60)).host == "archive.s3.eu-central-1.amazonaws.com"
    finally:
        client.reset()


def test_a_run_without_time_begins_nothing(shop: Headers) -> None:
    start(shop, rows="users")
    work(remaining_ms=0)

    assert listed(shop)[0]["state"] == "waiting"


def test_what_is_wrong_with_an_upload_is_not_taken_for_its_end(aws: None) -> None:
    upload_id = uploads.begin("exports/e/1/e.csv", "e.csv", "text/csv")

    with pytest.raises(ClientError, match="MalformedXML"):
        uploads.finish("exports/e/1/e.csv", upload_id, 0)
