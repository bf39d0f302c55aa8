"""`make chaos`: thousands of small worlds of faults, then a large one and what exactly-once costs in it."""

import argparse
import sys
import time
from concurrent.futures import ProcessPoolExecutor

from tests.simulation.world import Report, Size, simulate

EVENTS_PER_USER = 25
EVENTS_PER_BURST = 400


def main() -> int:
    """Run, print the figures, and fail when anything is lost, double or wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1, help="of the large world")
    parser.add_argument("--worlds", type=int, default=3_000, help="small ones, with seeds from 0 on")
    given = parser.parse_args()
    not_clean = 0
    with ProcessPoolExecutor() as pool:
        for text in filter(None, pool.map(finding, range(given.worlds), chunksize=5)):
            print(text, flush=True)
            not_clean += 1
    print(f"{'small worlds':<28}{given.worlds:>14,}")
    print(f"{'of them not clean':<28}{not_clean:>14,}", flush=True)
    return large_world(given.events, given.seed) or int(not_clean > 0)


def finding(seed: int) -> str:
    """Return what one small world found, or nothing."""
    report = simulate(seed)
    return "" if report.is_clean() else report.text()


def large_world(events: int, seed: int) -> int:
    """Run one, print its figures, and return 1 where anything is wrong."""
    size = Size(
        events=events,
        users=max(10, events // EVENTS_PER_USER),
        bursts=max(5, events // EVENTS_PER_BURST),
        types=4,
        concurrency=20,
        batch=20,
        tuned=False,
    )
    started = time.process_time()
    report = simulate(seed, size)
    for name, figure in rows(report):
        print(f"{name:<28}{figure:>14}")
    print(f"{'CPU seconds':<28}{time.process_time() - started:>14.0f}")
    if report.is_clean():
        return 0
    print(report.text())
    return 1


def rows(report: Report) -> list[tuple[str, str]]:
    """Return the figures that are worth reading."""
    verdict, figures = report.verdict, report.figures
    events = verdict.events or 1
    counting = sum(
        figures[f"write units of {name}"] for name in ("HEAD", "METRIC", "EVENT", "PAST", "ROLLUP")
    )
    return [
        ("events stored", f"{verdict.events:,}"),
        ("assignments", f"{verdict.assignments:,}"),
        ("lost", f"{verdict.lost:,}"),
        ("double", f"{verdict.double:,}"),
        ("wrong windows", f"{verdict.wrong_windows:,}"),
        ("differing cells", f"{verdict.differing:,}"),
        ("other findings", f"{len(verdict.others) + len(report.problems):,}"),
        ("windows compared", f"{verdict.windows:,}"),
        ("duplicates met", f"{figures['EventsDuplicate']:,}"),
        ("conflicts", f"{figures['Conflicts']:,}"),
        ("retries of callers", f"{figures['tried again']:,}"),
        ("invocations killed", f"{figures['killed']:,}"),
        ("dead letters replayed", f"{figures['MessagesReplayed']:,}"),
        ("transactions per event", f"{figures['Transactions'] / events:.3f}"),
        ("write units per event", f"{counting / events:.2f}"),
    ]


if __name__ == "__main__":
    sys.exit(main())
