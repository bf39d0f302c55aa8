"""What calls are billed: requests, transactions, read and write units, and how those of an event grow."""

import json
from collections.abc import Callable, Sequence
from functools import partial

from benchmarks.meter import Counts, metered
from benchmarks.queue import batch_of
from benchmarks.rig import request, running
from benchmarks.tables import Section, Table
from experimentation.domain.clock import DAY_MS, rfc3339
from functions.assignments import assign, assign_all, import_assignments
from functions.workers import record_events
from tests.factory import Context

USERS = 25  # as many as one transaction takes
BATCHES = (1, 5, 25)
GROWTH_DAYS = (1, 7, 30, 60, 89)
SEGMENTS = (0, 1, 2, 3)
EXPERIMENTS = (1, 2, 3, 5)
EVENTS_A_USER = (1, 2, 5, 25)
VARIANTS = (2, 4, 10, 20)
SHARDS = (1, 4, 16, 64)
AIM = 4.4


def measure() -> Section:
    """Return the units of each call and of an event in different shapes."""
    calls = _calls()
    young = {
        f"{e} experiment{'s' * (e > 1)}, {m} metric{'s' * (m > 1)}": event_units(
            f"young-{e}-{m}", experiments=e, metrics=m
        )
        for e in (1, 2)
        for m in (1, 3)
    }
    batches = {n: event_units(f"batch-{n}", users=n) for n in BATCHES}
    grown = [
        *(("events a transaction", str(n), *_per_event(counts, n)) for n, counts in batches.items()),
        *_growth("segments", SEGMENTS, lambda n: event_units(f"segments-{n}", segments=n)),
        *_growth(
            "experiments of the user", EXPERIMENTS, lambda n: event_units(f"experiments-{n}", experiments=n)
        ),
        *_growth(
            "events a user at once", EVENTS_A_USER, lambda n: event_units(f"events-{n}", events_a_user=n)
        ),
        *_growth("variants", VARIANTS, lambda n: event_units(f"variants-{n}", variants=n)),
        *_growth("shards", SHARDS, lambda n: event_units(f"shards-{n}", shards=n)),
        *(("days of activity", *row) for row in _by_days()),
    ]
    aim = batches[USERS]["writes"] / USERS
    numbers = {
        f"{name}.{unit}": counts[unit] for name, counts in calls.items() for unit in ("reads", "writes")
    }
    numbers |= {
        f"event_{unit}.{n}": counts[unit] / n
        for n, counts in batches.items()
        for unit in ("reads", "writes", "transactions")
    }
    return Section(
        [
            Table(
                "Units per call",
                ("call", "requests", "transactions", "read units", "write units"),
                [
                    (
                        name,
                        f"{_requests(c):g}",
                        f"{c['transactions']:g}",
                        f"{c['reads']:g}",
                        f"{c['writes']:g}",
                    )
                    for name, c in calls.items()
                ],
                "In a warm environment. Write units as counted by the emulator, read units by "
                "DynamoDB's rule from "
                "the answers (benchmarks/meter.py). A transaction's write is two units per KB.",
            ),
            Table(
                "Units per event, counted by the worker",
                ("young experiments", "transactions", "write units", "read units"),
                [
                    (
                        name,
                        *(f"{c[unit] / USERS:.3f}" for unit in ("transactions", "writes", "reads")),
                    )
                    for name, c in young.items()
                ],
                f"{USERS} users, one event each, in one batch; metrics on types of their own, so "
                f"the events are "
                f"spread over 1 or 3 types. The aim is {AIM} write units at 1 and 1: here {aim:.2f}.",
            ),
            Table(
                "How the units of an event grow",
                ("what", "how many", "transactions", "write units", "read units"),
                grown,
                f"One experiment, one metric, {USERS} users and one event each where nothing else "
                f"is said. Days: the "
                "same users are active on each of so many days, so that counters of pairs of days "
                "fill up, and "
                "the users' ledgers leave HEAD for an item of their own.",
            ),
        ],
        numbers,
    )


def _calls() -> dict[str, Counts]:
    running("units")
    for number in range(19):
        running(f"units-{number}")
    names = ["units", *(f"units-{number}" for number in range(19))]
    one = request(
        "assignments/assign", {"user_id": "u1", "context": {"country": "DE"}}, experiment_id="units"
    )
    warm = one | {"body": json.dumps({"user_id": "warm"})}
    assign.handler(warm)
    twenty = request("assignments/assign_all", {"user_id": "u2", "experiments": names})
    assign_all.handler(request("assignments/assign_all", {"user_id": "warm", "experiments": names}))
    calls: dict[str, Callable[[], object]] = {
        "new assignment": lambda: assign.handler(one),
        "repeat assignment": lambda: assign.handler(one),
        "new decision over 20 experiments": lambda: assign_all.handler(twenty),
        "repeat decision over 20 experiments": lambda: assign_all.handler(twenty),
    }
    return {name: _metered(call) for name, call in calls.items()}


def event_units(
    prefix: str,
    *,
    experiments: int = 1,
    metrics: int = 1,
    segments: int = 0,
    variants: int = 2,
    shards: int = 4,
    events_a_user: int = 1,
    users: int = USERS,
) -> Counts:
    """Return what one batch of 25 events costs, once the users are assigned and the cells exist."""
    names = [f"{prefix}-{n}" for n in range(experiments)]
    for name in names:
        running(name, variants=variants, metrics=metrics, segments=segments, shards=shards)
    people = [f"{prefix}-u{n}" for n in range(users // events_a_user)]
    for user in people:
        body = {"user_id": user, "context": {"s0": "a"}, "experiments": names}
        assert assign_all.handler(request("assignments/assign_all", body))["statusCode"] == 200
    types = [f"t{n}" for n in range(metrics)]
    for number in range(2):
        _work(people * events_a_user, f"{prefix}-warm{number}", types)
    return _metered(lambda: _work(people * events_a_user, prefix, types))


def _by_days() -> list[tuple[str, ...]]:
    last = max(GROWTH_DAYS)
    experiment = running("by-days", days=last)
    started = experiment.started_at or 0
    users = [f"d{n}" for n in range(USERS)]
    stamp = rfc3339(started)
    rows = [{"user_id": u, "variant": f"v{i % 2}", "assigned_at": stamp} for i, u in enumerate(users)]
    body = {"assignments": rows}
    sent = request("assignments/import_assignments", body, experiment_id=experiment.id)
    answer = import_assignments.handler(sent)
    assert answer["statusCode"] == 200, answer
    found: list[tuple[str, ...]] = []
    for day in range(1, last + 1):
        at = started + (day - 1) * DAY_MS + 30_000
        counts = _metered(partial(_work, users, f"day{day}", ["t0"], at))
        if day in GROWTH_DAYS:
            found.append((str(day), *_per_event(counts)))
    return found


def _growth(what: str, values: Sequence[int], events: Callable[[int], Counts]) -> list[tuple[str, ...]]:
    return [(what, str(value), *_per_event(events(value))) for value in values]


def _per_event(counts: Counts, events: int = USERS) -> tuple[str, ...]:
    return tuple(f"{counts[unit] / events:.2f}" for unit in ("transactions", "writes", "reads"))


def _work(users: Sequence[str], prefix: str, types: Sequence[str], at: int | None = None) -> None:
    event = batch_of(users, prefix, types, at)
    assert not record_events.handler(event, Context())["batchItemFailures"]


def _metered(call: Callable[[], object]) -> Counts:
    with metered() as counts:
        call()
    return counts


def _requests(counts: Counts) -> float:
    return sum(count for name, count in counts.items() if name[0].isupper())
