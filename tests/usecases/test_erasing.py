"""Erasing a person: nothing of them stays, the results stay, and whoever has the id later is somebody new."""

import json
from dataclasses import replace
from itertools import batched

import pytest

from experimentation.domain.assignment import Reason
from experimentation.domain.clock import DAY_MS, HOUR_MS, day_number
from experimentation.domain.counting.counters import add_counters
from experimentation.domain.counting.erasing import HEAD_STAYS_MS, Stage
from experimentation.domain.counting.exposing import Fate
from experimentation.domain.counting.ledger import Boundary, Head
from experimentation.domain.counting.placing import Placement
from experimentation.domain.counting.recount import (
    User,
    canonical_enrolment,
    canonical_rollup,
    expected_counters,
)
from experimentation.domain.counting.writes import HeadWrite, LedgerWrite, PastWrite
from experimentation.domain.drawing import variant_of
from experimentation.domain.errors import ConflictError, UnavailableError
from experimentation.domain.experiment import Kind, Metric, Status
from experimentation.domain.results import report
from experimentation.storage import assignments, erasures, events, experiments, history, rollups, users
from experimentation.storage.access.audit import Origin
from experimentation.storage.aws import client
from experimentation.storage.aws.transactions import commit
from experimentation.usecases import erasing, personal_data, placing
from experimentation.usecases.analysing import Question, find
from experimentation.usecases.assigning import assign, assign_all
from experimentation.usecases.counting import count_events
from experimentation.usecases.exposing import enrol_exposed
from experimentation.usecases.importing import Row, import_rows
from experimentation.usecases.verifying import differences
from tests.cancelled import cancelling
from tests.events import exposed, made
from tests.experiments import experiment, running
from tests.usecases.conftest import NOW

CANARY = "canary/ü@example.com"
ORIGIN = Origin("ada", "203.0.113.7", "tests", NOW)
METRICS = (Metric("buys", "buy", Kind.COUNT), Metric("spent", "buy", Kind.VALUE))

pytestmark = pytest.mark.usefixtures("aws")


@pytest.fixture
def chosen(runtime, clock, always):
    """An experiment with three users who did things before and after, on several days; CANARY is one."""
    started = NOW - 10 * DAY_MS
    overridden = {CANARY: "treatment", "qa-1": "control"}
    experiments.create(experiment(id="draft", salt="draft", overrides={}), "alice")
    for overrides in (overridden, {"qa-1": "control"}, overridden):
        experiments.change("draft", lambda e, o=overrides: replace(e, overrides=o), now=NOW, actor="alice")
    running_one = running("e", started, metrics=METRICS, overrides={})
    running("other", started, metrics=METRICS, overrides={})
    names = [CANARY, *(f"u{n}" for n in range(2))]
    do(runtime, clock, always, started - DAY_MS, names)
    for name in names:
        clock.now = started + HOUR_MS
        assign_all([running_one, experiments.read("other")], name, {"country": "DE"}, runtime)
    for day in range(1, 3):
        do(runtime, clock, always, started + day * DAY_MS, names)
    clock.now = NOW
    return running_one


def do(runtime, clock, always, at, names):
    clock.now = at + 1
    done = [
        made(f"{kind}-{at}-{n}", user_id=name, type=kind, at=at + n, received=at + n, value=20_000 + n)
        for n, name in enumerate(names)
        for kind in ("buy", "view")
    ]
    assert len(count_events(done, runtime, always).counted) == len(done)


def stored(*tables):
    """Return every item of the tables as text."""
    found = []
    for table in tables or ("DataTable", "AccountsTable"):
        for page in client.dynamodb().get_paginator("scan").paginate(TableName=table):
            found += [json.dumps(item, ensure_ascii=False, sort_keys=True) for item in page["Items"]]
    return found


def results(name="e"):
    found = find(experiments.read(name, consistent=True), Question(segment="country"), NOW)
    whole = report.full(found.experiment, found.analysis, found.span, found.as_of, chosen_window=False)
    return json.dumps([whole, [report.segment(*each) for each in found.segments]])


def erased(runtime, clock, always, user_id=CANARY):
    erasure = erasing.proceed(erasing.begin(user_id, ORIGIN, runtime), runtime, always)
    assert erasure.stage is Stage.ITEMS
    clock.now += HEAD_STAYS_MS
    erasure = erasing.proceed(erasure, runtime, always)
    assert erasure.stage is Stage.ARCHIVE
    return erasure


def test_nothing_of_a_person_stays_and_no_result_changes(chosen, runtime, clock, always):
    assert any(CANARY in item for item in stored())
    before = [results("e"), results("other")]

    erased(runtime, clock, always)

    assert [item for item in stored() if CANARY in item] == []
    assert [results("e"), results("other")] == before
    assert differences("e", clock.now) == differences("other", clock.now) == []


def test_history_names_somebody_erased_and_other_overrides_stay(chosen, runtime, clock, always):
    erasure = erased(runtime, clock, always)

    name = f"erased-{erasure.pseudonym[:8]}"
    assert experiments.read("draft").overrides == {"qa-1": "control"}
    (last, *_) = entries = history.list_page("draft", 10).entries
    assert last.actor == "erasure"
    values = [value for entry in entries for change in entry.changes for value in change[1:]]
    assert {"qa-1": "control", name: "treatment"} in values


def test_overrides_in_the_history_of_a_deleted_draft_go(chosen, runtime, clock, always):
    experiments.delete("draft", lambda _: None, now=NOW, actor="alice")

    erased(runtime, clock, always)

    assert [item for item in stored() if CANARY in item] == []


def test_the_record_of_access_says_who_erased_and_not_whom(chosen, runtime, clock, always):
    erasure = erased(runtime, clock, always)

    (entry,) = [json.loads(item) for item in stored("AccountsTable") if "user_erased" in item]
    assert (entry["actor"], entry["target"]) == ({"S": "ada"}, {"S": erasure.pseudonym})


class CrashError(Exception):
    pass


@pytest.mark.parametrize("most", [99, pytest.param(3, marks=pytest.mark.heavy)])
def test_a_crash_after_any_step_is_made_good(chosen, runtime, clock, always, monkeypatch, most):
    monkeypatch.setattr(erasing, "MOST", most)
    before = results("e")
    written, commit = [], erasing.commit

    def dying(actions):
        commit(actions)
        written.append(len(actions))
        raise CrashError  # also: the answer was lost

    monkeypatch.setattr(erasing, "commit", dying)
    with pytest.raises(CrashError):
        erasing.begin(CANARY, ORIGIN, runtime)
    while True:
        clock.now += HEAD_STAYS_MS // 10
        (erasure,) = erasures.in_tables() or (None,)
        if erasure is None:
            break
        try:
            erasing.proceed(erasure, runtime, always)
        except CrashError:
            continue

    assert len(written) > 8
    assert max(written[1:]) <= most + 1
    assert [item for item in stored() if CANARY in item] == []
    assert results("e") == before
    assert differences("e", clock.now) == []


def test_two_runners_at_once_count_nothing_twice(chosen, runtime, clock, always, monkeypatch):
    monkeypatch.setattr(erasing, "MOST", 4)
    first = erasing.begin(CANARY, ORIGIN, runtime)
    assert erasing.begin(CANARY, ORIGIN, runtime) == first
    commit, turns = erasing.commit, []

    def overtaken(actions):
        if not turns:
            turns.append(True)
            while erasing.proceed(erasures.read(first.pseudonym), runtime, always).stage is not Stage.ITEMS:
                pass
        commit(actions)

    monkeypatch.setattr(erasing, "commit", overtaken)
    last = erasing.proceed(first, runtime, always)
    clock.now += HEAD_STAYS_MS
    ends = [erasing.proceed(each, runtime, always).stage for each in (last, last, first)]

    assert ends == [Stage.ARCHIVE] * 3
    assert differences("e", clock.now) == []


def test_conflicts_are_tried_again(chosen, runtime, clock, always):
    with cancelling(lambda actions: ["TransactionConflict"] * len(actions), times=3):
        erased(runtime, clock, always)

    assert differences("e", clock.now) == []


def test_too_many_conflicts_leave_it_to_the_next_run(chosen, runtime, clock, always):
    conflicts = cancelling(lambda actions: ["TransactionConflict"] * len(actions), times=100)
    with conflicts, pytest.raises(UnavailableError):
        erasing.begin(CANARY, ORIGIN, runtime)
    begun = erasing.begin(CANARY, ORIGIN, runtime)
    with cancelling(lambda actions: ["TransactionConflict"] * len(actions), times=100):
        assert erasing.proceed(begun, runtime, always) == begun


def test_no_time_leaves_it_where_it_is(chosen, runtime):
    begun = erasing.begin(CANARY, ORIGIN, runtime)

    assert erasing.proceed(begun, runtime, lambda: False) == begun


def test_what_was_received_before_brings_nobody_back(chosen, runtime, clock, always):
    old = [made("late", user_id=CANARY, type="buy", at=NOW - HOUR_MS, received=NOW - 1)]
    old += [made("same-moment", user_id=CANARY, type="buy", at=NOW, received=NOW)]
    first = erasing.begin(CANARY, ORIGIN, runtime)
    during = count_events(old, runtime, always)
    erasing.proceed(first, runtime, always)
    clock.now += HEAD_STAYS_MS
    erasing.proceed(first, runtime, always)
    after = count_events(old, runtime, always)

    dropped = {(CANARY, "late"), (CANARY, "same-moment")}
    assert (during.erased, after.erased) == (dropped, dropped)
    assert during.failed == after.failed == set()
    assert [item for item in stored() if CANARY in item] == []


def test_what_was_received_before_is_dropped_although_ledgers_are_gone_and_head_is_not(
    chosen, runtime, clock, always, monkeypatch
):
    monkeypatch.setattr("experimentation.domain.counting.user.HEAD_LIMIT_BYTES", 10)
    do(runtime, clock, always, NOW - HOUR_MS, [CANARY])
    assert sorted(users.read_head(CANARY, consistent=True).spilled) == ["buy", "view"]
    clock.now = NOW
    erasing.proceed(erasing.begin(CANARY, ORIGIN, runtime), runtime, always)
    clock.pauses.clear()

    old = made("late", user_id=CANARY, type="buy", at=NOW - HOUR_MS, received=NOW - 1)
    outcome = count_events([old], runtime, always)

    assert (outcome.erased, outcome.failed) == ({(CANARY, "late")}, set())
    assert clock.pauses == []


def test_what_comes_while_it_lasts_waits_and_its_neighbours_count(chosen, runtime, clock, always):
    erasing.begin(CANARY, ORIGIN, runtime)
    clock.now += 1_000
    new = [
        made("new", user_id=user_id, type="buy", at=clock.now, received=clock.now)
        for user_id in (CANARY, "u1")
    ]

    outcome = count_events(new, runtime, always)

    assert outcome.failed == {(CANARY, "new")}
    assert [each.user_id for each in outcome.counted] == ["u1"]
    with pytest.raises(UnavailableError):
        assign(chosen, CANARY, {}, runtime)
    assert import_rows(chosen, [Row(CANARY, "control", clock.now, {})], runtime, always) == [Placement.AGAIN]


def test_the_same_id_later_is_a_new_user_to_whom_nothing_older_comes(chosen, runtime, clock, always):
    closed = users.read_head(CANARY, consistent=True)
    erasure = erased(runtime, clock, always)
    clock.now += 1_000

    decision = assign(chosen, CANARY, {}, runtime)
    new = made("new", user_id=CANARY, type="buy", at=clock.now + 5, received=clock.now + 5)
    replayed = made("old", user_id=CANARY, type="buy", at=NOW - 5, received=NOW - 5)
    outcome = count_events([new, replayed], runtime, always)

    assert decision.reason is Reason.ASSIGNED
    head = users.read_head(CANARY, consistent=True)
    assert head.base == erasure.head_version == closed.version + 1
    assert head.erased_at == erasure.erased_at
    assert [each.event_id for each in outcome.counted] == ["new"]
    assert outcome.erased == {(CANARY, "old")}
    assert [each.event_id for each in events.page(CANARY, 10).events] == ["new"]
    assert differences("e", clock.now) == []


def test_enrolments_dated_before_are_too_old(chosen, runtime, clock, always):
    erasure = erased(runtime, clock, always)
    rows = [Row(CANARY, "control", erasure.erased_at, {}), Row("u9", "control", erasure.erased_at, {})]

    placed = import_rows(chosen, rows, runtime, always)
    later = import_rows(chosen, [Row(CANARY, "control", erasure.erased_at + 1, {})], runtime, always)

    assert placed == [Placement.TOO_OLD, Placement.STORED]
    assert later == [Placement.STORED]
    again = import_rows(
        experiments.read("other"), [Row(CANARY, "control", erasure.erased_at, {})], runtime, always
    )
    assert again == [Placement.TOO_OLD]


def test_a_new_user_of_the_id_can_be_erased_as_well(chosen, runtime, clock, always):
    first = erased(runtime, clock, always)
    clock.now += DAY_MS
    assign(chosen, CANARY, {}, runtime)
    do(runtime, clock, always, clock.now + 10, [CANARY])

    second = erased(runtime, clock, always)

    assert second.head_version > first.head_version
    assert [item for item in stored() if CANARY in item] == []
    assert differences("e", clock.now) == []


def test_somebody_unknown_is_erased_too_because_messages_may_wait(chosen, runtime, clock, always):
    erased(runtime, clock, always, "nobody")

    waiting = [made("waiting", user_id="nobody", type="buy", at=NOW - 5, received=NOW - 5)]
    assert count_events(waiting, runtime, always).erased == {("nobody", "waiting")}
    assert [item for item in stored() if "nobody" in item] == []


def test_verify_waits_for_the_end(chosen, runtime, clock, always):
    erasing.begin(CANARY, ORIGIN, runtime)

    with pytest.raises(ConflictError):
        differences("e", clock.now)


def test_an_experiment_that_ended_long_ago_needs_nothing_kept(chosen, runtime, clock, always):
    experiments.change(
        "e", lambda e: replace(e, status=Status.COMPLETED, ended_at=NOW), now=NOW, actor="alice"
    )
    clock.now = NOW + 121 * DAY_MS

    erased(runtime, clock, always)

    kept = [
        rollups.read(rollups.partition(experiments.read(name), rollups.ERASED)) for name in ("e", "other")
    ]
    assert kept[0] == []
    assert kept[1] != []
    assert [item for item in stored() if CANARY in item] == []


def test_a_user_without_head_costs_no_read_while_nobody_was_ever_erased(chosen, runtime, clock, always):
    calls = []
    meta = client.dynamodb().meta.events
    note = lambda params, **_: calls.append(params)  # noqa: E731
    meta.register("provide-client-params.dynamodb.BatchGetItem", note)
    count_events([made("x", user_id="fresh", type="buy", at=NOW, received=NOW)], runtime, always)
    meta.unregister("provide-client-params.dynamodb.BatchGetItem", note)

    keys = [key for each in calls for key in each["RequestItems"]["DataTable"]["Keys"]]
    assert [key["SK"]["S"] for key in keys] == ["HEAD"]


@pytest.mark.heavy
def test_the_largest_allowed_user_is_erased_within_the_limits_of_dynamodb(
    runtime, clock, always, monkeypatch
):
    """200 event types, 30 active days, three segments: no call goes past a limit, and nothing is left."""
    # moto parses longer expressions by recursion; test_largest_users shows that 280 counters fit.
    monkeypatch.setattr("experimentation.domain.counting.erasing.MAX_COUNTERS", 25)
    labels = tuple(f"{key}=other" for key in ("country", "plan", "os"))
    chosen = running("e", NOW - 30 * DAY_MS, metrics=METRICS, overrides={})
    assigned = Boundary(1, NOW - 30 * DAY_MS, "e", "control", labels)
    today = day_number(NOW)
    apart = {f"type-{n:03}": {(today, 1): (1, 10_000)} for n in range(199)}
    apart["buy"] = {(today - day, 1): (2, 10**13) for day in range(30)}
    head = Head(0, NOW, (assigned,), 1, spilled=dict.fromkeys(apart, 1))
    commit([users.put_head(HeadWrite(CANARY, 0, head))])
    for some in batched(apart.items(), 50, strict=False):
        commit([users.put_ledger(LedgerWrite(CANARY, name, 0, cells)) for name, cells in some])
    long = json.dumps({"a": "x" * 2_000})
    stored_events = [
        made(f"e{n:04}", user_id=CANARY, type="buy", at=NOW - n, received=NOW, properties=long)
        for n in range(100)
    ]
    for some in batched(stored_events, 90, strict=False):
        commit([events.put(each) for each in some])

    with cancelling(lambda _: [], times=0) as sent:
        erased(runtime, clock, always)

    assert max(map(len, sent)) == 100
    found: dict[str, int] = {}
    for partition, canonical in (
        (rollups.partition, canonical_rollup),
        (rollups.enrolment_partition, canonical_enrolment),
    ):
        for cell in rollups.read(partition(chosen, rollups.ERASED)):
            add_counters(found, canonical(cell.key, cell.counters))
    whole = User(head, (), apart, tuple(stored_events))
    expected = expected_counters(chosen, whole, today - 90)
    assert {name: amount for name, amount in found.items() if amount} == expected
    assert [item for item in stored("DataTable") if CANARY in item] == []


def test_a_crossover_and_a_late_enrolment_go_and_their_counts_stay(
    chosen, runtime, clock, always, monkeypatch
):
    monkeypatch.setattr(placing, "MAX_EVENTS", 2)
    third = running("third", NOW - 5 * DAY_MS, metrics=METRICS, overrides={})
    own = {name: variant_of(each, CANARY) for name, each in (("e", chosen), ("third", third))}
    other = {"control": "treatment", "treatment": "control"}
    told = {"experiment_id": "third", "variant": own["third"], "at": NOW - 9 * HOUR_MS, "received": NOW - 2}
    do(runtime, clock, always, NOW - 5 * HOUR_MS, [CANARY])
    clock.now = NOW
    sent = [
        exposed(CANARY, **told),
        exposed(CANARY, **told | {"experiment_id": "e", "variant": other[own["e"]]}),
        exposed("unknown", **told | {"variant": other[variant_of(third, "unknown")]}),
    ]
    outcome = enrol_exposed(sent, runtime, always)
    assert outcome.fates == {Fate.LATE: 1, Fate.CROSSOVER: 2}
    assert len(personal_data.profile(CANARY, runtime).crossovers) == 1
    before = [results("e"), results("third")]

    for name in (CANARY, "unknown"):
        erased(runtime, clock, always, name)

    assert [item for item in stored() if CANARY in item or "unknown" in item] == []
    assert [results("e"), results("third")] == before
    assert differences("e", clock.now) == differences("third", clock.now) == []


def test_exposures_of_before_an_erasure_bring_nobody_back(chosen, runtime, clock, always):
    third = running("third", NOW - 5 * DAY_MS, overrides={})
    own = variant_of(third, CANARY)
    other = {"control": "treatment", "treatment": "control"}[own]
    told = {"experiment_id": "third", "at": NOW - HOUR_MS, "received": NOW}
    old = [exposed(CANARY, variant=own, **told), exposed(CANARY, variant=other, **told)]
    begun = erasing.begin(CANARY, ORIGIN, runtime)
    during = enrol_exposed(old, runtime, always)
    new = exposed(CANARY, experiment_id="third", variant=own, at=NOW + 5, received=NOW + 5)
    waiting = enrol_exposed([new], runtime, always)
    clock.now += HEAD_STAYS_MS
    erasing.proceed(begun, runtime, always)

    after = enrol_exposed([*old, new], runtime, always)

    assert during.fates == {Fate.TOO_OLD: 2}
    assert waiting.failed == {(CANARY, "third")}
    assert after.fates == {Fate.TOO_OLD: 1, Fate.ENROLLED: 1}
    assert assignments.read("third", CANARY).assigned_at == NOW + 5
    assert differences("third", clock.now) == []


def test_exposures_of_before_are_settled_although_what_was_put_away_is_gone(chosen, runtime, clock, always):
    head = users.read_head(CANARY, consistent=True)
    away = replace(head, past_until=NOW - 9 * DAY_MS, past_k=1)
    commit(
        [
            users.put_head(HeadWrite(CANARY, head.version, away)),
            users.put_past(PastWrite(CANARY, head.boundaries, away.past_until, away.past_k)),
        ]
    )
    erasing.proceed(erasing.begin(CANARY, ORIGIN, runtime), runtime, always)
    clock.pauses.clear()

    old = exposed(CANARY, experiment_id="e", variant="control", at=NOW - HOUR_MS, received=NOW - 1)
    outcome = enrol_exposed([old], runtime, always)

    assert (outcome.fates, outcome.failed) == ({Fate.TOO_OLD: 1}, set())
    assert clock.pauses == []


def test_a_new_user_of_the_id_is_not_taken_for_the_one_who_is_being_erased(chosen, runtime, clock, always):
    begun = erasing.begin(CANARY, ORIGIN, runtime)
    clock.now += 5
    new = exposed(
        CANARY, experiment_id="e", variant=variant_of(chosen, CANARY), at=clock.now, received=clock.now
    )
    during = enrol_exposed([new], runtime, always)
    clock.now += HEAD_STAYS_MS
    erasing.proceed(begun, runtime, always)

    after = enrol_exposed([new], runtime, always)

    assert (during.fates, during.failed) == ({}, {(CANARY, "e")})
    assert after.fates == {Fate.ENROLLED: 1}
