"""Environments that are restored from one snapshot share all that was made before it: what draws must not."""

import importlib
import random
import sys
from collections.abc import Iterator
from typing import Any

from samtranslator.yaml_helper import yaml_parse

from experimentation.usecases.runtime import Runtime
from local.paths import TEMPLATE

RESOURCES: dict[str, Any] = yaml_parse(TEMPLATE.read_text())["Resources"]
PUBLISHED = [
    each["Properties"]["Handler"].removesuffix(".handler")
    for each in RESOURCES.values()
    if "SnapStart" in each.get("Properties", {})
]


def made_by_importing() -> Iterator[tuple[str, object]]:
    """Yield the globals of the modules that functions with snapshots consist of, and what is in runtimes."""
    for module in PUBLISHED:
        importlib.import_module(f"functions.{module}")
    for name, module in list(sys.modules.items()):
        if name.startswith(("experimentation.", "functions.")):
            for attribute, value in vars(module).items():
                yield f"{name}.{attribute}", value
                if isinstance(value, Runtime):
                    yield f"{name}.{attribute}.rng", value.rng


def test_there_is_something_to_check() -> None:
    assert len(PUBLISHED) == 7
    assert any(isinstance(each, random.SystemRandom) for _, each in made_by_importing())


def test_restored_environments_do_not_draw_the_same() -> None:
    seeded = [
        name
        for name, each in made_by_importing()
        if isinstance(each, random.Random) and not isinstance(each, random.SystemRandom)
    ]
    shared = [
        name for name, each in made_by_importing() if each is random and name.startswith("experimentation.")
    ]

    assert seeded == []
    assert shared == ["experimentation.usecases.runtime.random"]  # for its types alone
