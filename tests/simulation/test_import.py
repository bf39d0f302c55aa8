"""Assignments of many users who have done things already are imported in one pass, as if known all along."""

from collections import Counter, defaultdict
from itertools import batched
from random import Random
from statistics import mean, variance
from unittest.mock import patch

import pytest

from experimentation.domain.clock import DAY_MS, HOUR_MS
from experimentation.domain.counting.event import Event
from experimentation.domain.experiment import Kind, Metric
from experimentation.usecases.counting import count_events
from functions.assignments import import_assignments
from functions.results import read as results
from tests.experiments import running
from tests.simulation.api import call, text_of
from tests.simulation.environments import ENVIRONMENT, Environment, Pool, installed
from tests.simulation.faults import Faults
from tests.simulation.schedule import Schedule
from tests.simulation.services import DynamoDB, Wire
from tests.simulation.table import Table

NOW = 20_000 * DAY_MS + 5 * HOUR_MS
STARTED = NOW - 4 * DAY_MS
ROWS = 500  # of one request
REQUEST_MS = 29_000
COUNTRIES = ("DE", "US", "FR")
METRICS = (Metric("buyers", "buy", Kind.CONVERSION), Metric("spent", "buy", Kind.VALUE))

type Rows = list[tuple[str, str, int, str]]
"""User, variant, when assigned, and country."""


def histories(rng: Random, users: int) -> tuple[list[Event], Rows]:
    """Return what users did on the days of the experiment and before, and how they are to be assigned."""
    events: list[Event] = []
    rows: Rows = []
    for n in range(users):
        for number in range(rng.choice([1, 1, 2])):
            at = NOW - rng.randrange(1, 6 * DAY_MS)
            value = rng.randrange(1, 100) * 10_000
            kind = rng.choice(["buy", "buy", "view"])
            events.append(Event(f"u{n}", f"e{n}-{number}", kind, at, max(at, NOW - DAY_MS), value))
        at = NOW - rng.randrange(1, 5 * DAY_MS)
        rows.append((f"u{n}", rng.choice(["control", "treatment"]), at, rng.choice(COUNTRIES)))
    return events, rows


def joined(events: list[Event], rows: Rows, first: int, last: int) -> dict[str, dict[str, tuple[float, ...]]]:
    """Return by metric and variant: users, converters, events, their sum, and mean and variance per user."""
    spent: dict[str, Counter[str]] = defaultdict(Counter)
    numbers: dict[str, Counter[str]] = defaultdict(Counter)
    of = {user_id: (variant, at) for user_id, variant, at, _ in rows}
    for event in events:
        variant, at = of[event.user_id]
        if event.type == "buy" and event.at >= at and first <= event.at // DAY_MS <= last:
            spent[variant][event.user_id] += event.value // 10_000
            numbers[variant][event.user_id] += 1
    found: dict[str, dict[str, tuple[float, ...]]] = {"buyers": {}, "spent": {}}
    for variant in ("control", "treatment"):
        users = [user for user, key, at, _ in rows if key == variant and at // DAY_MS <= last]
        bought, sums = numbers[variant], spent[variant]
        totals = [sums[user] for user in users]
        converted = [int(user in bought) for user in users]
        figures = (len(users), len(bought), sum(bought.values()), sum(sums.values()))
        found["buyers"][variant] = (*figures, mean(converted), variance_of(converted))
        found["spent"][variant] = (*figures, mean(totals), variance_of(totals))
    return found


def variance_of(numbers: list[int]) -> float:
    return float(variance(map(float, numbers)))


def shown(query: dict[str, object]) -> dict[str, dict[str, tuple[float, ...]]]:
    """Return the same from the results."""
    body = call(results.handler, {"experiment_id": "e"}, {"format": "full", **query}).body
    names = ("users", "converters", "count", "sum", "mean", "variance")
    return {
        each["key"]: {
            key: tuple(figures[name] for name in names) for key, figures in each["variants"].items()
        }
        for each in body["metrics"]
    }


def imported(rows: Rows, schedule: Schedule) -> tuple[Counter[str], float]:
    """Import in one pass of calls; return what became of the rows, and how long the longest call took."""
    became: Counter[str] = Counter()
    longest = 0.0
    for some in batched(rows, ROWS, strict=False):
        body = [
            {"user_id": user, "variant": variant, "assigned_at": text_of(at), "context": {"country": country}}
            for user, variant, at, country in some
        ]
        began = schedule.now
        answer = call(import_assignments.handler, {"experiment_id": "e"}, body={"assignments": body})
        longest = max(longest, schedule.now - began)
        became.update(each["status"] for each in answer.body["assignments"])
    return became, longest


@pytest.mark.parametrize("users", [300, pytest.param(20_000, marks=pytest.mark.heavy)])
def test_users_who_have_events_are_imported_in_one_pass_and_count_as_brute_force_says(users):
    schedule = Schedule(1, NOW)
    client = DynamoDB(Wire(schedule, Faults()), Table(schedule, page_items=1_000))
    events, rows = histories(Random(users), users)
    first, last = STARTED // DAY_MS + 1, STARTED // DAY_MS + 2

    def story(environment: Environment) -> list[object]:
        running("e", STARTED, metrics=METRICS, overrides={})
        counted = count_events(events, environment.runtime, lambda: True).counted
        became, longest = imported(rows, schedule)
        assert longest < REQUEST_MS
        window = {"start_date": text_of(first * DAY_MS)[:10], "end_date": text_of(last * DAY_MS)[:10]}
        return [len(counted), became, shown({}), shown(window)]

    with patch.dict("os.environ", ENVIRONMENT), installed(schedule, {"dynamodb": client}, {}):
        outcome: list[object] = []
        Pool(schedule, Faults(), DAY_MS).invoke(story, outcome.append)
        schedule.run()

    if isinstance(outcome[0], BaseException):
        raise outcome[0]
    (stored, became, whole, windowed) = outcome[0]
    assert (stored, became) == (len(events), {"stored": users})
    for found, wanted in (
        (whole, joined(events, rows, 0, 1 << 40)),
        (windowed, joined(events, rows, first, last)),
    ):
        for metric, variants in wanted.items():
            for key, figures in variants.items():
                assert found[metric][key] == pytest.approx(figures, rel=1e-9)
