"""The largest allowed users: DynamoDB's limits lose none of their events."""

import json
from dataclasses import replace

import pytest

from experimentation.domain.assignment import Reason
from experimentation.domain.clock import DAY_MS, HOUR_MS, day_number
from experimentation.domain.counting.batching import recorded
from experimentation.domain.counting.ledger import Boundary, Head
from experimentation.domain.counting.recording import Ledger
from experimentation.domain.counting.room import has_room
from experimentation.domain.counting.user import StoredUser
from experimentation.domain.counting.writes import CounterWrite
from experimentation.domain.experiment import Kind, Metric, Segment, Status
from experimentation.storage import events, experiments, rollups, users
from experimentation.usecases.assigning import assign_all
from experimentation.usecases.counting import count_events
from experimentation.usecases.verifying import differences
from tests.aws_limits.operators import operators
from tests.cancelled import cancelling
from tests.events import made
from tests.experiments import experiment, running
from tests.usecases.conftest import NOW

THREE = (Segment("country", ("DE",)), Segment("plan", ("pro",)), Segment("os", ("ios",)))

pytestmark = pytest.mark.usefixtures("aws")


def event(event_id, at, event_type="buy", received=None):
    return made(event_id, type=event_type, at=at, received=at if received is None else received)


def largest(sent):
    """Return the most actions, and the longest expression, of what was sent."""
    actions = max(map(len, sent))
    texts = [a["Update"]["UpdateExpression"] for each in sent for a in each if "Update" in a]
    return actions, max(map(len, texts), default=0)


def merged_counters(writes):
    whole = {}
    for write in writes:
        assert not whole.keys() & write.counters.keys()
        whole |= write.counters
    return whole


def _counters(transaction):
    return [each for each in transaction.all_writes() if isinstance(each, CounterWrite)]


def end_all(names, ended_at):
    for name in names:
        experiments.change(
            name,
            lambda e: replace(e, status=Status.COMPLETED, ended_at=ended_at),
            now=NOW,
            actor="alice",
        )


def test_a_regular_user_of_many_types_who_is_assigned_to_18_experiments_at_once_is_counted(runtime, always):
    types = [f"type-{n}" for n in range(30)]
    count_events([event(name, NOW, name) for name in types], runtime, always)
    many = [running(f"e{n}", NOW - DAY_MS, segments=THREE) for n in range(18)]
    assert {each.reason for each in assign_all(many, "u1", {}, runtime)} == {Reason.ASSIGNED}

    with cancelling(lambda _: [], times=0) as sent:
        for n in range(4):
            outcome = count_events([event(f"later{n}", NOW + 10 + n, types[n])], runtime, always)
            assert len(outcome.counted) == 1

    assert largest(sent)[0] <= 100
    head = users.read_head("u1", consistent=True)
    assert len(head.spilled) + len(head.ledgers) == 30


def test_an_event_of_a_user_who_was_active_on_300_days_goes_to_several_items():
    chosen = experiment(status=Status.RUNNING, started_at=NOW, segments=THREE[:1], overrides={})
    assigned = Boundary(1, NOW, chosen.id, "control", ("country=DE",))
    cells = {(day_number(NOW) + day, 1): (1, 10_000) for day in range(300)}
    head = Head(5, NOW, (assigned,), 1, ledgers={"buy": cells})
    late = event("late", NOW + 300 * DAY_MS)

    transaction = recorded(StoredUser("u1", Ledger(head, {})), [late], {chosen.id: chosen}, NOW, NOW)

    counters = _counters(transaction)
    sent = [rollups.add("ROLLUP", each.key, each.counters, NOW)["Update"] for each in counters]
    assert transaction.fits()
    assert max(len(each["UpdateExpression"].encode()) for each in sent) <= 4_096
    assert max(each["UpdateExpression"].count(",") + 2 for each in sent) <= 300
    assert sorted(each.part for each in counters if each.key.startswith("*#buy#300#")) == [0, 1, 2]
    whole = merged_counters(each for each in counters if each.key.startswith("*#buy#300#"))
    assert len(whole) == 600 + 6
    assert whole["u"] == whole["p299.300"] == 1


def test_there_is_room_for_a_late_event_of_experiments_that_ended(runtime, always, clock):
    before = [running(f"a{n}", NOW - DAY_MS, segments=THREE) for n in range(18)]
    assign_all(before, "u1", {}, runtime)
    end_all([each.id for each in before], NOW + HOUR_MS)
    clock.now = NOW + 2 * HOUR_MS
    runtime.experiments.clear()
    metrics = (Metric("m", "buy", Kind.VALUE),)
    after = [running(f"b{n}", NOW + HOUR_MS, segments=THREE, metrics=metrics) for n in range(18)]
    decided = assign_all(after, "u1", {}, runtime)

    with cancelling(lambda _: [], times=0) as sent:
        outcome = count_events([event("late", NOW + HOUR_MS // 2, received=clock.now)], runtime, always)

    assert len(outcome.counted) == 1
    assert largest(sent)[0] <= 100
    assert [each.reason for each in decided].count(Reason.ASSIGNED) == 6
    assert [each.reason for each in decided].count(Reason.TOO_MANY) == 12


def test_a_user_whose_ledgers_of_50_metrics_are_apart_is_assigned(runtime, always):
    types = [f"t{n}" for n in range(50)]
    for name in types:
        many = [event(f"{name}-{n}", NOW - n * DAY_MS, name) for n in range(3)]
        count_events(many, runtime, always)
    assert len(users.read_head("u1", consistent=True).spilled) > 30
    metrics = tuple(Metric(name, name, Kind.VALUE) for name in types)
    chosen = running("e", NOW, segments=THREE, metrics=metrics)

    with cancelling(lambda _: [], times=0) as sent:
        (decision,) = assign_all([chosen], "u1", {}, runtime)

    assert decision.reason is Reason.ASSIGNED
    assert largest(sent)[0] <= 100
    assert json.dumps(sent[-1]).count('"xv"') == 50


@pytest.mark.heavy
def test_the_201st_type_of_a_user_is_stored_and_enters_no_ledger(runtime, always):
    chosen = running("e", NOW - DAY_MS)
    assign_all([chosen], "u1", {}, runtime)
    types = [f"t{n:03}" for n in range(205)]

    outcome = count_events([event(name, NOW + 1, name) for name in types], runtime, always)
    again = count_events([event("t204", NOW + 1, "t204"), event("more", NOW + 2, "t000")], runtime, always)

    head = users.read_head("u1", consistent=True)
    assert len(head.ledgers) + len(head.spilled) == 200
    assert len(outcome.counted) == 200
    assert {each.type for each in outcome.uncounted} == set(types[200:])
    assert (again.duplicates, [each.event_id for each in again.counted]) == ({("u1", "t204")}, ["more"])
    stored = events.page("u1", 1_000)
    assert (len(stored.events), len(stored.counted)) == (206, 201)
    assert differences("e", NOW) == []


@pytest.mark.parametrize(("segments", "count"), [(3, 18), (1, 30), (0, 45)])
@pytest.mark.parametrize(("active_days", "is_counted"), [(133, True), (140, False)])
def test_an_event_of_the_most_experiments_at_once_is_counted_up_to_133_active_days_and_then_stored(
    segments, count, active_days, is_counted
):
    metrics = (
        Metric("m", "buy", Kind.VALUE),
        Metric("n", "buy", Kind.COUNT),
        Metric("r", "buy", Kind.CONVERSION),
    )
    chosen = experiment(status=Status.RUNNING, started_at=NOW, overrides={}, metrics=metrics)
    many = {f"e{n}": replace(chosen, id=f"e{n}", segments=THREE[:segments]) for n in range(count)}
    labels = tuple(f"{each.key}=other" for each in THREE[:segments])
    boundaries = tuple(Boundary(n + 1, NOW, name, "control", labels) for n, name in enumerate(many))
    assert has_room(boundaries, many, NOW, NOW - 120 * DAY_MS)
    at = NOW + active_days * DAY_MS
    cells = {(day_number(NOW) + day, count): (1, 10_000) for day in range(active_days)}
    cells[day_number(NOW) - 1, 0] = (1, 10_000)  # for CUPED's products
    head = Head(5, at, boundaries, count, spilled={"buy": 1})
    user = StoredUser("u1", Ledger(head, {"buy": cells}), {"buy": 1})

    transaction = recorded(user, [event("late", at)], many, NOW, NOW)

    sent = [rollups.add("ROLLUP", each.key, each.counters, NOW)["Update"] for each in _counters(transaction)]
    texts = [each["UpdateExpression"] for each in sent]
    assert max(map(operators, texts), default=0) <= 300
    assert max((len(text.encode()) for text in texts), default=0) <= 4_096
    assert transaction.fits()
    assert len(transaction.events()) == 1
    assert len(transaction.uncounted()) == (0 if is_counted else 1)
