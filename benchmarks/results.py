"""What GET results costs: at 1,000 and at 500,000 events, by days, variants and shards, open and sealed."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import NamedTuple

from sqlalchemy import insert

from benchmarks.baseline.service import Service
from benchmarks.baseline.tables import Assignment, Event
from benchmarks.cpu import Cost, Work, interleaved
from benchmarks.ledger import SEED, load
from benchmarks.meter import metered
from benchmarks.rig import now, request, running
from benchmarks.tables import Section, Table, ms, times
from experimentation.domain.clock import DAY_MS
from experimentation.domain.experiment import Experiment
from experimentation.usecases.sealing import seal
from functions.results import read

ROUNDS = 9
CALLS = 2
EVENTS_A_USER = 10
FULL_EVENTS_A_USER = 50  # on 30 days: a thousand events fill the counters as half a million do
SMALL, LARGE = 1_000, 500_000
DAYS = 30
SHAPES = tuple((days, variants) for days in (30, 90) for variants in (2, 4))
VARIANTS = (2, 4, 10, 20)
SHARDS = (1, 4, 16, 64)
GROWTH_DAYS = (1, 7, 30, 90)


class Row(NamedTuple):
    """One experiment: its cost open and sealed, what a call reads, and how many items there are."""

    open: Cost
    sealed: Cost
    open_reads: float
    sealed_reads: float


def measure() -> Section:
    """Return the cost of results by size and by shape."""
    sizes, numbers = _sizes()
    wanted = [(days, 2, 4) for days in GROWTH_DAYS]
    wanted += [(days, variants, 4) for days, variants in SHAPES]
    wanted += [(30, variants, 4) for variants in VARIANTS] + [(30, 2, shards) for shards in SHARDS]
    shapes = {f"{d} days, {v} variants, {s} shards": (d, v, s) for d, v, s in sorted(set(wanted))}
    rows = _shapes(shapes)
    table = Table(
        "Results by days, variants and shards",
        ("experiment", "CPU ms, open", "CPU ms, sealed", "read units, open", "read units, sealed"),
        [
            (
                name,
                ms(row.open.cpu),
                ms(row.sealed.cpu),
                f"{row.open_reads:g}",
                f"{row.sealed_reads:g}",
            )
            for name, row in rows.items()
        ],
        f"2,000 users with {EVENTS_A_USER} events each on random "
        f"days, one metric. "
        "Sealed: all days but the last three are in one item each, which the scheduled function does. "
        "The cost follows days x days x variants, and open also the shards; not the events.",
    )
    sealed = rows["30 days, 2 variants, 4 shards"]
    numbers |= {
        "results.cpu_ms": sealed.sealed.cpu,
        "results.reads": sealed.sealed_reads,
        "results.open_reads": sealed.open_reads,
    }
    return Section([sizes, table], numbers)


def _sizes() -> tuple[Table, dict[str, float]]:
    works: dict[int, Work] = {}
    theirs: dict[str, Work] = {}
    experiments: list[Experiment] = []
    counters: list[int] = []
    with TemporaryDirectory(prefix="bench-") as folder:
        services: list[Service] = []
        for events in (SMALL, LARGE):
            users = events // FULL_EVENTS_A_USER
            experiment = running(f"size-{events}", days=DAYS)
            counters.append(load(experiment, users, FULL_EVENTS_A_USER, DAYS))
            experiments.append(experiment)
            works[events] = _results(experiment)
            services.append(_filled(Path(folder) / f"{events}.db", users))
            theirs[f"baseline {events}"] = _baseline_results(services[-1])
        calls = {f"open {events}": CALLS for events in works} | {
            f"sealed {events}": CALLS for events in works
        }
        calls |= {name: 1 if name == f"baseline {LARGE}" else CALLS for name in theirs}
        costs = interleaved(
            {f"open {events}": work for events, work in works.items()} | theirs, ROUNDS, calls
        )
        for experiment in experiments:
            seal(experiment, now(), lambda: True)
        costs |= interleaved({f"sealed {events}": work for events, work in works.items()}, ROUNDS, calls)
        for service in services:
            service.close()
    rows = []
    for state in ("open", "sealed", "baseline"):
        small, large = costs[f"{state} {SMALL}"], costs[f"{state} {LARGE}"]
        rows.append(
            (
                {"open": "ours, open days", "sealed": "ours, sealed", "baseline": "baseline"}[state],
                ms(small.cpu),
                ms(large.cpu),
                times(large.cpu / small.cpu),
                ms(small.wall),
                ms(large.wall),
                times(large.wall / small.wall),
            )
        )
    title = "Results at 1,000 and at 500,000 events"
    header = ("", "CPU ms, 1 k", "CPU ms, 500 k", "ratio", "wall ms, 1 k", "wall ms, 500 k", "ratio")
    note = (
        f"{DAYS} days, 2 variants, {FULL_EVENTS_A_USER} events a user on random days, 4 shards; format full, "
        f"one metric. The small one has {counters[0]:,} counters in its open shards, the large one "
        f"{counters[1]:,}: cost follows the counters, of which there are only so many for so many days; sealed, "
        "both have nearly all. Ours is loaded through the ledger code straight into rollup items; the emulator "
        "answers in the wall time. The baseline joins its assignments and events in SQL and computes one "
        "interval and p-value; ours computes all of GET results."
    )
    ratio = costs[f"sealed {LARGE}"].cpu / costs[f"sealed {SMALL}"].cpu
    opened = costs[f"open {LARGE}"].cpu / costs[f"open {SMALL}"].cpu
    return Table(title, header, rows, note), {
        "results.large_ratio": ratio,
        "results.large_open_ratio": opened,
    }


def _shapes(shapes: dict[str, tuple[int, int, int]]) -> dict[str, Row]:
    """Return each shape's cost; all are measured in turns, first open, then sealed."""
    experiments: dict[str, Experiment] = {}
    for name, (days, variants, shards) in shapes.items():
        slug = f"shape-{days}-{variants}-{shards}"
        experiments[name] = running(slug, days=days, variants=variants, shards=shards)
        load(experiments[name], 2_000, EVENTS_A_USER, days)
    works = {name: _results(experiment) for name, experiment in experiments.items()}
    opened = interleaved(works, ROUNDS, 1)
    open_reads = {name: _reads(work) for name, work in works.items()}
    for experiment in experiments.values():
        seal(experiment, now(), lambda: True)
    sealed = interleaved(works, ROUNDS, 1)
    return {
        name: Row(opened[name], sealed[name], open_reads[name], _reads(work)) for name, work in works.items()
    }


def _reads(work: Callable[[], object]) -> float:
    with metered() as counts:
        work()
    return float(counts["reads"])


def _results(experiment: Experiment) -> Work:
    event = request("results/read", query="format=full", experiment_id=experiment.id)

    def call() -> None:
        answer = read.handler(event)
        assert answer["statusCode"] == 200, answer
        assert json.loads(answer["body"])["metrics"][0]["variants"]["v0"]["count"] > 0

    return call


def _baseline_results(service: Service) -> Work:
    def call() -> None:
        status, body = service.call("GET", "/experiments/bench/results", query="event_type=t0")
        assert status == 200
        assert json.loads(body)["variants"]["v0"]["count"] > 0

    return call


def _filled(path: Path, users: int) -> Service:
    service = Service(path, "bench")
    random = Random(SEED)
    started = time.time_ns() // 1_000_000 - DAYS * DAY_MS
    assigned = [
        {
            "experiment_id": "bench",
            "user_id": f"u{i}",
            "variant": f"v{i % 2}",
            "assigned_at": started,
            "context": {},
        }
        for i in range(users)
    ]
    happened = [
        {
            "event_id": f"e{i}-{n}",
            "user_id": f"u{i}",
            "type": "t0",
            "at": started + random.randrange(DAYS * DAY_MS),
            "value": float(random.randrange(1, 50)),
            "properties": {},
        }
        for i in range(users)
        for n in range(FULL_EVENTS_A_USER)
    ]
    with service.database.engine.begin() as connection:
        connection.execute(insert(Assignment), assigned)
        connection.execute(insert(Event), happened)
        connection.exec_driver_sql("ANALYZE")
    return service
