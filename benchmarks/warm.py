"""What a call costs in a warm process: ours beside the baseline, with authentication and storage."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.baseline.service import Service
from benchmarks.cpu import Cost, Work, interleaved
from benchmarks.queue import batch_of
from benchmarks.rig import request, running
from benchmarks.served import served
from benchmarks.tables import Section, Table, ms, times
from functions.assignments import assign, assign_all
from functions.events import record, record_batch
from functions.workers import record_events
from tests.factory import Context

ROUNDS = 15
SIZES = (1, 100, 500)
BULK = 20
CALLS = {
    **dict.fromkeys(("repeat", "baseline repeat"), 40),
    **dict.fromkeys(("new", "baseline new", "record 1", "batch 1", "baseline batch 1"), 20),
    **dict.fromkeys(("bulk repeat", "worker 1"), 5),
    **dict.fromkeys(("batch 100", "batch 500", "baseline batch 100", "baseline batch 500"), 2),
    **dict.fromkeys(("bulk new", "worker 25"), 2),
    "served": 1,
}


def measure() -> Section:
    """Return the CPU of each call."""
    running("bench")
    for number in range(BULK - 1):
        running(f"bulk-{number}")
    with _baseline() as service, served() as server:
        works = _ours() | _theirs(service)
        served_ms: list[float] = []
        works["served"] = lambda: served_ms.append(server())
        costs = interleaved(works, ROUNDS, CALLS)
    return _section(costs, median(served_ms))


def _ours() -> dict[str, Work]:
    number = count()
    context = {"country": "DE"}
    repeat = request("assignments/assign", {"user_id": "known", "context": context}, experiment_id="bench")
    bulk = request("assignments/assign_all", {"user_id": "known", "context": context})
    one = request("events/record", _event(0))
    batches = {size: request("events/record_batch") for size in SIZES}
    for user in range(25):
        _done(assign.handler(request("assignments/assign", {"user_id": f"w{user}"}, experiment_id="bench")))

    def new() -> None:
        body = {"user_id": f"n{next(number)}", "context": context}
        _done(assign.handler(repeat | {"body": json.dumps(body)}), 201)

    def bulk_new() -> None:
        body = {"user_id": f"b{next(number)}", "context": context}
        _done(assign_all.handler(bulk | {"body": json.dumps(body)}))

    def batch(size: int) -> Work:
        def send() -> None:
            body = {"events": [_event(next(number)) for _ in range(size)]}
            _done(record_batch.handler(batches[size] | {"body": json.dumps(body)}), 202)

        return send

    def worker(events: int) -> None:
        users = [f"w{user}" for user in range(events)]
        failed = record_events.handler(batch_of(users, f"c{next(number)}"), Context())["batchItemFailures"]
        assert not failed

    return {
        "repeat": lambda: _done(assign.handler(repeat)),
        "new": new,
        "bulk repeat": lambda: _done(assign_all.handler(bulk)),
        "bulk new": bulk_new,
        "record 1": lambda: _done(record.handler(one), 202),
        **{f"batch {size}": batch(size) for size in SIZES},
        "worker 1": lambda: worker(1),
        "worker 25": lambda: worker(25),
    }


def _theirs(service: Service) -> dict[str, Work]:
    number = count()
    path = "/experiments/bench/assignments"

    def ask(user_id: str, status: int) -> None:
        body = {"user_id": user_id, "context": {"country": "DE"}}
        assert service.call("POST", path, body)[0] == status

    def batch(size: int) -> Work:
        def send() -> None:
            body = {"events": [_event(next(number)) for _ in range(size)]}
            assert service.call("POST", "/events/batch", body)[0] == 202

        return send

    ask("known", 201)
    return {
        "baseline repeat": lambda: ask("known", 200),
        "baseline new": lambda: ask(f"n{next(number)}", 201),
        **{f"baseline batch {size}": batch(size) for size in SIZES},
    }


@contextmanager
def _baseline() -> Iterator[Service]:
    with TemporaryDirectory(prefix="bench-") as folder:
        service = Service(Path(folder) / "baseline.db", "bench")
        yield service
        service.close()


def _event(number: int) -> dict[str, object]:
    return {
        "user_id": f"u{number % 1000}",
        "type": "t0",
        "value": 12.5,
        "event_id": f"e{number}",
        "properties": {"plan": "pro", "page": "/checkout"},
    }


def _done(answer: dict[str, object], status: int = 200) -> None:
    assert answer["statusCode"] in {status, 201 if status == 200 else status}, answer


def _section(costs: dict[str, Cost], served_ms: float) -> Section:
    def row(title: str, mine: str, theirs: str | None = None, per: int = 1) -> tuple[str, ...]:
        cost = costs[mine]
        if theirs is None:
            return title, ms(cost.cpu / per), ms(cost.wall / per), "", ""
        other = costs[theirs]
        return (
            title,
            ms(cost.cpu / per),
            ms(cost.wall / per),
            ms(other.cpu / per),
            times(cost.cpu / other.cpu),
        )

    counted = costs["worker 25"].cpu / 25
    both = counted + costs["batch 500"].cpu / 500
    theirs = costs["baseline batch 500"].cpu / 500
    repeat = costs["repeat"]
    rows = [
        row("repeat assignment", "repeat", "baseline repeat"),
        (
            "repeat assignment, baseline served by uvicorn",
            ms(repeat.cpu),
            ms(repeat.wall),
            ms(served_ms),
            times(repeat.cpu / served_ms),
        ),
        row("new assignment", "new", "baseline new"),
        row(f"repeat decision over {BULK} experiments", "bulk repeat"),
        row(f"new decision over {BULK} experiments", "bulk new"),
        row("one event, POST /events", "record 1"),
        *(row(f"per event, batch of {n}", f"batch {n}", f"baseline batch {n}", n) for n in SIZES),
        row("one event, counted by the worker alone", "worker 1"),
        row("per event, counted by the worker (25 users a transaction)", "worker 25", None, 25),
        ("per event, accepted in batches of 500 and counted", ms(both), "", ms(theirs), times(both / theirs)),
    ]
    return Section(
        [
            Table(
                "Warm calls",
                ("call", "CPU ms", "wall ms", "baseline CPU ms", "ours / baseline"),
                rows,
                "The same calls, in turns, medians of "
                f"{ROUNDS} rounds. Ours: the Lambda handler with an event of API Gateway; a JWT "
                f"verified, DynamoDB "
                "and SNS over HTTP (the emulator's own CPU, which AWS would spend, is not counted; "
                "its wait is in "
                "the wall time). Baseline: the ASGI application in process, without a server, a JWT "
                "verified and "
                "the caller's row read, SQLite's whole work included. It commits an event before it answers; "
                "ours counts it later, which is the last row.",
            )
        ],
        {
            "repeat.cpu_ms": costs["repeat"].cpu,
            "new.cpu_ms": costs["new"].cpu,
            "bulk_repeat.cpu_ms": costs["bulk repeat"].cpu,
            "record.cpu_ms": costs["record 1"].cpu,
            "record_batch_100.cpu_ms": costs["batch 100"].cpu,
            "worker_1.cpu_ms": costs["worker 1"].cpu,
            "worker_25.cpu_ms": costs["worker 25"].cpu,
            "repeat.ratio": repeat.cpu / costs["baseline repeat"].cpu,
            "repeat.served_ratio": repeat.cpu / served_ms,
        },
    )
