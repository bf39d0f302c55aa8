"""The archive worker."""

import boto3
import pytest

from experimentation.domain.errors import UnavailableError
from experimentation.storage import archive
from experimentation.storage.aws import client
from experimentation.storage.queue_message import pack, pack_exposures
from functions.workers.archive_events import handler, runtime
from tests.events import RECEIVED, batch, exposed, failed, made
from tests.factory import Context
from tests.wire import BUSY_XML, answering

TODAY, TOMORROW = "2026-11-22", "2026-11-23"
DAY_MS = 86_400_000
pytestmark = pytest.mark.usefixtures("aws")


@pytest.fixture(autouse=True)
def _on_that_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "clock", lambda: RECEIVED)


def archived(day: str = TODAY) -> list[str]:
    return sorted(event["event_id"] for key in archive.keys(day) for event in archive.read(key))


def messages(*groups: list[str]) -> list[str]:
    return [text for ids in groups for text in pack([made(name) for name in ids], "request")]


def test_batch_becomes_one_object_of_its_day() -> None:
    answer = handler(batch(messages(["e1", "e2"], ["e3"])), Context())

    assert failed(answer) == set()
    assert len(list(archive.keys(TODAY))) == 1
    assert archived() == ["e1", "e2", "e3"]


def test_batch_of_two_days_becomes_two_objects() -> None:
    both = pack([made("e1"), made("e2", received=RECEIVED + DAY_MS)], "request")

    handler(batch(both), Context())

    assert (archived(TODAY), archived(TOMORROW)) == (["e1"], ["e2"])


def test_batch_delivered_again_in_another_order_adds_nothing() -> None:
    sent = messages(["e1", "e2"], ["e3"])

    handler(batch(sent), Context())
    handler(batch(reversed(sent)), Context())

    assert archived() == ["e1", "e2", "e3"]


def test_exposures_are_kept_apart_from_events() -> None:
    sent = pack_exposures([exposed(at=RECEIVED - 1, context='{"country":"größe"}')], "request")

    answer = handler(batch([*sent, *messages(["e1"])]), Context())

    (key,) = archive.keys(TODAY, archive.EXPOSURES)
    (row,) = archive.read(key)
    assert failed(answer) == set()
    assert key.startswith("exposures/date=2026-11-22/")
    assert archived() == ["e1"]
    assert row == {
        "experiment_id": "e",
        "user_id": "u1",
        "variant": "control",
        "timestamp": "2026-11-22T06:59:59.999Z",
        "received_at": "2026-11-22T07:00:00.000Z",
        "context": {"country": "größe"},
    }


def test_exposure_that_is_none_is_poison() -> None:
    sent = pack_exposures([exposed(context="[]")], "request")

    answer = handler(batch([*sent, *messages(["e1"])]), Context())

    assert failed(answer) == {"m0"}
    assert archived() == ["e1"]


def test_poison_is_reported_alone() -> None:
    unwritable = pack([made("bad", properties="[]")], "request")
    sent = [*messages(["e1"]), "not ours", *unwritable, *messages(["e2"])]

    answer = handler(batch(sent), Context())

    assert failed(answer) == {"m1", "m2"}
    assert archived() == ["e1", "e2"]


def test_only_poison_writes_no_object() -> None:
    answer = handler(batch(["{}"]), Context())

    assert failed(answer) == {"m0"}
    assert "Contents" not in boto3.client("s3").list_objects_v2(Bucket="archive")


def test_outage_fails_the_whole_batch() -> None:
    with answering(client.s3(), "PutObject", BUSY_XML), pytest.raises(UnavailableError):
        handler(batch([*messages(["e1"]), "poison"]), Context())


def test_outage_after_the_first_day_keeps_what_was_written() -> None:
    days = [pack([made(f"e{n}", received=RECEIVED + n * DAY_MS)], "request")[0] for n in range(3)]

    with answering(client.s3(), "PutObject", BUSY_XML, when=lambda request: TOMORROW in request.url):
        answer = handler(batch(days), Context())

    assert failed(answer) == {"m1", "m2"}
    assert archived() == ["e0"]


def test_no_time_left_writes_nothing_and_reports_everything() -> None:
    answer = handler(batch(messages(["e1"])), Context(remaining_ms=0))

    assert failed(answer) == {"m0"}
    assert archived() == []


def test_what_was_kept_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    handler(batch([*messages(["e1", "e2"]), "poison"]), Context())

    printed = capsys.readouterr().out
    assert '"EventsArchived":[2.0]' in printed
    assert '"PoisonMessages":[1.0]' in printed
    assert "u1" not in printed


def test_what_comes_so_late_that_its_tombstone_may_have_expired_is_not_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent = pack([made("late", received=RECEIVED - 1), made("last")], "request")
    monkeypatch.setattr(runtime, "clock", lambda: RECEIVED + 120 * DAY_MS)

    answer = handler(batch([*sent, *pack_exposures([exposed(received=RECEIVED - 1)], "request")]), Context())

    assert failed(answer) == set()
    assert archived() == ["last"]
    assert list(archive.keys(TODAY, archive.EXPOSURES)) == []
