"""The local stack says what a scheduled function told."""

import asyncio
from typing import Any

import pytest

from local import schedule
from local.paths import TEMPLATE
from local.template import read_template


def test_what_a_scheduled_function_told_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "FIRST_RUN_SECONDS", 0)
    functions = {each.name: each for each in read_template(TEMPLATE).functions}
    stopping = asyncio.Event()
    lines: list[str] = []

    async def invoke(*_: Any) -> dict[str, list[str]]:
        stopping.set()
        return {"told": ["Checkout button has started with 100% of users, by alice."]}

    async def once() -> None:
        tending = functions["TendExperimentsFunction"]
        await schedule.run(tending, tending.schedules[0], invoke, stopping, lines.append)

    asyncio.run(once())

    assert lines[0].partition(" ")[2] == ("Checkout button has started with 100% of users, by alice.")
    assert len(lines) == 2
