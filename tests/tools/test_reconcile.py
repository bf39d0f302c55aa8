"""tools/reconcile.py: the archive against the table."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from experimentation.domain.clock import moment
from experimentation.domain.counting.event import Event
from experimentation.storage import archive, event_scan, events, queues
from experimentation.storage.access.audit import Origin
from experimentation.storage.aws import client
from experimentation.usecases import erasing
from experimentation.usecases.runtime import Runtime
from tests.conftest import now
from tests.events import made
from tools import reconcile

DAY_MS = 86_400_000
pytestmark = pytest.mark.usefixtures("aws")


def received(event_id: str, minutes_ago: int = 60, user_id: str = "u1") -> Event:
    return made(event_id, user_id=user_id, received=now() - minutes_ago * 60_000)


def keep(*kept: Event) -> None:
    for day, lines in archive.rows(kept).items():
        archive.put(day, lines)


def store(*stored: Event) -> None:
    for event in stored:
        client.dynamodb().put_item(**events.put(event)["Put"])  # type: ignore[arg-type]


def row(event: Event, printed: str) -> list[int]:
    day = moment(event.received).date().isoformat()
    [line] = [line for line in printed.splitlines() if line.startswith(day)]
    return [int(part) for part in line.split()[1:]]


def test_equal_sides_need_no_explanation(capsys: pytest.CaptureFixture[str]) -> None:
    both = [received("e1"), received("e2"), received("e1", user_id="u2")]
    keep(*both)
    store(*both)

    code = reconcile.main([])

    printed = capsys.readouterr().out
    assert code == 0
    assert row(both[0], printed) == [3, 3, 3, 0, 0]
    assert "0 unexplained" in printed
    assert "u1" not in printed


def test_lines_written_twice_are_one_event(capsys: pytest.CaptureFixture[str]) -> None:
    first, second = received("e1"), received("e2")
    keep(first)
    keep(first, second)
    store(first, second)

    code = reconcile.main([])

    assert code == 0
    assert row(first, capsys.readouterr().out) == [3, 2, 2, 0, 0]


def test_event_that_was_never_counted_is_unexplained(capsys: pytest.CaptureFixture[str]) -> None:
    event = received("e1")
    keep(event)

    code = reconcile.main([])

    assert code == 1
    assert row(event, capsys.readouterr().out) == [1, 1, 0, 1, 0]


def test_event_that_was_never_archived_is_unexplained(capsys: pytest.CaptureFixture[str]) -> None:
    event = received("e1")
    store(event)

    code = reconcile.main([])

    assert code == 1
    assert row(event, capsys.readouterr().out) == [0, 0, 1, 0, 1]


def test_waiting_message_explains_what_is_not_counted() -> None:
    keep(received("e1"))
    queues.send(os.environ["COUNT_QUEUE_URL"], ["message"])

    assert reconcile.main([]) == 0


@pytest.mark.parametrize("queue", ["COUNT_DEAD_LETTER", "COUNT_SUBSCRIPTION_DEAD_LETTER"])
def test_dead_letter_waits_for_nobody_and_explains_nothing(
    queue: str, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(received("e1"))
    queues.send(os.environ[f"{queue}_QUEUE_URL"], ["message"])

    assert reconcile.main([]) == 1
    assert "dead letters: of counting 1, of archiving 0\n1 unexplained" in capsys.readouterr().out


def test_message_for_the_other_worker_explains_nothing() -> None:
    keep(received("e1"))
    queues.send(os.environ["ARCHIVE_QUEUE_URL"], ["message"])

    assert reconcile.main([]) == 1


def test_message_explains_what_is_not_archived() -> None:
    store(received("e1"))
    queues.send(os.environ["ARCHIVE_QUEUE_URL"], ["message"])

    assert reconcile.main([]) == 0


def test_events_on_their_way_are_ignored(capsys: pytest.CaptureFixture[str]) -> None:
    keep(received("e1", minutes_ago=0))
    store(received("e2", minutes_ago=0))

    assert reconcile.main([]) == 0
    assert "not stored" in capsys.readouterr().out


def test_event_sent_again_on_another_day_is_stored_once() -> None:
    first, again = received("e1", minutes_ago=2_000), received("e1", minutes_ago=60)
    keep(first)
    keep(again)
    store(again)

    assert reconcile.main([]) == 0


def test_only_the_days_asked_for_are_compared(capsys: pytest.CaptureFixture[str]) -> None:
    old, young = received("old", minutes_ago=5 * 1440), received("young", minutes_ago=2 * 1440)
    keep(old)
    keep(young)
    store(young)
    since = (moment(young.received).date() - timedelta(days=1)).isoformat()

    assert reconcile.main(["--since", since]) == 0
    assert reconcile.main([]) == 1


def test_segments_together_hold_every_event_once() -> None:
    store(*(received(f"e{n}", user_id=f"u{n}") for n in range(50)))
    client.dynamodb().put_item(TableName="DataTable", Item={"PK": {"S": "USER#u1"}, "SK": {"S": "HEAD"}})

    found = [event.event_id for segment in range(3) for event in event_scan.scan(segment, 3)]

    assert sorted(found) == sorted(f"e{n}" for n in range(50))


def test_scan_goes_on_after_a_megabyte() -> None:
    store(*(made(f"e{n}", properties='{"a":"' + "x" * 300_000 + '"}') for n in range(5)))

    assert len(list(event_scan.scan(0, 1))) == 5


def test_command_finds_the_package_by_itself() -> None:
    root = Path(__file__).parents[2]

    done = subprocess.run([sys.executable, "-m", "tools.reconcile", "--help"], cwd=root, env={}, check=False)

    assert done.returncode == 0


def test_lines_of_the_erased_wait_for_the_archive_and_are_no_difference(
    capsys: pytest.CaptureFixture[str],
) -> None:
    gone, other = received("e1"), received("e2", user_id="u2")
    keep(gone, other)
    store(other)
    erasing.begin("u1", Origin("ada", "203.0.113.7", "tests", now()), Runtime())

    code = reconcile.main([])

    assert code == 0
    assert row(other, capsys.readouterr().out) == [1, 1, 1, 0, 0]
