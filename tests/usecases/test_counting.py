"""Counting: every event once, in few transactions, whatever the store refuses."""

import json
import random
from dataclasses import replace

import pytest

from experimentation.domain.clock import DAY_MS
from experimentation.domain.counting import user as stored_user
from experimentation.domain.counting import writes
from experimentation.domain.counting.ledger import END
from experimentation.domain.experiment import Kind, Metric, Segment, Status
from experimentation.storage import events, experiments, rollups, users
from experimentation.storage.aws import client
from experimentation.usecases.assigning import assign
from experimentation.usecases.counting import count_events
from experimentation.usecases.retrying import MAX_TRIES
from experimentation.usecases.runtime import Runtime
from experimentation.usecases.user_history import read_user
from tests.cancelled import cancelling, conflict_on, keys_of
from tests.counters import cells
from tests.events import made
from tests.experiments import running
from tests.usecases.conftest import NOW
from tests.wire import BUSY_JSON, answering

pytestmark = pytest.mark.usefixtures("aws")


def at(offset, event_id, user_id="u1", event_type="purchase", value=10_000):
    moment = NOW + offset
    return made(event_id, user_id=user_id, type=event_type, at=moment, received=moment, value=value)


def enrolled(runtime, *names, users=("u1",), **changes):
    """Start experiments and assign the users in each."""
    for name in names:
        chosen = running(name, NOW - 2 * DAY_MS, **changes)
        for user_id in users:
            assign(chosen, user_id, {"country": "DE"}, runtime)


def ended(name, ended_at):
    return experiments.change(
        name, lambda e: replace(e, status=Status.COMPLETED, ended_at=ended_at), now=NOW, actor="alice"
    )


def counted(name, key="n", segment="*"):
    """Return one counter of the experiment's purchases, over all days, shards and variants."""
    chosen = experiments.read(name, consistent=True)
    return sum(cell.counters.get(key, 0) for cell in cells(chosen, f"{segment}#purchase#"))


def stored(user_id="u1"):
    return [event.event_id for event in events.page(user_id, 1_000).events]


def test_events_count_for_the_experiment_its_segments_and_hours(runtime, always):
    enrolled(runtime, "e")

    outcome = count_events([at(1, "a", value=5), at(2, "b", value=7)], runtime, always)

    assert [event.event_id for event in outcome.counted] == ["a", "b"]
    assert (outcome.transactions, outcome.conflicts, outcome.failed, outcome.outage) == (1, 0, set(), None)
    assert (counted("e"), counted("e", "s"), counted("e", "u")) == (2, 12, 1)
    assert counted("e", segment="country=DE") == 2
    assert counted("e", "n08", segment="h") == 2
    assert users.read_head("u1", consistent=True).last == NOW + 2


def test_events_of_a_user_without_assignment_are_stored_and_count_nowhere(runtime, always):
    outcome = count_events([at(0, "a")], runtime, always)

    assert len(outcome.counted) == 1
    assert stored() == ["a"]


def test_duplicates_in_a_batch_and_across_batches_count_once(runtime, always):
    enrolled(runtime, "e")
    count_events([at(1, "a")], runtime, always)

    outcome = count_events([at(1, "a"), at(1, "a"), at(2, "b"), at(2, "b")], runtime, always)

    assert [event.event_id for event in outcome.counted] == ["b"]
    assert outcome.duplicates == {("u1", "a")}
    assert outcome.conflicts == 0
    assert counted("e") == 2


def test_a_batch_of_duplicates_alone_ends(runtime, always):
    count_events([at(1, "a")], runtime, always)

    outcome = count_events([at(1, "a")], runtime, always)

    assert (outcome.counted, outcome.failed) == ([], set())
    assert outcome.duplicates == {("u1", "a")}


def test_more_events_of_one_user_than_a_transaction_takes(runtime, always):
    enrolled(runtime, "e")

    outcome = count_events([at(n, f"e{n}") for n in range(60)], runtime, always)

    assert len(outcome.counted) == 60
    assert outcome.transactions == 3
    assert counted("e") == 60
    assert counted("e", "u") == 1


def test_events_that_need_more_than_100_actions_are_split(runtime, always):
    enrolled(runtime, *(f"e{n}" for n in range(20)), segments=(Segment("country", ("DE",)),))

    with cancelling(lambda _: [], times=0) as sent:
        outcome = count_events([at(n * DAY_MS // 20, f"a{n}") for n in range(20)], runtime, always)

    assert len(outcome.counted) == 20
    assert len(sent) > 1
    assert max(map(len, sent)) <= 100
    assert {counted(f"e{n}") for n in range(20)} == {20}


def test_users_that_do_not_fit_one_transaction_take_turns(runtime, always):
    names = [f"u{n}" for n in range(5)]
    enrolled(runtime, *(f"e{n}" for n in range(10)), users=names, segments=())

    with cancelling(lambda _: [], times=0) as sent:
        batch = [at(n * DAY_MS, f"a{n}", name) for n, name in enumerate(names)]
        outcome = count_events(batch, runtime, always)

    assert len(outcome.counted) == 5
    assert len(sent) == 2


def test_counters_of_one_key_that_are_too_many_go_to_several_shards(runtime, always, monkeypatch):
    enrolled(runtime, "e")
    monkeypatch.setattr(writes, "MAX_COUNTERS", 12)

    outcome = count_events([at(n * DAY_MS, f"a{n}") for n in range(8)], runtime, always)

    assert len(outcome.counted) == 8
    assert (counted("e"), counted("e", "u"), counted("e", "p2.3")) == (8, 8, 1)
    chosen = experiments.read("e", consistent=True)
    held = [{c.key for c in rollups.read(rollups.partition(chosen, shard))} for shard in range(4)]
    assert sum("*#purchase#9#" in key for keys in held for key in keys) == 2


def test_the_same_item_is_written_once_for_many_users(runtime, always):
    names = [f"u{n}" for n in range(6)]
    enrolled(runtime, "e", users=names, segments=())

    with cancelling(lambda _: [], times=0) as sent:
        count_events([at(1, "a", name) for name in names], runtime, always)

    (keys,) = map(keys_of, sent)
    assert len(set(keys)) == len(keys)
    assert counted("e") == 6


def test_a_conflict_on_a_counter_draws_another_shard(runtime, always, clock):
    enrolled(runtime, "e", segments=())
    runtime.draw_again()
    drawn = runtime.draw

    with cancelling(conflict_on("ROLLUP#")) as sent:
        outcome = count_events([at(1, "a")], runtime, always)

    assert (outcome.conflicts, len(outcome.counted)) == (1, 1)
    assert len(clock.pauses) == 1
    assert runtime.draw != drawn
    assert len(sent) == 2


def test_many_conflicts_double_the_shards(runtime, always):
    enrolled(runtime, "e", segments=())

    for n in range(2):
        with cancelling(conflict_on("ROLLUP#"), times=5):
            count_events([at(n, f"a{n}")], runtime, always)

    assert experiments.read("e", consistent=True).shards == 8
    assert counted("e") == 2


def test_a_head_that_changed_is_read_again(runtime, always):
    count_events([at(1, "a")], runtime, always)

    with cancelling(lambda actions: ["ConditionalCheckFailed"] + ["None"] * (len(actions) - 1)):
        outcome = count_events([at(2, "b")], runtime, always)

    assert (outcome.conflicts, len(outcome.counted)) == (1, 1)


def test_a_user_who_is_in_the_way_twice_comes_alone(runtime, always):
    batch = [at(1, "a", "u1"), at(1, "b", "u2"), at(1, "c", "u3")]

    with cancelling(conflict_on("USER#u2"), times=2) as sent:
        outcome = count_events(batch, runtime, always)

    assert len(outcome.counted) == 3
    users_of = [{key.split()[0] for key in keys_of(actions)} for actions in sent]
    assert users_of[:2] == [{"USER#u1", "USER#u2", "USER#u3"}] * 2
    assert users_of[2] == {"USER#u1", "USER#u3"}
    assert users_of[3] == {"USER#u2"}


def test_a_user_who_is_always_in_the_way_is_given_up_and_the_others_count(runtime, always):
    with cancelling(conflict_on("USER#u2"), times=MAX_TRIES):
        outcome = count_events([at(1, "a", "u1"), at(1, "b", "u2")], runtime, always)

    assert [event.event_id for event in outcome.counted] == ["a"]
    assert outcome.failed == {("u2", "b")}
    assert stored("u2") == []


def test_tries_pause_longer_each_time(runtime, always, clock):
    with cancelling(conflict_on("USER#"), times=4):
        count_events([at(1, "a")], runtime, always)

    assert len(clock.pauses) == 4
    assert all(pause <= 0.02 * 2**tried for tried, pause in enumerate(clock.pauses, 1))


def test_an_outage_is_told_and_nothing_counts(runtime, always):
    with answering(client.dynamodb(), "BatchGetItem", BUSY_JSON):
        outcome = count_events([at(1, "a")], runtime, always)

    assert outcome.outage is not None
    assert outcome.failed == {("u1", "a")}


def test_a_lost_acknowledgement_comes_back_as_a_duplicate(runtime, always):
    enrolled(runtime, "e")
    calls = []

    def lost(request):
        calls.append(request.body)
        if len(calls) == 1:
            client.dynamodb().transact_write_items(TransactItems=_actions(request.body))
            return True
        return False

    with answering(client.dynamodb(), "TransactWriteItems", BUSY_JSON, 400, lost):
        outcome = count_events([at(1, "a")], runtime, always)

    assert outcome.failed == set()
    assert counted("e") == 1


def _actions(body):
    return json.loads(body)["TransactItems"]


def test_a_broken_user_does_not_stop_the_others(runtime, always, aws_limits):
    broken = "x" * 2_100

    outcome = count_events([at(1, "a"), at(1, "b", broken), at(1, "c", "u3")], runtime, always)

    assert {event.event_id for event in outcome.counted} == {"a", "c"}
    assert outcome.failed == {(broken, "b")}
    assert outcome.outage is None
    assert {"the key PK has 2105 bytes" in each for each in aws_limits.taken()} == {True}


def test_no_try_begins_without_time(runtime):
    time_left = iter([True, False])

    outcome = count_events([at(n, f"e{n}") for n in range(30)], runtime, lambda: next(time_left))

    assert len(outcome.counted) == 25
    assert len(outcome.failed) == 5


def test_a_ledger_that_left_the_head_goes_on_in_an_item_of_its_own(runtime, always, monkeypatch):
    enrolled(runtime, "e", metrics=(Metric("m", "purchase", Kind.VALUE),))
    monkeypatch.setattr(stored_user, "HEAD_LIMIT_BYTES", 100)
    for n in range(6):
        count_events([at(-n * DAY_MS // 2, f"a{n}", value=n)], runtime, always)

    head = users.read_head("u1", consistent=True)
    ((_, apart),) = users.read_spilled([("u1", "purchase")]).items()

    assert head.spilled == {"purchase": apart.version}
    assert head.ledgers == {}
    assert sum(n for n, _ in apart.cells.values()) == 6
    assert apart.version > 1
    assert counted("e") == 1


def test_a_ledger_apart_that_changed_is_read_again(runtime, always, monkeypatch):
    monkeypatch.setattr(stored_user, "HEAD_LIMIT_BYTES", 0)
    count_events([at(1, "a")], runtime, always)

    def behind(actions):
        return ["ConditionalCheckFailed" if "METRIC#" in key else "None" for key in keys_of(actions)]

    with cancelling(behind):
        outcome = count_events([at(2, "b")], runtime, always)

    assert (outcome.conflicts, len(outcome.counted)) == (1, 1)


def test_a_ledger_apart_that_a_read_does_not_find_yet_is_tried_again(runtime, always, monkeypatch):
    monkeypatch.setattr(stored_user, "HEAD_LIMIT_BYTES", 0)
    count_events([at(1, "a")], runtime, always)
    calls = []

    def unseen(request):
        calls.append(request.body)
        return len(calls) == 2

    with answering(client.dynamodb(), "BatchGetItem", b'{"Responses":{}}', 200, unseen):
        outcome = count_events([at(2, "b")], runtime, always)

    assert (outcome.conflicts, len(outcome.counted), outcome.failed) == (1, 1, set())
    ((_, apart),) = users.read_spilled([("u1", "purchase")]).items()
    assert sum(n for n, _ in apart.cells.values()) == 2


def test_events_at_or_after_the_end_do_not_count(runtime, always):
    enrolled(runtime, "e")
    ended("e", NOW + 100)
    runtime.experiments.clear()

    count_events([at(99, "a"), at(100, "b"), at(101, "c")], runtime, always)
    count_events([at(98, "d")], runtime, always)

    assert stored() == ["a", "b", "c", "d"]
    assert counted("e") == 2


def test_experiments_long_over_are_put_away_and_still_count_late_events(aws, always, clock):
    clock.now = NOW - 10 * DAY_MS
    runtime = Runtime(clock=clock, rng=random.Random(1), sleep=clock.pauses.append)
    chosen = running("e", clock.now - DAY_MS)
    assign(chosen, "u1", {}, runtime)
    ended("e", clock.now + 1_000)
    runtime.experiments.clear()
    clock.now = NOW + 100 * DAY_MS

    count_events([at(-9 * DAY_MS, "a")], runtime, always)
    count_events([at(0, "b")], runtime, always)
    head = users.read_head("u1", consistent=True)
    count_events([at(-10 * DAY_MS + 500, "late")], runtime, always)

    assert head.boundaries == ()
    assert head.past_until == NOW - 10 * DAY_MS + 1_000
    assert [b.variant for b in read_user("u1", runtime).ledger.past][1] == END
    assert counted("e") == 1


def test_what_was_put_away_before_is_kept_when_more_is_put_away(aws, always, clock):
    runtime = Runtime(clock=clock, rng=random.Random(1), sleep=clock.pauses.append)
    for name, end in (("a", 10), ("b", 20)):
        clock.now = NOW
        assign(running(name, NOW - DAY_MS), "u1", {}, runtime)
        ended(name, NOW + end)
        runtime.experiments.clear()
        clock.now = NOW + 100 * DAY_MS if name == "a" else NOW + 200 * DAY_MS
        for n in range(2):
            count_events([at(DAY_MS * 99 + n, f"{name}{n}")], runtime, always)

    past = read_user("u1", runtime).ledger.past

    assert [b.experiment_id for b in past if b.variant != END] == ["a", "b"]
