"""tools/verify.py: what it prints and its exit code."""

import sys

import pytest

from experimentation import settings
from experimentation.storage import queues
from tests.conftest import now
from tests.experiments import running
from tools import verify


@pytest.fixture(autouse=True)
def _asked(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    running("e", now())
    monkeypatch.setattr(sys, "argv", ["verify", "--experiment", "e"])


def test_equal_counters_are_said_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert verify.main() == 0
    assert capsys.readouterr() == ("0 differing cells\n", "")


def test_dead_letters_are_not_right_either(capsys: pytest.CaptureFixture[str]) -> None:
    queues.send(settings.dead_letter_queue_url("count"), ["message"])

    assert verify.main() == 1
    assert "1 dead letters of any experiment" in capsys.readouterr().out


def test_queues_that_are_not_named_are_said_not_to_be_looked_at(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COUNT_DEAD_LETTER_QUEUE_URL")

    assert verify.main() == 0
    assert "dead letters were not looked for" in capsys.readouterr().err
