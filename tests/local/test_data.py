"""The folder of a local stack's data."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.data import Data


@pytest.fixture(autouse=True)
def _own_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def test_nobody_else_reads_what_a_stack_keeps(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o755)
    for name in ("lock", "state.lock", "password"):  # of an older version's run
        (folder / name).write_text("")
        (folder / name).chmod(0o644)
    data = Data(folder, reset=False)
    data.keep_password("a longer passphrase")
    (folder / "state").mkdir()
    (folder / "state" / "secretsmanager.json").write_text("{}")  # as the emulator's process does

    data._lock.close()

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in [folder, *folder.rglob("*")]}

    assert all(mode & 0o077 == 0 for mode in modes.values()), modes
