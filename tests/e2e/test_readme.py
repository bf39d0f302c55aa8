"""The README's calls, run word for word: they answer what it prints, but for times, ids and tokens."""

import re
import subprocess
import time
from collections.abc import Iterator

import pytest

from local.paths import ROOT
from tests.e2e.conftest import RunningStack, start_stack, stop_stack

pytestmark = pytest.mark.e2e

PRINTED_BASE = "http://127.0.0.1:3000"
PRINTED_PASSWORD = "correct-horse-battery-staple"
CHANGING = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z|\"days_left\":\d+|about \d+ more days")


@pytest.fixture
def fresh_stack(tmp_path) -> Iterator[RunningStack]:
    running = start_stack(tmp_path, password=PRINTED_PASSWORD)
    yield running
    stop_stack(running)


def printed_calls() -> list[tuple[str, str]]:
    """Return each command of the story with the answer that the README prints."""
    story = (ROOT / "README.md").read_text().split("<!-- story -->")[1].split("<!-- /story -->")[0]
    calls = []
    for block in re.findall(r"```console\n\$ (.*?)```", story, flags=re.DOTALL):
        lines = block.rstrip("\n").split("\n")
        answer = lines[-1] if lines[-1].startswith("{") else ""
        calls.append(("\n".join(lines[:-1] if answer else lines), answer))
    return calls


def test_the_seven_calls_answer_what_the_readme_prints(fresh_stack):
    calls = printed_calls()
    login, rest = calls[0][0], calls[1:]

    assert len(calls) == 7
    for command, printed in rest:
        answered = run(fresh_stack, f"{login}\n{command}")
        deadline = time.monotonic() + 20
        while "format=summary" in command and '"as_of"' in answered and time.monotonic() < deadline:
            if CHANGING.sub("*", answered) == CHANGING.sub("*", printed):
                break
            time.sleep(0.3)
            answered = run(fresh_stack, f"{login}\n{command}")
        assert CHANGING.sub("*", answered) == CHANGING.sub("*", printed), command


def run(stack: RunningStack, script: str) -> str:
    script = script.replace(PRINTED_BASE, stack.base_url)
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    return done.stdout


def test_the_readme_stays_readable_in_two_minutes():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150
