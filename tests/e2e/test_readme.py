"""The README's calls, run word for word: each answers at least what the README prints."""

import json
import re
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest

from local.paths import ROOT
from tests.e2e.conftest import RunningStack, start_stack, stop_stack

pytestmark = pytest.mark.e2e

PRINTED_BASE = "http://127.0.0.1:3000"
PRINTED_PASSWORD = "correct-horse-battery-staple"
SECONDS_TO_COUNT = 20


@pytest.fixture
def fresh_stack(tmp_path) -> Iterator[RunningStack]:
    running = start_stack(tmp_path, password=PRINTED_PASSWORD)
    yield running
    stop_stack(running)


def printed_calls() -> tuple[str, list[tuple[str, Any]]]:
    """Return how the story signs in, and each of its calls with the answer that the README prints."""
    story = (ROOT / "README.md").read_text().split("<!-- story -->")[1].split("<!-- /story -->")[0]
    sign_in, *commands = re.findall(r"```sh\n(.*?)```", story, flags=re.DOTALL)
    answers = [json.loads(each) for each in re.findall(r"```json\n(.*?)```", story, flags=re.DOTALL)]
    return sign_in, list(zip(commands, answers, strict=True))


def test_the_calls_answer_what_the_readme_prints(fresh_stack):
    sign_in, calls = printed_calls()

    assert len(calls) == 6
    for command, printed in calls:
        answered = run(fresh_stack, sign_in + command)
        deadline = time.monotonic() + SECONDS_TO_COUNT
        while not holds(answered, printed) and "/results" in command and time.monotonic() < deadline:
            time.sleep(0.3)
            answered = run(fresh_stack, sign_in + command)
        assert holds(answered, printed), (command, answered)


def holds(answered: Any, printed: Any) -> bool:
    """Tell whether the answer has all that is printed; objects may have more members."""
    if isinstance(printed, dict):
        return isinstance(answered, dict) and all(
            name in answered and holds(answered[name], value) for name, value in printed.items()
        )
    return answered == printed


def run(stack: RunningStack, script: str) -> Any:
    script = script.replace(PRINTED_BASE, stack.base_url)
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_the_readme_stays_readable_in_two_minutes():
    lines = (ROOT / "README.md").read_text().splitlines()

    assert len(lines) <= 120
    assert max(map(len, lines)) <= 160
