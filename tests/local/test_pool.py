"""Worker processes: answers, faults, hangs and deaths."""

import asyncio
import os
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from local.access import Permission
from local.code import Code, built, sources
from local.pool import InvocationError, InvocationTimeoutError, Pool, Setting
from local.template import Function
from tests.deployed import DEPLOYED, build

CODE = """
import importlib, os, sys, time
def echo(event, context):
    return {"event": event, "variable": os.environ.get("X"), "id": context.aws_request_id, "pid": os.getpid()}
def fault(event, context):
    print("this is printed")
    raise KeyError("x")
def hang(event, context):
    time.sleep(60)
def read(event, context):
    import boto3
    boto3.client("dynamodb", "us-east-1", endpoint_url="http://127.0.0.1:9").get_item(TableName="t", Key={})
def say(event, context):
    print("this is printed")
    print("and this", file=sys.stderr, flush=True)
    return event
def load(event, context):
    return importlib.import_module(event).__file__
def die(event, context):
    os._exit(3)
"""


def function(operation: str, timeout_seconds: int = 20, module: str = "made_up") -> Function:
    return Function(operation, f"{module}.{operation}", timeout_seconds, 128, {}, (), (), (), ())


def setting(*permissions: Permission, **environment: str) -> Setting:
    return Setting(environment, list(permissions))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "made_up.py").write_text(CODE)
    return tmp_path


def run(folder: Path, story: Callable[[Pool], Awaitable[Any]], code: Code | None = None) -> Any:
    """Tell a story to a pool of one worker."""

    async def told() -> Any:
        pool = Pool(1, folder / "log", {}, code or sources(folder))
        await pool.start()
        try:
            return await story(pool)
        finally:
            await pool.stop()

    return asyncio.run(told())


def test_a_function_sees_its_event_its_environment_and_its_request_id(folder: Path) -> None:
    async def story(pool: Pool) -> Any:
        return await pool.invoke(function("echo"), setting(X="1"), {"a": "ü"}, "request-1")

    result = run(folder, story)

    assert (result["event"], result["variable"], result["id"]) == ({"a": "ü"}, "1", "request-1")
    assert result["pid"] != os.getpid()


def test_an_environment_does_not_leak_into_the_next_function(folder: Path) -> None:
    async def story(pool: Pool) -> Any:
        await pool.invoke(function("echo"), setting(X="1"), {})
        return await pool.invoke(function("echo"), setting(), {})

    assert run(folder, story)["variable"] is None


def test_a_fault_is_named_and_its_traceback_is_in_the_log(folder: Path) -> None:
    async def story(pool: Pool) -> Any:
        with pytest.raises(InvocationError, match="KeyError"):
            await pool.invoke(function("fault"), setting(), {})
        return await pool.invoke(function("echo"), setting(), {})

    assert run(folder, story)["event"] == {}
    assert "this is printed" in (folder / "log").read_text()
    assert "Traceback" in (folder / "log").read_text()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's /dev/full")
def test_a_log_on_a_full_disk_fails_no_function(folder: Path) -> None:
    (folder / "log").symlink_to("/dev/full")

    async def story(pool: Pool) -> Any:
        return [await pool.invoke(function("say"), setting(), number) for number in range(2)]

    assert run(folder, story) == [0, 1]


def test_what_functions_print_is_in_the_log(folder: Path) -> None:
    async def story(pool: Pool) -> Any:
        return await pool.invoke(function("say"), setting(), "x")

    run(folder, story)

    assert sorted((folder / "log").read_text().splitlines()) == ["and this", "this is printed"]


def test_a_function_that_hangs_is_stopped_and_its_process_replaced(folder: Path) -> None:
    async def story(pool: Pool) -> Any:
        with pytest.raises(InvocationTimeoutError):
            await pool.invoke(function("hang", timeout_seconds=2), setting(), {})
        return await pool.invoke(function("echo"), setting(), {})

    assert run(folder, story)["event"] == {}


def test_a_process_that_dies_is_replaced(folder: Path) -> None:
    async def story(pool: Pool) -> Any:
        with pytest.raises(InvocationError, match="ended"):
            await pool.invoke(function("die"), setting(), {})
        return await pool.invoke(function("echo"), setting(), {})

    assert run(folder, story)["event"] == {}


def test_a_module_of_python_itself_is_not_taken_for_a_function(folder: Path) -> None:
    async def story(pool: Pool) -> Any:
        with pytest.raises(InvocationError, match="module of Python itself"):
            await pool.invoke(function("main", module="site"), setting(), {})

    run(folder, story)


@pytest.fixture
def deployed(folder: Path) -> Code:
    """The layers as they are deployed, and the functions of these tests."""
    build()
    (folder / "built").mkdir()
    for layer in ("CommonLayer", "ExportLayer"):
        (folder / "built" / layer).symlink_to(DEPLOYED / layer)
    shutil.copytree(folder, folder / "built" / "functions", ignore=lambda *_: ["built", "log"])
    return built(folder / "built")


@pytest.mark.parametrize(
    ("module", "layers", "found"),
    [
        ("pydantic", ("CommonLayer",), "CommonLayer"),
        ("experimentation", ("CommonLayer",), "CommonLayer"),
        ("arro3.core", ("CommonLayer", "ExportLayer"), "ExportLayer"),
    ],
)
def test_a_built_function_imports_from_its_layers(
    folder: Path, deployed: Code, module: str, layers: tuple[str, ...], found: str
) -> None:
    async def story(pool: Pool) -> Any:
        return await pool.invoke(replace(function("load"), layers=layers), setting(), module)

    assert f"/built/{found}/python/" in run(folder, story, deployed)


@pytest.mark.parametrize("module", ["boto3", "arro3.core", "tests"])
def test_a_built_function_sees_nothing_but_its_layers(folder: Path, deployed: Code, module: str) -> None:
    async def story(pool: Pool) -> Any:
        with pytest.raises(InvocationError, match="ModuleNotFoundError"):
            await pool.invoke(replace(function("load"), layers=("CommonLayer",)), setting(), module)

    run(folder, story, deployed)


def test_a_call_that_no_policy_allows_is_refused(folder: Path) -> None:
    async def story(pool: Pool) -> Any:
        with pytest.raises(InvocationError, match=r"not authorized to perform: dynamodb:GetItem"):
            await pool.invoke(function("read"), setting(Permission("dynamodb:PutItem", "t")), {})

    run(folder, story)
