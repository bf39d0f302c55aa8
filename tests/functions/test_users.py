"""GET and DELETE /users: what is stored about a person, and erasing it."""

import gzip
import json

import boto3
import pytest

from experimentation.domain.clock import DAY_MS, rfc3339
from experimentation.domain.counting.erasing import HEAD_STAYS_MS, Stage
from experimentation.domain.errors import UnavailableError
from experimentation.storage import archive, erasures, experiments
from experimentation.storage.aws import client
from experimentation.storage.queue_message import pack
from experimentation.usecases import archiving
from functions.assignments import assign
from functions.results import export
from functions.users import delete, read
from functions.workers import archive_events, erase_users, record_events, rewrite_archive
from tests.conftest import Headers, bearer, now
from tests.events import batch, failed, made
from tests.experiments import running
from tests.factory import Context, event
from tests.functions.callers import Answer, call
from tests.functions.policies import recorded, refusals

CANARY = "canary/ü@example.com"
QUERY = {"user_id": CANARY}


@pytest.fixture(autouse=True)
def _versions(aws: None) -> None:
    boto3.client("s3").put_bucket_versioning(Bucket="archive", VersioningConfiguration={"Status": "Enabled"})


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The time of the workers, which can be moved."""
    time = [now()]
    for module in (delete, erase_users, record_events, archive_events):
        monkeypatch.setattr(module.runtime, "clock", lambda: time[0])
    monkeypatch.setattr(rewrite_archive, "wall_clock", lambda: time[0])
    return time


def run(worker: object, name: str) -> None:
    with recorded() as calls:
        worker({}, Context(remaining_ms=300_000))  # type: ignore[operator]
    assert refusals(f"workers.{name}.handler", calls) == []


def stored(started: int, headers: Headers) -> None:
    """Let CANARY and another be assigned, and do things that are counted and archived."""
    running("e", started, overrides={})
    for user_id in (CANARY, "other"):
        path, parameters = "/experiments/e/assignments", {"experiment_id": "e"}
        body = {"user_id": user_id, "context": {"country": "DE"}}
        assert (
            call(assign.handler, "POST", path, body, headers=headers, path_parameters=parameters).status
            == 201
        )
    at = now()
    events = [
        made(f"{user_id[:5]}-{n}", user_id=user_id, at=at, received=at, properties='{"who":"me"}')
        for n in range(3)
        for user_id in (CANARY, "other")
    ]
    deliver(*events)
    deliver(events[0])  # in an object of its own
    deliver(made("other-long-ago", user_id="other", at=at - 9 * DAY_MS, received=at - 9 * DAY_MS))


def deliver(*events: object) -> list[dict[str, object]]:
    messages = batch(pack(events, "request"))  # type: ignore[arg-type]
    return [record_events.handler(messages, Context()), archive_events.handler(messages, Context())]


def asked(headers: Headers, **query: object) -> Answer:
    return call(read.handler, "GET", "/users", query=QUERY | query, headers=headers)


def erased(headers: Headers) -> Answer:
    return call(delete.handler, "DELETE", "/users", query=QUERY, headers=headers)


def erased_from_tables(headers: Headers, clock: list[int]) -> None:
    """Let CANARY do things and be erased; what they did is in the archive still."""
    stored(now() - DAY_MS, headers)
    clock[0] = now() + 1
    erased(headers)
    clock[0] += HEAD_STAYS_MS
    run(erase_users.handler, "erase_users")


def everything() -> str:
    """Return all items of both tables, and all versions of all objects."""
    found = []
    for table in ("DataTable", "AccountsTable"):
        for page in client.dynamodb().get_paginator("scan").paginate(TableName=table):
            found += [json.dumps(item, ensure_ascii=False) for item in page["Items"]]
    s3 = boto3.client("s3")
    for version in s3.list_object_versions(Bucket="archive").get("Versions", []):
        got = s3.get_object(Bucket="archive", Key=version["Key"], VersionId=version["VersionId"])
        found.append(version["Key"] + gzip.decompress(got["Body"].read()).decode())
    return "\n".join(found)


def archived() -> list[str]:
    return sorted(
        row["event_id"]
        for day in archive.stored_days(archive.EVENTS)
        for key in archive.keys(day)
        for row in archive.read(key)
    )


def test_everything_about_a_person_is_shown_in_pages(as_admin: Headers, clock: list[int]) -> None:
    started = now() - DAY_MS
    stored(started, as_admin)

    first = asked(as_admin, limit=2)
    second = asked(as_admin, limit=2, cursor=first.json["next_cursor"])

    assert first.status == second.status == 200
    shown = first.json
    assert [(each["experiment_id"], each["context"]) for each in shown["assignments"]] == [
        ("e", {"country": "DE"})
    ]
    assert shown["assignments"][0]["segments"] == ["country=DE"]
    assert [(each["type"], each["events"], each["sum"]) for each in shown["totals"]] == [("purchase", 3, 3)]
    assert [each["event_id"] for each in shown["events"]] == ["canar-0", "canar-1"]
    assert shown["archive"] == {"bucket": "archive", "prefixes": ["events/date=", "exposures/date="]}
    assert (shown["erasure"], shown["overrides"]) == (None, {})
    assert [each["event_id"] for each in second.json["events"]] == ["canar-2"]
    assert (second.json["assignments"], second.json["totals"]) == ([], [])
    assert second.json["next_cursor"] is None


def test_totals_of_many_types_and_days_are_paged(
    as_admin: Headers, clock: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    at = now()
    monkeypatch.setattr("experimentation.usecases.personal_data.MOST_TOTALS", 2)
    deliver(
        *(
            made(f"{kind}-{day}", user_id=CANARY, type=kind, at=at - day * DAY_MS, received=at)
            for kind in ("a", "b", "c")
            for day in range(2)
        )
    )

    pages, cursor = [], None
    while True:
        answer = asked(as_admin, **({} if cursor is None else {"cursor": cursor}))
        pages.append(([each["type"] for each in answer.json["totals"]], len(answer.json["events"])))
        cursor = answer.json["next_cursor"]
        if cursor is None:
            break

    assert pages == [(["a", "a"], 0), (["b", "b"], 0), (["c", "c"], 6)]


def test_overrides_are_shown_and_nobody_unknown_is_an_error(as_admin: Headers) -> None:
    running("e", now() - DAY_MS, overrides={CANARY: "treatment"})

    answer = asked(as_admin)

    assert answer.json["overrides"] == {"e": "treatment"}
    assert (answer.json["assignments"], answer.json["events"], answer.json["last_event_at"]) == ([], [], None)


def test_a_person_is_erased_from_tables_and_archive(as_admin: Headers, clock: list[int]) -> None:
    stored(now() - DAY_MS, as_admin)
    assert CANARY in everything()
    clock[0] = now() + 1

    begun = erased(as_admin)
    again = erased(as_admin)
    clock[0] += HEAD_STAYS_MS
    run(erase_users.handler, "erase_users")
    in_archive = asked(as_admin)
    run(rewrite_archive.handler, "rewrite_archive")

    assert (begun.status, again.status) == (202, 202)
    assert begun.json["stage"] == again.json["stage"] == "items"
    assert in_archive.json["erasure"]["stage"] == "archive"
    assert (in_archive.json["assignments"], in_archive.json["events"]) == ([], [])
    assert CANARY not in everything()
    assert archived() == ["other-0", "other-1", "other-2", "other-long-ago"]
    clock[0] += 16 * DAY_MS
    run(rewrite_archive.handler, "rewrite_archive")
    assert asked(as_admin).json["erasure"]["stage"] == "done"


def test_exports_leave_out_who_is_being_erased(as_admin: Headers, clock: list[int]) -> None:
    stored(now() - DAY_MS, as_admin)

    erased(as_admin)

    path, parameters = "/experiments/e/results/export", {"experiment_id": "e"}
    query = {"format": "csv", "rows": "users"}
    asking = event("GET", path, query=query, headers=as_admin, path_parameters=parameters)
    answer = export.handler(asking, Context())
    assert "other" in answer["body"]
    assert CANARY not in answer["body"]


def test_what_is_delivered_or_replayed_later_brings_nobody_back(as_admin: Headers, clock: list[int]) -> None:
    waited = made("waited", user_id=CANARY, at=now(), received=now())
    erased_from_tables(as_admin, clock)
    run(rewrite_archive.handler, "rewrite_archive")

    answers = deliver(waited, made("other-late", user_id="other", at=now(), received=clock[0]))

    assert [failed(each) for each in answers] == [set(), set()]
    assert CANARY not in everything()
    assert "other-late" in archived()


def test_what_an_unaware_worker_archived_is_found_later(as_admin: Headers, clock: list[int]) -> None:
    erased_from_tables(as_admin, clock)
    run(rewrite_archive.handler, "rewrite_archive")
    late = made("late", user_id=CANARY, at=now() - DAY_MS, received=now() - DAY_MS)
    for day, lines in archive.rows([late]).items():
        archive.put(day, lines)

    clock[0] += DAY_MS
    run(rewrite_archive.handler, "rewrite_archive")

    assert CANARY not in everything()


def test_what_a_new_user_of_the_id_did_stays_in_the_archive(as_admin: Headers, clock: list[int]) -> None:
    erased_from_tables(as_admin, clock)
    deliver(made("new", user_id=CANARY, at=clock[0], received=clock[0]))

    run(rewrite_archive.handler, "rewrite_archive")

    assert "new" in archived()
    assert "canar-0" not in archived()
    assert [each["event_id"] for each in asked(as_admin).json["events"]] == ["new"]


def test_archive_that_is_too_large_for_one_run_is_gone_on_with(as_admin: Headers, clock: list[int]) -> None:
    erased_from_tables(as_admin, clock)
    started = [each.archive_from for each in erasures.pending()]

    turns = iter([True, False, *[True] * 100])
    archiving.rewrite(lambda: clock[0], lambda: next(turns), 90)
    (waiting,) = erasures.pending()
    archiving.rewrite(lambda: clock[0], lambda: True, 90)

    assert started == [""]
    assert waiting.archive_from == rfc3339(now())[:10]
    assert CANARY not in everything()
    assert [each.stage for each in erasures.pending()] == [Stage.ARCHIVE]


def test_archive_of_which_an_object_cannot_be_read_is_gone_on_with(
    as_admin: Headers, clock: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    erased_from_tables(as_admin, clock)
    today, lines_of = rfc3339(now())[:10], archive.lines_of

    def broken_today(key: str, copy: archive.Copy) -> list[bytes]:
        if today in key:
            raise UnavailableError("busy")
        return lines_of(key, copy)

    def no_days(_kind: str) -> list[str]:
        raise UnavailableError("busy")

    passed = []
    for name, broken in (("stored_days", no_days), ("lines_of", broken_today)):
        with monkeypatch.context() as patch:
            patch.setattr(archive, name, broken)
            with pytest.raises(UnavailableError):
                archiving.rewrite(lambda: clock[0], lambda: True, 90)
        passed += [each.archive_from for each in erasures.pending()]

    assert passed == ["", today]
    assert CANARY in everything()
    archiving.rewrite(lambda: clock[0], lambda: True, 90)
    assert CANARY not in everything()


def test_erasing_wants_an_administrator_and_the_password_of_late(as_user: Headers, as_admin: Headers) -> None:
    assert erased(as_user).status == 403
    assert asked(as_user).status == 403
    assert call(delete.handler, "DELETE", "/users", query={"user_id": ""}, headers=as_admin).status == 422
    assert call(delete.handler, "DELETE", "/users", headers=as_admin).status == 422


def test_one_broken_erasure_does_not_stop_the_others(
    as_admin: Headers, clock: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    erased(as_admin)
    call(delete.handler, "DELETE", "/users", query={"user_id": "second"}, headers=as_admin)
    seen = []

    def broken(erasure: erasures.Erasure, *_: object) -> None:
        seen.append(erasure.user_id)
        raise ValueError("broken")

    monkeypatch.setattr(erase_users, "proceed", broken)
    with pytest.raises(ValueError, match="broken"):
        erase_users.handler({}, Context())
    erase_users.handler({}, Context(remaining_ms=0))

    assert sorted(map(str, seen)) == sorted([CANARY, "second"])


def test_nothing_is_read_or_rewritten_where_nobody_was_ever_erased(clock: list[int]) -> None:
    with recorded() as calls:
        erase_users.handler({}, Context())
        rewrite_archive.handler({}, Context())

    names = [each.operation for each in calls]
    assert names.count("Query") <= len(erasures.PARTITIONS)
    assert experiments.listed() == {}
    assert bearer("ada", "admin")
