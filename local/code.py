"""The code that functions run on: the sources, or functions and layers as they are built for deployment."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from local.paths import FUNCTIONS, LAYER
from local.template import Function


class Code(NamedTuple):
    """How a worker process is started, and the folders that a function imports from, its own first."""

    python: tuple[str, ...]
    environment: dict[str, str]
    path: Callable[[Function], list[Path]]


def sources(functions: Path = FUNCTIONS) -> Code:
    """Return the sources, with what is installed here."""
    return Code((sys.executable,), {}, lambda _: [functions, LAYER])


def built(folder: Path) -> Code:
    """Return what was built: a function sees its layers and the standard library alone.

    The folder is laid out as `sam build` does it; functions without a folder of their own are in `functions`.
    """

    def path(function: Function) -> list[Path]:
        own = folder / function.name
        layers = [folder / layer / "python" for layer in function.layers]
        return [own if own.is_dir() else folder / "functions", *layers]

    # -S keeps site-packages away; the worker itself needs botocore before it runs any function
    return Code((sys.executable, "-S"), {"PYTHONPATH": str(folder / "CommonLayer" / "python")}, path)
