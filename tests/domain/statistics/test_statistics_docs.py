"""docs/statistics.md: every worked example on the page gives the numbers it shows."""

import doctest
from pathlib import Path

PAGE = Path(__file__).resolve().parents[3] / "docs" / "statistics.md"


def test_every_example_gives_the_numbers_it_shows() -> None:
    result = doctest.testfile(str(PAGE), module_relative=False)

    assert result.attempted > 40
    assert result.failed == 0
