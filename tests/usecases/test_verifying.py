"""Verifying: a difference that lasts is found under traffic, and traffic alone is none."""

import pytest

from experimentation.domain.experiment import Kind, Metric
from experimentation.storage import queues, rollups
from experimentation.storage.aws import client
from experimentation.storage.aws.transactions import commit
from experimentation.usecases import verifying
from experimentation.usecases.assigning import assign
from experimentation.usecases.counting import count_events
from tests.counters import cells
from tests.events import made
from tests.experiments import running
from tests.usecases.conftest import NOW

pytestmark = pytest.mark.usefixtures("aws")


@pytest.fixture
def chosen(runtime, clock, always):
    """An experiment with three users who bought once each."""
    experiment = running("e", NOW - 1_000, metrics=(Metric("buys", "purchase", Kind.COUNT),))
    for n in range(3):
        assign(experiment, f"u{n}", {}, runtime)
    clock.now += 1_000
    buy(runtime, clock, always, *((f"u{n}", "first") for n in range(3)))
    return experiment


def buy(runtime, clock, always, *purchases):
    at = clock.now
    bought = [made(event_id, user_id=user_id, at=at, received=at) for user_id, event_id in purchases]
    assert len(count_events(bought, runtime, always).counted) == len(bought)


def wrong(experiment):
    """Add a purchase to the counters that no user made; return their key."""
    (cell, *_) = cells(experiment, "*#purchase#")
    commit([rollups.add(rollups.partition(experiment, 0), cell.key, {"n": 1}, NOW)])
    return cell.key


@pytest.fixture
def traffic(runtime, clock, always):
    """Let everybody buy before each call of an operation that names an item."""
    events, calls, started = client.dynamodb().meta.events, [], []

    def start(operation, item):
        name = f"before-call.dynamodb.{operation}"

        def buy_again(params, **_):
            if item in params["body"]:
                events.unregister(name, buy_again)
                calls.append(True)
                clock.now += 1
                buy(runtime, clock, always, *((f"u{n}", f"again-{len(calls)}") for n in range(3)))
                events.register(name, buy_again)

        events.register(name, buy_again)
        started.append((name, buy_again))

    yield start
    for name, buy_again in started:
        events.unregister(name, buy_again)


USERS = ("Query", b"ASSIGN#e#0")  # the first that is read of the users
AFTER_USERS = ("Query", b"ASSIGN#e#63")  # the last, and empty here
READING = ("GetItem", b"EXP#e")  # what is read before each reading


def test_counters_that_are_right_do_not_differ(chosen, clock):
    assert verifying.differences("e", clock.now) == []


@pytest.mark.parametrize("moment", [USERS, AFTER_USERS])
def test_traffic_alone_is_no_difference(chosen, clock, traffic, moment):
    traffic(*moment)

    assert verifying.differences("e", clock.now) == []


def test_a_lasting_difference_is_found_though_its_cell_moves_between_the_readings(chosen, clock, traffic):
    _, _, _, variant = wrong(chosen).split("#")
    traffic(*READING)

    (found,) = verifying.differences("e", clock.now)

    assert found.name == f"* purchase {variant} count 0"
    assert found.stored - found.expected == 1


def test_a_difference_is_found_while_less_than_it_is_counted_during_the_reading(chosen, clock, traffic):
    key = wrong(chosen)
    commit([rollups.add(rollups.partition(chosen, 0), key, {"n": 20}, NOW)])
    traffic(*USERS)

    assert len(verifying.differences("e", clock.now)) == 1


def test_what_was_accepted_and_given_up_is_told():
    assert verifying.given_up() == 0
    for name in ("count", "count-subscription", "archive"):
        queues.send(verifying.settings.dead_letter_queue_url(name), ["message"])

    assert verifying.given_up() == 2
