"""What the layers are made of is locked by its hash, and the tests run on just that."""

import re
from importlib.metadata import version
from pathlib import Path

import pytest

from local.paths import ROOT

LAYERS = [ROOT / "layers" / "common", ROOT / "layers" / "export"]
PIN = re.compile(r"^([a-z0-9-]+)==(\S+)", re.MULTILINE)


def pins(path: Path) -> dict[str, str]:
    """Return the versions by name in a file of requirements."""
    return dict(PIN.findall(path.read_text()))


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.name)
def test_the_lock_has_what_is_required(layer: Path) -> None:
    required = pins(layer / "requirements.in")

    assert required
    assert required.items() <= pins(layer / "requirements.txt").items(), "run `make lock`"


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.name)
def test_every_file_of_the_lock_has_its_hash_and_no_registry_is_named(layer: Path) -> None:
    lock = (layer / "requirements.txt").read_text()

    assert len(
        re.findall(r"^\S+==\S+(?: ; [^\n]+)? \\\n    --hash=sha256:[0-9a-f]{64}", lock, re.MULTILINE)
    ) == len(pins(layer / "requirements.txt"))
    assert "://" not in lock
    assert "--require-hashes" in (layer / "Makefile").read_text()


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.name)
def test_the_tests_run_on_the_locked_versions(layer: Path) -> None:
    locked = pins(layer / "requirements.txt")

    assert {name: version(name) for name in locked} == locked
