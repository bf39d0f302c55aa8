"""How answers and computations are compared."""

from collections.abc import Callable
from numbers import Real
from typing import Any

import pytest

from experimentation.domain.clock import DAY_MS
from tests.conftest import now

REL, ABS = 1e-8, 1e-12


@pytest.fixture(scope="session")
def noon() -> int:
    """Return yesterday's noon: a trial that ended then has the same days at whatever hour it is tested."""
    return now() // DAY_MS * DAY_MS - DAY_MS // 2


@pytest.fixture
def same() -> Callable[[Any, Any], None]:
    """Compares two documents: numbers within 1e-8 of their size, the rest exactly, and names every place."""

    def compare(actual: Any, expected: Any) -> None:
        differences = list(_differences(actual, expected, ""))
        assert not differences, "\n".join(differences)

    return compare


def _differences(actual: Any, expected: Any, place: str):
    if isinstance(expected, dict) and isinstance(actual, dict):
        if actual.keys() != expected.keys():
            yield f"{place}: {sorted(actual)} instead of {sorted(expected)}"
        for key in actual.keys() & expected.keys():
            yield from _differences(actual[key], expected[key], f"{place}/{key}")
    elif isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        for index, (mine, his) in enumerate(zip(actual, expected, strict=True)):
            yield from _differences(mine, his, f"{place}/{index}")
    elif isinstance(expected, Real) and not isinstance(expected, bool) and isinstance(actual, (int, float)):
        if actual != pytest.approx(float(expected), rel=REL, abs=ABS):
            yield f"{place}: {actual} instead of {expected}"
    elif actual != expected:
        yield f"{place}: {actual} instead of {expected}"
