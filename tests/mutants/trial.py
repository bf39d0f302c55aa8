"""Simulates one seed after the other and exits 1 at the first that finds anything."""

import sys

from tests.simulation.world import simulate


def main(first: int, below: int) -> int:
    """Return 1 when one of the seeds finds anything, and say what."""
    for seed in range(first, below):
        try:
            report = simulate(seed)
        except Exception as error:  # noqa: BLE001 - a world that cannot be judged is noticed, too
            print(f"seed {seed}: {error!r}")
            return 1
        if not report.is_clean():
            print(report.text())
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
