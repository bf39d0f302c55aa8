"""Run every benchmark side by side, and write benchmarks/RESULTS.md and measured.json.

python -m benchmarks [SECTION...]      sections: startup, sending, warm, units, results; all by default
"""

import json
import os
import platform
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import fresh_clone, results, sending, startup, units, warm
from benchmarks.rig import request, rig, running
from benchmarks.tables import Section, Table
from functions.assignments import assign
from local.paths import ROOT

HERE = Path(__file__).parent
REPORT, NUMBERS = HERE / "RESULTS.md", HERE / "measured.json"
DEPLOYED = ROOT / "build" / "bench"
AIMS = (
    ("repeat assignment against the baseline", "repeat.ratio", 0.25),
    ("start of the assignment function against a bare process", "startup.ratio", 1.25),
    ("start of the results function against the assignment's", "startup.results_ratio", 1.10),
    ("results at 500,000 events against 1,000, sealed", "results.large_ratio", 1.10),
    ("results at 500,000 events against 1,000, open", "results.large_open_ratio", 1.10),
    ("write units per event, young, 25 a transaction", "event_writes.25", 4.4),
)
WHY = (
    "A repeat assignment is one GetItem, and most of its CPU is that call: botocore makes, signs and reads it, "
    "http.client sends it (docs/decisions/0009). The baseline has no network on that path, because its database "
    "is in the process. Results follow the counters that are read, not the events: with open days a thousand "
    "events fill fewer of them."
)


def _startup() -> Section:
    with rig() as env, _quiet():
        running("bench")
        assign.handler(request("assignments/assign", {"user_id": "u1"}, experiment_id="bench"))
        return startup.measure(startup.deploy(DEPLOYED), env)


def _in_rig(measure: Callable[[], Section]) -> Callable[[], Section]:
    def section() -> Section:
        with rig(), _quiet():
            return measure()

    return section


SECTIONS: dict[str, Callable[[], Section]] = {
    "startup": _startup,
    "sending": sending.measure,
    "warm": _in_rig(warm.measure),
    "units": _in_rig(units.measure),
    "results": _in_rig(results.measure),
}


class _quiet:  # noqa: N801 - reads as a statement
    """The functions log to standard output; for the time of a measurement it goes nowhere."""

    def __enter__(self) -> None:
        self._kept = sys.stdout
        sys.stdout = Path(os.devnull).open("w")

    def __exit__(self, *_: object) -> None:
        sys.stdout.close()
        sys.stdout = self._kept


def main() -> int:
    """Measure and write; a run of some sections only prints them."""
    chosen = sys.argv[1:] or list(SECTIONS)
    started = time.perf_counter()
    found: list[Section] = []
    for name in chosen:
        print(f"{name} ...", flush=True)
        found.append(SECTIONS[name]())
        print(f"{name}: done after {time.perf_counter() - started:.0f} s", flush=True)
    numbers = {name: value for section in found for name, value in section.numbers.items()}
    tables = "\n".join(table.markdown() for section in found for table in section.tables)
    if set(chosen) != set(SECTIONS):
        print(tables)
        return 0
    numbers["startup.ratio"] = numbers["startup.assign"] / numbers["startup.bare"]
    numbers["startup.results_ratio"] = numbers["startup.results"] / numbers["startup.assign"]
    NUMBERS.write_text(
        json.dumps({name: round(numbers[name], 3) for name in sorted(numbers)}, indent=2) + "\n"
    )
    parts = [_head(time.perf_counter() - started), _aims(numbers).markdown(), _fresh(), tables]
    REPORT.write_text("\n".join(parts).rstrip() + "\n")
    print(f"written: {REPORT.relative_to(ROOT)}, {NUMBERS.relative_to(ROOT)}")
    return 0


def _head(seconds: float) -> str:
    when = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    load = " ".join(f"{each:.1f}" for each in os.getloadavg())
    return f"""# What the platform costs, measured

Written by `make bench` (`python -m benchmarks`) on {when}, in {seconds / 60:.0f} minutes:
{os.cpu_count()} cores of {_processor()}, Python {platform.python_version()}, load averages {load} at the end.
CPU is user and system time of the measured process; what is in one table was measured in turns in one run, so
compare ratios, not machines. Money: docs/cost.md.
"""


def _aims(numbers: dict[str, float]) -> Table:
    rows = [
        (name, f"{numbers[key]:.2f}", f"{bar:.2f}", "met" if numbers[key] <= bar else "missed")
        for name, key, bar in AIMS
    ]
    return Table("Aims", ("what", "measured", "aim, at most", ""), rows, WHY)


def _fresh() -> str:
    if not fresh_clone.RECORD.exists():
        note = "Not measured yet: `python -m benchmarks.fresh_clone` measures and records them."
        return f"## From a fresh clone\n\n{note}\n"
    record = json.loads(fresh_clone.RECORD.read_text())
    rows = [
        (name, f"{value} s") for name, value in record.items() if isinstance(value, float) and name != "load"
    ]
    note = (
        f"Recorded by `python -m benchmarks.fresh_clone` on {record['date']} at commit "
        f"{record['commit']}, load "
        f"average {record['load']}, with an empty home: packages are fetched anew."
    )
    return Table("From a fresh clone", ("command", "seconds"), rows, note).markdown()


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


if __name__ == "__main__":
    sys.exit(main())
