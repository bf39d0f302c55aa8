"""Runs scheduled functions at their rate while the stack is up, for the first time soon after its start."""

import asyncio
import contextlib
import re
import time
from collections.abc import Awaitable, Callable
from typing import Any

from local.pool import InvocationError
from local.template import Function

UNIT_SECONDS = {"minute": 60, "hour": 3600, "day": 86400}
FIRST_RUN_SECONDS = 20

Invoke = Callable[[Function, dict[str, Any], str], Awaitable[Any]]


def rate_seconds(expression: str) -> int:
    """Seconds between two runs of a `rate(...)` expression.

    >>> rate_seconds("rate(6 hours)")
    21600
    """
    found = re.fullmatch(r"rate\((\d+) (minute|hour|day)s?\)", expression)
    if not found:
        raise ValueError(f"the local stack runs rate(...) schedules only, not {expression}")
    return int(found[1]) * UNIT_SECONDS[found[2]]


async def run(
    function: Function, expression: str, invoke: Invoke, stopping: asyncio.Event, log: Callable[[str], None]
) -> None:
    """Invoke the function at its rate until told to stop."""
    wait: float = FIRST_RUN_SECONDS
    while True:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), wait)
        if stopping.is_set():
            return
        started = time.perf_counter()
        try:
            done = await invoke(function, {}, "")
            for sentence in (done or {}).get("told", []):
                log(f"{time.strftime('%H:%M:%S')} {sentence}")
            note = ""
        except InvocationError as error:
            note = f" - {error}"
        milliseconds = (time.perf_counter() - started) * 1000
        log(f"{time.strftime('%H:%M:%S')} {function.name} scheduled {milliseconds:.0f} ms{note}")
        wait = rate_seconds(expression)
