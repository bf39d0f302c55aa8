"""Exposures: each user is enrolled once, at the earliest, or crosses over once, or counts for nothing."""

from collections import Counter
from dataclasses import replace

import pytest

from experimentation.domain.clock import DAY_MS
from experimentation.domain.counting.exposing import Fate
from experimentation.domain.drawing import variant_of
from experimentation.domain.errors import UnavailableError
from experimentation.domain.experiment import Kind, Metric, Pause, Prerequisite, Segment, Status
from experimentation.storage import assignments, crossovers, events, experiments, retention, rollups, users
from experimentation.storage.aws import client
from experimentation.storage.experiments import change
from experimentation.usecases import placing
from experimentation.usecases.assigning import assign, assign_all
from experimentation.usecases.counting import count_events
from experimentation.usecases.exposing import enrol_exposed
from experimentation.usecases.importing import Row, import_rows
from experimentation.usecases.retrying import MAX_TRIES
from experimentation.usecases.runtime import Runtime
from experimentation.usecases.verifying import differences
from tests.cancelled import cancelling, conflict_on
from tests.counters import cells
from tests.events import exposed, made
from tests.experiments import running
from tests.usecases.conftest import NOW
from tests.wire import BUSY_JSON, answering

pytestmark = pytest.mark.usefixtures("aws")

STARTED = NOW - 3 * DAY_MS
OTHER = {"control": "treatment", "treatment": "control"}


@pytest.fixture
def chosen(runtime):
    """An experiment that started three days ago."""
    return running("e", STARTED)


def exposure(chosen, user_id="u1", at=NOW - DAY_MS, variant=None, **parts):
    return exposed(
        user_id,
        experiment_id=chosen.id,
        variant=variant or variant_of(chosen, user_id),
        at=at,
        received=NOW,
        **parts,
    )


def crossing(chosen, user_id="u1", at=NOW - DAY_MS):
    return exposure(chosen, user_id, at, OTHER[variant_of(chosen, user_id)])


def purchase(event_id, at, user_id="u1", value=10_000):
    return made(event_id, user_id=user_id, at=at, received=NOW, value=value)


def enrolled(chosen):
    """Return the enrolment counters of the whole population."""
    total = Counter()
    for counters in rollups.merge(cells(chosen, "*#", rollups.enrolment_partition)).values():
        total.update({name: n for name, n in counters.items() if len(name) == 1})
    return dict(total)


def counted(chosen, name):
    return sum(cell.counters.get(name, 0) for cell in cells(chosen, "*#"))


def test_a_user_is_enrolled_at_the_time_of_the_exposure_with_its_context(runtime, chosen, always):
    outcome = enrol_exposed([exposure(chosen, context='{"country":"DE"}')], runtime, always)

    kept = assignments.read("e", "u1")
    assert outcome.fates == {Fate.ENROLLED: 1}
    assert (kept.variant, kept.assigned_at) == (variant_of(chosen, "u1"), NOW - DAY_MS)
    assert (kept.context, kept.imported, kept.late) == ({"country": "DE"}, False, False)
    assert users.read_head("u1", consistent=True).boundaries[0].labels == ("country=DE",)
    assert assign(chosen, "u1", {}, runtime).assigned_at == NOW - DAY_MS
    assert differences("e", NOW) == []


def test_the_earliest_exposure_of_a_batch_enrols_and_later_ones_change_nothing(runtime, chosen, always):
    batch = [exposure(chosen, at=NOW - hours * 3_600_000) for hours in (5, 9, 7)]

    enrol_exposed(batch, runtime, always)
    outcome = enrol_exposed([exposure(chosen, at=NOW - 12 * 3_600_000), *batch], runtime, always)

    assert outcome.fates == {Fate.KNOWN: 1}
    assert assignments.read("e", "u1").assigned_at == NOW - 9 * 3_600_000
    assert enrolled(chosen) == {"n": 1}


def test_an_exposure_that_cannot_count_does_not_hide_a_later_one(runtime, chosen, always):
    batch = [exposure(chosen, at=STARTED - 5), exposure(chosen), crossing(chosen, at=STARTED - 7)]

    outcome = enrol_exposed([*batch, crossing(chosen, at=NOW)], runtime, always)

    assert outcome.fates == {Fate.ENROLLED: 1, Fate.CROSSOVER: 1}
    assert assignments.read("e", "u1").assigned_at == NOW - DAY_MS


def test_events_recorded_since_the_exposure_count(runtime, chosen, always):
    at = NOW - DAY_MS
    count_events([purchase("a", at - 1), purchase("b", at), purchase("c", NOW - 1)], runtime, always)

    assert enrol_exposed([exposure(chosen, at=at)], runtime, always).fates == {Fate.ENROLLED: 1}

    count_events([purchase("d", NOW)], runtime, always)
    assert counted(chosen, "n") == 3
    assert differences("e", NOW) == []


def test_of_whoever_is_enrolled_no_events_are_read(runtime, chosen, always):
    enrol_exposed([exposure(chosen)], runtime, always)
    count_events([purchase("a", NOW)], runtime, always)

    with answering(client.dynamodb(), "Query", BUSY_JSON, 500):
        assert enrol_exposed([exposure(chosen)], runtime, always).fates == {Fate.KNOWN: 1}


def test_another_variant_than_the_drawn_one_is_a_crossover_once(runtime, chosen, always):
    first = enrol_exposed([crossing(chosen), crossing(chosen, at=NOW)], runtime, always)
    again = enrol_exposed([crossing(chosen, at=NOW - 5)], runtime, always)

    assert (first.fates, again.fates) == ({Fate.CROSSOVER: 1}, {Fate.KNOWN: 1})
    assert enrolled(chosen) == {"x": 1}
    assert assignments.read("e", "u1") is None
    (kept,) = crossovers.of_experiment("e")
    assert (kept.user_id, kept.variant, kept.at) == ("u1", OTHER[variant_of(chosen, "u1")], NOW - DAY_MS)
    assert differences("e", NOW) == []


def test_a_user_may_be_enrolled_and_have_crossed_over(runtime, chosen, always):
    outcome = enrol_exposed([crossing(chosen, at=NOW - 2 * DAY_MS), exposure(chosen)], runtime, always)

    assert outcome.fates == {Fate.ENROLLED: 1, Fate.CROSSOVER: 1}
    assert enrolled(chosen) == {"n": 1, "x": 1}
    assert assignments.read("e", "u1").assigned_at == NOW - DAY_MS
    assert differences("e", NOW) == []


def test_the_stored_variant_decides_where_it_is_not_the_drawn_one(runtime, chosen, always):
    import_rows(chosen, [Row("u1", OTHER[variant_of(chosen, "u1")], NOW - DAY_MS, {})], runtime, always)
    runtime.experiments.clear()

    outcome = enrol_exposed([crossing(chosen), exposure(chosen, at=NOW - 5)], runtime, always)

    assert outcome.fates == {Fate.CROSSOVER: 1}
    assert len(crossovers.known([("e", "u1")])) == 1


def test_a_user_who_is_not_in_the_traffic_but_exposed_has_crossed_over(runtime, always):
    chosen = running("e", STARTED, traffic_allocation=0)

    outcome = enrol_exposed([exposure(chosen, variant="control")], runtime, always)

    assert outcome.fates == {Fate.CROSSOVER: 1}


@pytest.mark.parametrize(
    ("context", "fate"),
    [
        ('{"country":"DE"}', Fate.ENROLLED),
        ('{"country":"FR"}', Fate.CROSSOVER),
        ("{}", Fate.ENROLLED),
    ],
)
def test_whom_it_is_meant_for_is_asked_where_a_context_came(runtime, always, context, fate):
    chosen = running("e", STARTED, audience={"country": "DE"})

    outcome = enrol_exposed([exposure(chosen, context=context)], runtime, always)

    assert outcome.fates == {fate: 1}


def test_an_experiment_that_builds_on_another_takes_who_is_enrolled_there(runtime, chosen, always):
    own = variant_of(chosen, "u1")
    above = running("above", STARTED, prerequisite=Prerequisite("e", (own,)))
    other = running("other", STARTED, prerequisite=Prerequisite("e", (OTHER[own],)))

    first = enrol_exposed([exposure(above), exposure(other)], runtime, always)
    enrol_exposed([exposure(chosen, at=NOW - 10)], runtime, always)
    second = enrol_exposed([exposure(above, at=NOW - 11), crossing(above, at=NOW - 12)], runtime, always)
    third = enrol_exposed([exposure(above, at=NOW - 9), exposure(other, at=NOW)], runtime, always)

    assert (first.fates, second.fates) == ({Fate.PREREQUISITE: 2}, {Fate.PREREQUISITE: 2})
    assert third.fates == {Fate.ENROLLED: 1, Fate.PREREQUISITE: 1}
    assert assignments.read("above", "u1").assigned_at == NOW - 9


def test_overridden_users_and_unknown_variants_and_experiments_count_for_nothing(runtime, chosen, always):
    sent = [
        exposure(chosen, "qa-1"),
        exposure(chosen, variant="blue"),
        exposed("u2", experiment_id="none-such"),
    ]

    outcome = enrol_exposed(sent, runtime, always)

    assert outcome.fates == {Fate.OVERRIDDEN: 1, Fate.UNKNOWN: 2}
    assert outcome.failed == set()
    assert enrolled(chosen) == {}


@pytest.mark.parametrize(
    ("at", "is_in"),
    [
        (STARTED - 1, False),
        (STARTED, True),
        (STARTED + 9, True),
        (STARTED + 10, False),
        (STARTED + 20, True),
        (STARTED + 99, True),
        (STARTED + 100, False),
    ],
)
@pytest.mark.parametrize("is_right", [True, False])
def test_only_while_it_ran_a_user_could_be_exposed(runtime, chosen, always, at, is_in, is_right):
    change(
        "e",
        lambda e: replace(
            e, pauses=(Pause(STARTED + 10, STARTED + 20),), status=Status.COMPLETED, ended_at=STARTED + 100
        ),
        now=NOW,
        actor="alice",
    )
    count_events([purchase("a", STARTED + 98), purchase("b", NOW)], runtime, always)
    sent = exposure(chosen, at=at) if is_right else crossing(chosen, at=at)

    outcome = enrol_exposed([sent], runtime, always)

    expected = (Fate.ENROLLED if is_right else Fate.CROSSOVER) if is_in else Fate.NOT_RUNNING
    assert outcome.fates == {expected: 1}
    assert counted(chosen, "n") == (1 if is_right and is_in and at < STARTED + 99 else 0)
    assert differences("e", NOW) == []


def test_a_draft_enrols_nobody(runtime, chosen, always):
    experiments.create(replace(chosen, id="d", status=Status.DRAFT, started_at=None), "alice")

    outcome = enrol_exposed([exposed("u1", experiment_id="d", at=NOW)], runtime, always)

    assert outcome.fates == {Fate.NOT_RUNNING: 1}


@pytest.mark.parametrize("days", [36, 38])
def test_what_expired_before_the_retention_was_raised_is_looked_for_no_more(
    runtime, always, monkeypatch, days
):
    chosen = running("e", NOW - 200 * DAY_MS)
    for kept, at in ((7, NOW - 2 * DAY_MS), (90, NOW - DAY_MS)):
        monkeypatch.setenv("RETENTION_DAYS", str(kept))
        retention.note(at)
    count_events([purchase("a", NOW - 37 * DAY_MS), purchase("b", NOW - DAY_MS)], runtime, always)
    client.dynamodb().delete_item(TableName="DataTable", Key={"PK": {"S": "USER#u1"}, "SK": {"S": "EVENT#a"}})

    outcome = enrol_exposed([exposure(chosen, at=NOW - days * DAY_MS)], runtime, always)

    assert outcome.fates == {Fate.TOO_OLD if days > 37 else Fate.ENROLLED: 1}


@pytest.mark.parametrize("days", [119, 121])
def test_what_is_older_than_every_event_that_may_still_come_counts_for_nothing(runtime, always, days):
    chosen = running("e", NOW - 200 * DAY_MS)
    count_events([purchase("a", NOW - 1)], runtime, always)
    sent = [exposure(chosen, at=NOW - days * DAY_MS), crossing(chosen, "u2", at=NOW - days * DAY_MS)]

    outcome = enrol_exposed(sent, runtime, always)

    expected = {Fate.TOO_OLD: 2} if days > 120 else {Fate.ENROLLED: 1, Fate.CROSSOVER: 1}
    assert outcome.fates == expected


@pytest.mark.parametrize(("hours", "fate"), [(1, Fate.TOO_OLD), (24, Fate.ENROLLED)])
def test_on_the_day_of_which_some_events_have_expired_nobody_is_enrolled(runtime, always, clock, hours, fate):
    clock.now = NOW - NOW % DAY_MS + DAY_MS // 2
    oldest = clock.now - 120 * DAY_MS
    chosen = running("e", oldest - DAY_MS)
    count_events([purchase("a", oldest - 1), purchase("b", oldest + 30 * 3_600_000)], runtime, always)
    client.dynamodb().delete_item(TableName="DataTable", Key={"PK": {"S": "USER#u1"}, "SK": {"S": "EVENT#a"}})
    at = oldest + hours * 3_600_000

    outcome = enrol_exposed([exposure(chosen, at=at)], runtime, always)

    assert (outcome.fates, outcome.failed) == ({fate: 1}, set())


def test_too_many_events_since_make_the_enrolment_late_and_counted_as_such(
    runtime, chosen, always, monkeypatch
):
    monkeypatch.setattr(placing, "MAX_EVENTS", 2)
    count_events([purchase(f"a{n}", NOW - 3 + n) for n in range(3)], runtime, always)

    outcome = enrol_exposed([exposure(chosen)], runtime, always)

    kept = assignments.read("e", "u1")
    assert outcome.fates == {Fate.LATE: 1}
    assert (kept.assigned_at, kept.late) == (NOW, True)
    assert enrolled(chosen) == {"n": 1, "l": 1}
    assert counted(chosen, "n") == 0
    assert differences("e", NOW) == []


def test_nobody_is_enrolled_late_in_what_has_an_end(runtime, chosen, always, monkeypatch):
    monkeypatch.setattr(placing, "MAX_EVENTS", 2)
    count_events([purchase(f"a{n}", NOW - 3 + n) for n in range(3)], runtime, always)
    change(
        "e",
        lambda e: replace(e, status=Status.COMPLETED, ended_at=NOW - 1),
        now=NOW,
        actor="alice",
    )
    runtime.experiments.clear()

    outcome = enrol_exposed([exposure(chosen)], runtime, always)

    assert outcome.fates == {Fate.NOT_RUNNING: 1}
    assert enrolled(chosen) == {}


def test_whom_there_is_no_room_for_is_neither_enrolled_nor_has_crossed_over(runtime, chosen, always):
    segments = tuple(Segment(f"s{n}", ("x",)) for n in range(3))
    many = [running(f"m{n}", STARTED, segments=segments) for n in range(18)]
    assign_all(many, "u1", {}, runtime)

    outcome = enrol_exposed([exposure(chosen), crossing(chosen)], runtime, always)
    other = enrol_exposed([crossing(chosen)], runtime, always)

    assert (outcome.fates, other.fates) == ({Fate.TOO_MANY: 1}, {Fate.TOO_MANY: 1})
    assert enrolled(chosen) == {}


@pytest.mark.heavy
def test_500_exposures_of_one_user_and_of_500_users_are_settled(runtime, chosen, always):
    metrics = (Metric("m", "purchase", Kind.VALUE),)
    many = [chosen, *(running(f"m{n}", STARTED, metrics=metrics) for n in range(4))]
    one = [exposure(many[n % 5], at=NOW - n) for n in range(500)]
    all_users = [exposure(chosen, f"user-{n}", at=NOW - n) for n in range(500)]
    count_events([purchase(f"a{n}", NOW - 5, f"user-{n}") for n in range(30)], runtime, always)

    outcome = enrol_exposed([*one, *all_users], runtime, always)

    assert outcome.fates == {Fate.ENROLLED: 505}
    assert enrolled(chosen) == {"n": 501}
    assert differences("e", NOW) == differences("m3", NOW) == []


def test_experiments_that_were_put_away_are_remembered(runtime, always, clock):
    chosen = running("e", NOW)
    sent = exposure(chosen, at=NOW)
    enrol_exposed([sent, exposure(chosen, "u2", at=NOW)], runtime, always)
    change("e", lambda e: replace(e, status=Status.COMPLETED, ended_at=NOW + 5), now=NOW, actor="alice")
    for days in (1, 92, 93):
        clock.now = NOW + days * DAY_MS
        runtime.experiments.clear()
        at = clock.now
        count_events([made(f"a{days}", at=at, received=at)], runtime, always)
    assert users.read_head("u1", consistent=True).boundaries == ()

    assert enrol_exposed([sent], runtime, always).fates == {Fate.KNOWN: 1}


def test_another_writer_makes_the_user_be_read_again(runtime, chosen, always):
    raced = []

    def race(actions):
        if not raced:
            raced.append(True)
            count_events([purchase("a", NOW - 1)], Runtime(clock=runtime.clock), always)
        return ["None"]

    with cancelling(race, times=0):
        outcome = enrol_exposed([exposure(chosen)], runtime, always)

    assert outcome.fates == {Fate.ENROLLED: 1}
    assert counted(chosen, "n") == 1
    assert differences("e", NOW) == []


def test_a_crossover_that_two_workers_count_at_once_is_counted_once(runtime, chosen, always):
    raced = []

    def race(actions):
        if not raced:
            raced.append(True)
            enrol_exposed([crossing(chosen)], Runtime(clock=runtime.clock), always)
        return ["None"]

    with cancelling(race, times=0):
        outcome = enrol_exposed([crossing(chosen)], runtime, always)

    assert (outcome.fates, outcome.failed) == ({Fate.KNOWN: 1}, set())
    assert enrolled(chosen) == {"x": 1}


def test_a_user_whose_writes_conflict_is_taken_alone_and_given_up_at_last(runtime, chosen, always, clock):
    sent = [exposure(chosen, user_id) for user_id in ("u1", "u2", "u3")]

    with cancelling(conflict_on("USER#u2"), times=100):
        outcome = enrol_exposed(sent, runtime, always)

    assert outcome.fates == {Fate.ENROLLED: 2}
    assert outcome.failed == {("u2", "e")}
    assert len(clock.pauses) >= MAX_TRIES - 1


def test_a_user_who_cannot_be_stored_does_not_stop_the_others(runtime, chosen, always, aws_limits):
    sent = [exposure(chosen, user_id) for user_id in ("u1", "x" * 2_100, "u3")]

    outcome = enrol_exposed(sent, runtime, always)

    assert outcome.fates == {Fate.ENROLLED: 2}
    assert outcome.failed == {("x" * 2_100, "e")}
    assert aws_limits.taken()


def test_an_outage_fails_everything_and_says_so(runtime, chosen, always):
    with answering(client.dynamodb(), "TransactWriteItems", BUSY_JSON, 500):
        outcome = enrol_exposed([exposure(chosen)], runtime, always)

    assert isinstance(outcome.outage, UnavailableError)
    assert outcome.failed == {("u1", "e")}


def test_what_there_is_no_time_for_is_delivered_again(runtime, chosen):
    outcome = enrol_exposed([exposure(chosen), exposure(chosen, "u2")], runtime, lambda: False)

    assert outcome.failed == {("u1", "e"), ("u2", "e")}
    answers = iter([True, False])
    assert enrol_exposed([exposure(chosen)], runtime, lambda: next(answers, False)).failed == {("u1", "e")}


@pytest.fixture
def read_at_once(monkeypatch):
    """How many users' events each call of the store's reads."""
    sizes, of_users = [], events.of_users

    def counting_them(user_ids, most):
        sizes.append(len(user_ids))
        return of_users(user_ids, most)

    monkeypatch.setattr(events, "of_users", counting_them)
    return sizes


def test_the_events_of_a_few_users_are_read_at_once(runtime, chosen, always, monkeypatch, read_at_once):
    monkeypatch.setattr(placing, "MAX_LATE", 2)
    names = [f"u{n}" for n in range(5)]
    count_events([purchase(f"a{name}", NOW - 1, name) for name in names], runtime, always)

    outcome = enrol_exposed([exposure(chosen, name) for name in names], runtime, always)

    assert outcome.fates == {Fate.ENROLLED: 5}
    assert counted(chosen, "n") == 5
    assert read_at_once == [2, 2, 1]


def test_the_events_of_a_user_who_has_many_are_read_alone(runtime, chosen, always, monkeypatch, read_at_once):
    """Thousands of events take a second to replay, and a function of 512 MB has a third of a processor."""
    monkeypatch.setattr(placing, "MAX_REPLAYED", 4)
    happened = [purchase(f"{name}{n}", NOW - 1, name) for name in ("u1", "u2", "u3") for n in range(2)]
    happened += [purchase(f"many{n}", NOW - 1, "u4") for n in range(9)]
    count_events(happened, runtime, always)

    outcome = enrol_exposed([exposure(chosen, f"u{n}") for n in range(1, 5)], runtime, always)

    assert outcome.fates == {Fate.ENROLLED: 4}
    assert read_at_once == [2, 1, 1]
    assert counted(chosen, "n") == 15


def test_ledgers_that_are_of_another_moment_are_read_again(runtime, chosen, always, monkeypatch):
    torn = iter([True, True])
    monkeypatch.setattr(
        "experimentation.domain.counting.user.StoredUser.is_torn", lambda _: next(torn, False)
    )

    assert enrol_exposed([exposure(chosen)], runtime, always).fates == {Fate.ENROLLED: 1}
