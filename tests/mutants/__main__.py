"""`make mutants`: apply each patch to a copy of the tree, and fail when one does not apply or survives."""

import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PATCHES = sorted(Path(__file__).parent.glob("*.patch"))
NEEDED = ("layers/common/experimentation", "functions", "tests", "template.yaml", "pyproject.toml")
PARALLEL = 2
SECONDS = 900  # a mutant that hangs is noticed, too
_PYTEST = [sys.executable, "-m", "pytest", "-q", "-x"]
TRIALS = {
    "ledger properties": [
        *_PYTEST,
        "--noconftest",
        "--hypothesis-seed=0",
        "tests/domain/counting",
    ],
    "simulation": [sys.executable, "-m", "tests.mutants.trial", "40"],
    "unit tests": [*_PYTEST, "tests/storage/test_users.py", "tests/usecases"],
}
"""Quickest first; what the first of them notices, the others need not."""


class Outcome(NamedTuple):
    """What became of one mutant: killed by something, or not."""

    name: str
    says: str
    killed_by: str | None
    problem: str = ""


def main(names: list[str]) -> int:
    """Try the mutants whose names are given, or all, and print what became of each."""
    chosen = [patch for patch in PATCHES if not names or patch.stem in names]
    if _noticed(None).killed_by is not None:
        print("the tests fail without any mutant")
        return 1
    with ThreadPoolExecutor(PARALLEL) as pool:
        outcomes = []
        for outcome in pool.map(_noticed, chosen):
            outcomes.append(outcome)
            verdict = outcome.problem or (
                f"killed by {outcome.killed_by}" if outcome.killed_by else "SURVIVED"
            )
            print(f"{outcome.name:<32}{outcome.says:<76}{verdict}", flush=True)
    survivors = [outcome.name for outcome in outcomes if outcome.killed_by is None]
    print(f"{len(outcomes) - len(survivors)} of {len(outcomes)} mutants killed")
    return 1 if survivors else 0


def _noticed(patch: Path | None) -> Outcome:
    """Run the trial in a copy of the tree, with the patch applied."""
    name = patch.stem if patch else "none"
    says = patch.read_text().splitlines()[0] if patch else "the product as it is"
    with tempfile.TemporaryDirectory() as place:
        tree = Path(place)
        for part in NEEDED:
            if (ROOT / part).is_dir():
                shutil.copytree(ROOT / part, tree / part, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / part, tree / part)
        if patch and subprocess.run(["git", "apply", patch], cwd=tree, check=False).returncode:
            return Outcome(name, says, None, "DOES NOT APPLY")
        for what, command in TRIALS.items():
            try:
                done = subprocess.run(command, cwd=tree, capture_output=True, timeout=SECONDS, check=False)
            except subprocess.TimeoutExpired:
                return Outcome(name, says, f"{what}: it hangs")
            if done.returncode:
                lines = done.stdout.decode().strip().splitlines() or ["it does not start"]
                return Outcome(name, says, lines[0][:80] if what == "simulation" else what)
    return Outcome(name, says, None)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
