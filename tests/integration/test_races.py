"""Races over the wire on the emulator: one answer per user, every event once, and verify finds nothing."""

import multiprocessing
import random
from concurrent.futures import ThreadPoolExecutor

import pytest

from experimentation.clock import wall_clock
from experimentation.domain.counting.counters import EVERYONE
from experimentation.domain.counting.event import Event
from experimentation.domain.experiment import Experiment, Kind, Metric, Role
from experimentation.storage import experiments, rollups
from experimentation.storage.aws import client
from experimentation.usecases.analysing import Question, find
from experimentation.usecases.assigning import Reason, assign
from experimentation.usecases.counting import count_events
from experimentation.usecases.runtime import Runtime
from experimentation.usecases.verifying import differences
from tests.counters import cells
from tests.experiments import running

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("emulator")]


def started(name: str) -> Experiment:
    metrics = (
        Metric("bought", "buy", Kind.CONVERSION, role=Role.PRIMARY),
        Metric("spent", "buy", Kind.VALUE),
    )
    return running(name, wall_clock(), metrics=metrics)


def enrolled(experiment: Experiment) -> int:
    fresh = experiments.read(experiment.id, consistent=True)
    found = cells(fresh, f"{EVERYONE}#", rollups.enrolment_partition)
    return sum(cell.counters["n"] for cell in found)


def test_500_racing_first_assignments_of_one_user_give_one_answer(emulator):
    experiment = started("one-user")

    with ThreadPoolExecutor(32) as pool:
        decisions = list(
            pool.map(lambda _: assign(experiment, "u", {"country": "DE"}, Runtime()), range(500))
        )

    assert len({(each.variant, each.assigned_at) for each in decisions}) == 1
    assert [each.reason for each in decisions].count(Reason.ASSIGNED) == 1
    assert enrolled(experiment) == 1


@pytest.mark.heavy
def test_200_users_with_10_racing_calls_each_have_one_variant_each(emulator):
    experiment = started("many-users")
    calls = [f"u{n}" for n in range(200)] * 10
    random.Random(3).shuffle(calls)
    runtimes = [Runtime() for _ in range(8)]

    with ThreadPoolExecutor(32) as pool:
        decisions = list(
            pool.map(lambda call: assign(experiment, call[1], {}, runtimes[call[0] % 8]), enumerate(calls))
        )

    answers = {}
    for each in decisions:
        answers.setdefault(each.user_id, set()).add((each.variant, each.assigned_at))
    assert {len(each) for each in answers.values()} == {1}
    assert enrolled(experiment) == 200
    assert differences(experiment.id, wall_clock()) == []


def work_off(environment: dict[str, str], batches: list[list[Event]], seed: int) -> int:
    """Count the batches in a process of its own, as a Lambda environment does; return how many counted."""
    import os  # noqa: PLC0415 - this runs in another process

    os.environ |= environment
    client.reset()
    runtime = Runtime(rng=random.Random(seed))
    return sum(len(count_events(batch, runtime, lambda: True).counted) for batch in batches)


def test_worker_processes_racing_with_assignments_count_everything_once(emulator):
    first, second = started("race-1"), started("race-2")
    chance = random.Random(11)
    users = [f"racer-{n}" for n in range(40)]
    runtime = Runtime()
    for user in users[:30]:
        assign(first, user, {"country": chance.choice(["DE", "US", "FR"])}, runtime)
    now = wall_clock()
    events = [
        Event(chance.choice(users), f"e{n}", chance.choice(["buy", "view"]), now, now, n * 100)
        for n in range(400)
    ]
    deliveries = [events[start : start + 40] for start in range(0, len(events), 40)]
    shuffled = [[*each, *chance.sample(events, 10)] for each in deliveries]
    shares = [shuffled, shuffled[::-1], shuffled[5:] + shuffled[:5]]

    with multiprocessing.get_context("spawn").Pool(3) as pool:
        counting = pool.starmap_async(
            work_off, [(emulator.env, share, seed) for seed, share in enumerate(shares)]
        )
        for user in users:
            assign(second, user, {"country": "DE"}, runtime)
            assign(first, user, {"country": "DE"}, runtime)
        counted = counting.get(120)

    assert sum(counted) == len(events)
    assert differences("race-1", wall_clock()) == []
    assert differences("race-2", wall_clock()) == []
    found = find(experiments.read("race-1", consistent=True), Question(event_types=("buy",)), wall_clock())
    totals = found.analysis.metrics[0].variants.values()
    on_time = {event.event_id for event in events if event.user_id in users[:30] and event.type == "buy"}
    assert sum(arm.count for arm in totals) == len(on_time)
