"""What the use cases need of the world, under the tests' control."""

import random
from collections.abc import Callable

import pytest

from experimentation.usecases.runtime import Runtime
from tests.experiments import CREATED_AT

NOW = CREATED_AT + 3_600_000


class Clock:
    """Stands still until it is moved; `pauses` holds what was waited for, in seconds."""

    def __init__(self) -> None:
        self.now = NOW
        self.pauses: list[float] = []

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """The clock of the runtime."""
    return Clock()


@pytest.fixture
def runtime(aws: None, clock: Clock) -> Runtime:
    """An execution environment with AWS in process; pauses take no time."""
    return Runtime(clock=clock, rng=random.Random(1), sleep=clock.pauses.append)


@pytest.fixture
def always() -> Callable[[], bool]:
    """A worker that never runs out of time."""
    return lambda: True
