"""`make mutants`: make each bug of the table in a copy of the tree, and fail when one survives."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from tests.mutants.table import MUTANTS, Mutant

ROOT = Path(__file__).parents[2]
NEEDED = ("layers/common/experimentation", "functions", "tests", "template.yaml", "pyproject.toml")
PARALLEL = 2
SECONDS = 900  # a mutant that hangs is noticed, too
_PYTEST = [sys.executable, "-m", "pytest", "-q", "-x"]


def simulation(first: int, below: int) -> list[str]:
    """Return the command that simulates the worlds of these seeds, until one finds something."""
    return [sys.executable, "-m", "tests.mutants.trial", str(first), str(below)]


TRIALS = {
    "simulation": simulation(0, 12),
    "ledger properties": [
        *_PYTEST,
        "--noconftest",
        "--hypothesis-seed=0",
        "tests/domain/counting",
    ],
    "unit tests": [
        *_PYTEST,
        "tests/storage/test_users.py",
        "tests/storage/test_rollups.py",
        "tests/usecases",
    ],
    "more worlds": simulation(12, 60),
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
    chosen = [mutant for mutant in MUTANTS if not names or mutant.name in names]
    if noticed(None).killed_by is not None:
        print("the tests fail without any mutant")
        return 1
    with ThreadPoolExecutor(PARALLEL) as pool:
        outcomes = []
        for outcome in pool.map(noticed, chosen):
            outcomes.append(outcome)
            verdict = outcome.problem or (
                f"killed by {outcome.killed_by}" if outcome.killed_by else "SURVIVED"
            )
            print(f"{outcome.name:<32}{outcome.says:<76}{verdict}", flush=True)
    survivors = [outcome.name for outcome in outcomes if outcome.killed_by is None]
    print(f"{len(outcomes) - len(survivors)} of {len(outcomes)} mutants killed")
    return 1 if survivors else 0


def noticed(mutant: Mutant | None, trials: Mapping[str, list[str]] = TRIALS) -> Outcome:
    """Run the trials in a copy of the tree that has this bug, until one of them fails."""
    name, says = (mutant.name, mutant.says) if mutant else ("none", "the product as it is")
    with tempfile.TemporaryDirectory() as place:
        tree = Path(place)
        for part in NEEDED:
            if (ROOT / part).is_dir():
                shutil.copytree(ROOT / part, tree / part, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / part, tree / part)
        if mutant and not _made(mutant, tree):
            return Outcome(name, says, None, "CANNOT BE MADE: its text does not stand there once")
        for what, command in trials.items():
            try:
                done = subprocess.run(command, cwd=tree, capture_output=True, timeout=SECONDS, check=False)
            except subprocess.TimeoutExpired:
                return Outcome(name, says, f"{what}: it hangs")
            if done.returncode:
                lines = done.stdout.decode().strip().splitlines() or ["it does not start"]
                found = next((line for line in lines if line.startswith("seed ")), lines[0])
                return Outcome(name, says, found[:80] if command[2] == "tests.mutants.trial" else what)
    return Outcome(name, says, None)


def _made(mutant: Mutant, tree: Path) -> bool:
    file = tree / mutant.path
    text = file.read_text()
    if text.count(mutant.old) != 1:
        return False
    file.write_text(text.replace(mutant.old, mutant.new))
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
