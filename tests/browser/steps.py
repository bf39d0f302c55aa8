"""What tests of the console wait for, and when."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


def until(happened: Callable[[], bool]) -> None:
    """Wait for what the workers do by themselves."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if happened():
            return
        time.sleep(0.25)
    raise AssertionError("it did not happen in time")


def days_ago(days: int) -> str:
    """Return the time so many days ago, as the API takes it."""
    moment = datetime.now(UTC) - timedelta(days=days)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
