"""Worker processes: answers, faults, hangs and deaths."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from local.pool import InvocationError, InvocationTimeoutError, Pool
from local.template import Function

CODE = """
import os, time
def echo(event, context):
    return {"event": event, "variable": os.environ.get("X"), "id": context.aws_request_id, "pid": os.getpid()}
def fault(event, context):
    print("this is printed")
    raise KeyError("x")
def hang(event, context):
    time.sleep(60)
def die(event, context):
    os._exit(3)
"""


def function(operation: str, timeout_seconds: int = 20) -> Function:
    return Function(operation, f"made_up.{operation}", timeout_seconds, 128, {}, (), (), ())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "made_up.py").write_text(CODE)
    return tmp_path


def run(folder: Path, story: Callable[[Pool], Awaitable[Any]]) -> Any:
    """Tell a story to a pool of one worker."""

    async def told() -> Any:
        pool = Pool(1, folder / "log", {"LOCAL_FUNCTIONS": str(folder)})
        await pool.start()
        try:
            return await story(pool)
        finally:
            await pool.stop()

    return asyncio.run(told())


def test_a_function_sees_its_event_its_environment_and_its_request_id(folder: Path) -> None:
    async def story(pool: Pool) -> Any:
        return await pool.invoke(function("echo"), {"X": "1"}, {"a": "ü"}, "request-1")

    result = run(folder, story)

    assert (result["event"], result["variable"], result["id"]) == ({"a": "ü"}, "1", "request-1")
    assert result["pid"] != os.getpid()


def test_an_environment_does_not_leak_into_the_next_function(folder: Path) -> None:
    async def story(pool: Pool) -> Any:
        await pool.invoke(function("echo"), {"X": "1"}, {})
        return await pool.invoke(function("echo"), {}, {})

    assert run(folder, story)["variable"] is None


def test_a_fault_is_named_and_its_traceback_is_in_the_log(folder: Path) -> None:
    async def story(pool: Pool) -> Any:
        with pytest.raises(InvocationError, match="KeyError"):
            await pool.invoke(function("fault"), {}, {})
        return await pool.invoke(function("echo"), {}, {})

    assert run(folder, story)["event"] == {}
    assert "this is printed" in (folder / "log").read_text()
    assert "Traceback" in (folder / "log").read_text()


def test_a_function_that_hangs_is_stopped_and_its_process_replaced(folder: Path) -> None:
    async def story(pool: Pool) -> Any:
        with pytest.raises(InvocationTimeoutError):
            await pool.invoke(function("hang", timeout_seconds=2), {}, {})
        return await pool.invoke(function("echo"), {}, {})

    assert run(folder, story)["event"] == {}


def test_a_process_that_dies_is_replaced(folder: Path) -> None:
    async def story(pool: Pool) -> Any:
        with pytest.raises(InvocationError, match="ended"):
            await pool.invoke(function("die"), {}, {})
        return await pool.invoke(function("echo"), {}, {})

    assert run(folder, story)["event"] == {}


def test_a_module_of_python_itself_is_not_taken_for_a_function(folder: Path) -> None:
    async def story(pool: Pool) -> Any:
        with pytest.raises(InvocationError, match="module of Python itself"):
            await pool.invoke(Function("Site", "site.main", 20, 128, {}, (), (), ()), {}, {})

    run(folder, story)
