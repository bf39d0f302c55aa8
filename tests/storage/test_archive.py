"""The archive's objects: their names, their lines, and reading them back."""

import gzip
import json
from decimal import Decimal

import boto3
import pytest

from experimentation.domain.errors import UnavailableError
from experimentation.storage import archive
from experimentation.storage.aws import client
from experimentation.storage.queue_message import PoisonError
from tests.events import RECEIVED, made
from tests.wire import BUSY_XML, answering

DAY = "2026-11-22"


def test_row_has_exactly_what_the_lake_promises() -> None:
    event = made("e1", at=RECEIVED - 1, value=125_000, properties='{"plan":"größe","n":10.0}')

    [row] = archive.rows([event])[DAY]

    assert row.decode() == (
        '{"event_id":"e1","user_id":"u1","type":"purchase","timestamp":"2026-11-22T06:59:59.999Z",'
        '"received_at":"2026-11-22T07:00:00.000Z","value":12.5,"properties":{"plan":"größe","n":10.0}}'
    )


@pytest.mark.parametrize("value", [0, 1, -1, 9_999, 10_000, -10_000, 1_234_567, 10**13 - 1, -(10**13)])
def test_value_is_exact(value: int) -> None:
    [row] = archive.rows([made("e1", value=value)])[DAY]

    assert json.loads(row, parse_float=Decimal, parse_int=Decimal)["value"] == Decimal(value) / 10_000


def test_events_are_kept_under_the_day_of_receipt() -> None:
    midnight = RECEIVED - RECEIVED % 86_400_000 + 86_400_000
    late = made("late", at=midnight - 90_000_000, received=midnight)

    days = archive.rows([made("last", received=midnight - 1), late])

    assert {day: len(lines) for day, lines in days.items()} == {DAY: 1, "2026-11-23": 1}


def test_properties_with_line_breaks_stay_on_one_line() -> None:
    [row] = archive.rows([made("e1", properties='{\r\n"a": "b\\nc"}')])[DAY]

    assert b"\n" not in row
    assert b"\r" not in row
    assert json.loads(row)["properties"] == {"a": "b\nc"}


@pytest.mark.parametrize(
    "parts",
    [
        {"properties": "{"},
        {"properties": "[]"},
        {"properties": '{"a":NaN}'},
        {"properties": "[" * 100_000},
        {"received": 10**30},
        {"at": -(10**18)},
        {"user_id": "\ud800"},
    ],
)
def test_event_that_cannot_be_written_is_poison(parts: dict[str, object]) -> None:
    with pytest.raises(PoisonError):
        archive.rows([made("e1", **parts)])


@pytest.mark.usefixtures("aws")
def test_same_lines_in_any_order_are_the_same_object() -> None:
    lines = archive.rows([made("e1"), made("e2")])[DAY]

    first = archive.put(DAY, lines)
    again = archive.put(DAY, [*reversed(lines), lines[0]])

    assert first == again
    assert list(archive.keys(DAY)) == [first]


@pytest.mark.usefixtures("aws")
def test_object_is_gzip_without_a_time() -> None:
    key = archive.put(DAY, archive.rows([made("e1")])[DAY])

    content = boto3.client("s3").get_object(Bucket="archive", Key=key)["Body"].read()
    assert key.startswith("events/date=2026-11-22/")
    assert key.endswith(".ndjson.gz")
    assert content[4:8] == b"\0\0\0\0"
    assert gzip.decompress(content).endswith(b"}\n")


@pytest.mark.usefixtures("aws")
def test_what_was_put_can_be_read() -> None:
    key = archive.put(DAY, archive.rows([made("e2"), made("e1")])[DAY])

    assert [event["event_id"] for event in archive.read(key)] == ["e1", "e2"]


@pytest.mark.heavy
@pytest.mark.usefixtures("aws")
def test_keys_of_a_day_go_on_after_a_thousand() -> None:
    s3 = boto3.client("s3")
    for number in range(1_001):
        s3.put_object(Bucket="archive", Key=f"events/date={DAY}/{number}{archive.SUFFIX}", Body=b"")
    s3.put_object(Bucket="archive", Key=f"events/date=2026-11-23/x{archive.SUFFIX}", Body=b"")

    assert len(set(archive.keys(DAY))) == 1_001


@pytest.mark.usefixtures("aws")
def test_busy_bucket_is_an_outage() -> None:
    with answering(client.s3(), "PutObject", BUSY_XML), pytest.raises(UnavailableError):
        archive.put(DAY, [b"{}"])
