"""The benchmarks run seldom, in an environment of their own: what they import of ours must be there."""

import ast
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec

import pytest

from local.paths import ROOT

OURS = ("experimentation", "functions", "local", "tools", "tests")
FILES = sorted((ROOT / "benchmarks").glob("**/*.py"))


def imports(source: str) -> Iterator[ast.ImportFrom]:
    """Yield what the source takes from our modules, and what code that it holds as text takes from them."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in OURS:
            yield node
        elif isinstance(node, ast.Constant) and str(node.value).startswith("from experimentation"):
            yield from imports(node.value)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_what_a_benchmark_imports_of_ours_is_there(file) -> None:
    for node in imports(file.read_text()):
        module = import_module(node.module)
        missing = [
            each.name
            for each in node.names
            if not hasattr(module, each.name) and find_spec(f"{node.module}.{each.name}") is None
        ]
        assert missing == [], node.module
