"""Clients that are generated from the OpenAPI document compile and run the story against a stack."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.e2e.conftest import RunningStack

pytestmark = [pytest.mark.e2e, pytest.mark.heavy, pytest.mark.xdist_group("stack")]

STORIES = Path(__file__).with_name("generated")


@pytest.fixture
def folder(stack: RunningStack, tmp_path: Path) -> Path:
    """The stories, and the document that the stack serves."""
    shutil.copytree(STORIES, tmp_path, dirs_exist_ok=True)
    document = httpx.get(f"{stack.base_url}/openapi.json", timeout=30).raise_for_status()
    (tmp_path / "openapi.json").write_bytes(document.content)
    return tmp_path


def test_a_generated_python_client_runs_the_story(stack: RunningStack, folder: Path) -> None:
    (folder / "config.yaml").write_text("post_hooks: []\n")
    generator = Path(sys.executable).with_name("openapi-python-client")
    options = [
        "--path",
        "openapi.json",
        "--meta",
        "none",
        "--output-path",
        "client",
        "--config",
        "config.yaml",
    ]
    said = _run([str(generator), "generate", *options, "--fail-on-warning"], folder)

    told = _run([sys.executable, "story.py", stack.base_url, stack.token(), "generated-python"], folder)

    assert "WARNING" not in said
    assert told.split() == ["1", "running", "True", "1", "404"]


@pytest.mark.skipif(shutil.which("npm") is None, reason="Node is not installed")
def test_generated_types_compile_in_strict_mode_and_run_the_story(stack: RunningStack, folder: Path) -> None:
    _run(["npm", "install", "--no-audit", "--no-fund", "--no-package-lock"], folder)
    _run(["npm", "run", "generate"], folder)
    _run(["npm", "run", "compile"], folder)

    told = _run(["node", "story.js", stack.base_url, stack.token(), "generated-typescript"], folder)

    assert told.split() == ["1", "running", "true", "1", "404"]


def _run(command: list[str], folder: Path) -> str:
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
