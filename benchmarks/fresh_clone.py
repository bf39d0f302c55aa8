"""Seconds that `make run` takes to its ready line, and `make test` to its end, in a fresh clone.

python -m benchmarks.fresh_clone [--no-test]     writes benchmarks/fresh_clone.json, which the report shows

Nothing is taken over from this clone: environments are made and packages fetched anew, with an empty home.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from local.emulator import free_port
from local.paths import ROOT

RECORD = Path(__file__).with_suffix(".json")


def main() -> int:
    """Clone, measure, record."""
    parser = argparse.ArgumentParser(description="Measure `make run` and `make test` in a fresh clone.")
    parser.add_argument("--no-test", action="store_true", help="leave out `make test`")
    chosen = parser.parse_args()
    with TemporaryDirectory(prefix="fresh-") as folder:
        clone = Path(folder) / "clone"
        subprocess.run(["git", "clone", "-q", "--no-hardlinks", ROOT, clone], check=True)
        home = Path(folder) / "home"
        home.mkdir()
        env = {
            name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "VIRTUAL_ENV"))
        }
        env |= {"HOME": str(home), "PORT": str(free_port())}
        commit = subprocess.run(
            ["git", "-C", clone, "rev-parse", "--short", "HEAD"], check=True, capture_output=True, text=True
        ).stdout.strip()
        record: dict[str, object] = {
            "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            "commit": commit,
            "load": round(os.getloadavg()[0], 1),
            "make run, to ready, environments made": _run(clone, env),
            "make run again": _run(clone, env),
        }
        if not chosen.no_test:
            started = time.perf_counter()
            done = subprocess.run(["make", "test"], cwd=clone, env=env, check=False)
            record["make test"] = round(time.perf_counter() - started, 1)
            record["make test passed"] = done.returncode == 0
    RECORD.write_text(json.dumps(record, indent=2) + "\n")
    print(RECORD.read_text())
    return 0


def _run(clone: Path, env: dict[str, str]) -> float:
    """Return the seconds from `make run` to its ready line; then stop it as a person does."""
    started = time.perf_counter()
    process = subprocess.Popen(
        ["make", "run"], cwd=clone, env=env, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    try:
        for line in process.stdout:
            if line.startswith("ready "):
                return round(time.perf_counter() - started, 1)
        raise RuntimeError("make run ended before it was ready")
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.stdout.read()
        process.wait(120)


if __name__ == "__main__":
    sys.exit(main())
