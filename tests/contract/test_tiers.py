"""What a run of the tests leaves out is said at its end, and runs in the second tier."""

import subprocess
import sys

import pytest

from local.paths import ROOT


def run(*arguments: str) -> str:
    """Return what pytest prints on a machine without a browser."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *arguments],
        cwd=ROOT,
        env={"PATH": "/nowhere"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.heavy
def test_browser_tests_without_a_browser_are_named_in_one_line_at_the_end() -> None:
    printed = run("tests/browser/test_access.py", "-n", "2").splitlines()

    (line,) = [each for each in printed if "no chromium" in each]
    assert "test_" in line
    assert "skipped" in printed[-1]


def test_a_heavy_test_runs_in_the_second_tier_alone() -> None:
    heavy = "test_every_figure_is_inside_its_bar"
    collect = ("tests/domain/statistics/test_simulation.py", "--collect-only", "-v")

    assert heavy not in run(*collect)
    assert heavy in run(*collect, "-m", "heavy")
