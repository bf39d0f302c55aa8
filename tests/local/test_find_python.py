"""Where there is only another Python 3, a 3.13 is fetched by it, or one line says what is missing."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from local.paths import ROOT

OTHER_PYTHON = """#!/bin/sh
# A Python 3 that is not 3.13; its pip installs a stand-in for uv, so no network is needed.
case "$*" in
    "-m venv "*)
        [ -z "{no_venv}" ] || exit 1
        mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
    "-m pip install "*uv==*)
        echo "$*" >>"{folder}/pip-calls"
        [ -z "{no_network}" ] || {{ echo "no route to the index" >&2; exit 1; }}
        mkdir -p "{folder}/clone/.venv-python/bin"
        cp "{folder}/uv" "{folder}/clone/.venv-python/bin/uv" ;;
esac
"""
UV = """#!/bin/sh
[ "$*" = "python install --no-bin 3.13" ] || exit 2
mkdir -p "$UV_PYTHON_INSTALL_DIR/cpython-3.13.0-linux/bin"
ln -s "{python}" "$UV_PYTHON_INSTALL_DIR/cpython-3.13.0-linux/bin/python3.13"
"""


def machine(folder: Path, *, no_venv: bool = False, no_network: bool = False) -> Path:
    """Make a machine with make's tools and another Python; return the clone on it."""
    clone = folder / "clone"
    (clone / "local").mkdir(parents=True)
    script = (ROOT / "local" / "find-python").read_text()
    for elsewhere in ("/opt/homebrew", "/usr/local"):
        assert elsewhere in script
        script = script.replace(elsewhere, str(folder / "nowhere"))
    (clone / "local" / "find-python").write_text(script)
    shutil.copytree(ROOT / "requirements", clone / "requirements")
    (folder / "bin").mkdir()
    for tool in ("sh", "dirname", "grep", "cut", "mkdir", "cp", "ln", "cat"):
        found = shutil.which(tool)
        assert found
        (folder / "bin" / tool).symlink_to(found)
    answers = {"folder": folder, "no_venv": "1" * no_venv, "no_network": "1" * no_network}
    for path, text in (
        (folder / "bin" / "python3", OTHER_PYTHON.format(**answers)),
        (folder / "uv", UV.format(python=sys.executable)),
    ):
        path.write_text(text)
        path.chmod(0o755)
    return clone


def find_python(clone: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run find-python as make does."""
    home = clone.parent
    return subprocess.run(
        ["/bin/sh", str(clone / "local" / "find-python")],
        env={"PATH": str(home / "bin"), "HOME": str(home), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("no_venv", [False, True])
def test_another_python_fetches_one_into_the_clone_and_it_is_found_again(
    tmp_path: Path, *, no_venv: bool
) -> None:
    clone = machine(tmp_path, no_venv=no_venv)

    first, second = find_python(clone), find_python(clone)

    assert (first.returncode, second.returncode) == (0, 0), first.stderr
    assert first.stderr == "no Python 3.13 here: fetching one into .venv-python\n"
    assert second.stderr == ""
    assert Path(first.stdout.strip()).samefile(sys.executable)
    assert first.stdout == second.stdout
    assert len((tmp_path / "pip-calls").read_text().splitlines()) == 1


def test_one_line_says_what_is_missing_where_none_can_be_fetched(tmp_path: Path) -> None:
    clone = machine(tmp_path, no_network=True)

    done = find_python(clone)

    assert done.returncode == 1
    assert done.stdout == ""
    (_, line) = done.stderr.splitlines()
    assert line.startswith("Python 3.13 is missing and could not be fetched")
    assert "no route to the index" in (clone / ".venv-python.log").read_text()


def test_a_named_python_is_taken_without_fetching(tmp_path: Path) -> None:
    clone = machine(tmp_path, no_network=True)

    done = find_python(clone, PYTHON=sys.executable)

    assert (done.returncode, done.stderr) == (0, "")
    assert Path(done.stdout.strip()).samefile(sys.executable)
