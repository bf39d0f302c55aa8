"""Importing: each row as if it had been known at its time, whatever events are recorded since."""

from dataclasses import replace

import pytest

from experimentation.domain.clock import DAY_MS, HOUR_MS
from experimentation.domain.counting import user as stored_user
from experimentation.domain.counting.writes import HeadWrite, PastWrite
from experimentation.domain.errors import ConflictError, InvalidError
from experimentation.domain.experiment import Kind, Metric, Segment, Status
from experimentation.domain.lifecycle import transition
from experimentation.storage import assignments, events, experiments, retention, rollups, users
from experimentation.storage.aws import client
from experimentation.storage.experiments import change
from experimentation.usecases import placing
from experimentation.usecases.assigning import assign, assign_all
from experimentation.usecases.counting import count_events
from experimentation.usecases.importing import MAX_TRIES, Row, import_rows
from experimentation.usecases.runtime import Runtime
from experimentation.usecases.verifying import differences
from tests.cancelled import cancelling, conflict_on, keys_of
from tests.counters import cells
from tests.events import made
from tests.experiments import running
from tests.usecases.conftest import NOW
from tests.wire import answering

pytestmark = pytest.mark.usefixtures("aws")


def row(user_id, at=NOW - DAY_MS, variant="control", **context):
    return Row(user_id, variant, at, context)


def purchase(event_id, at, user_id="u1", value=10_000):
    return made(event_id, user_id=user_id, at=at, received=NOW, value=value)


def counters(chosen, key, place=rollups.partition):
    return sum(cell.counters.get(key, 0) for cell in cells(chosen, "*", place))


@pytest.fixture
def chosen(runtime):
    """An experiment that started three days ago."""
    return running("e", NOW - 3 * DAY_MS)


def test_imported_assignments_are_stored_and_counted_at_their_own_time(runtime, chosen):
    outcome = import_rows(
        chosen, [row("u1", country="DE"), row("u2", variant="treatment")], runtime, lambda: True
    )

    assert outcome == ["stored", "stored"]
    kept = assignments.read("e", "u1")
    assert (kept.variant, kept.assigned_at, kept.imported) == ("control", NOW - DAY_MS, True)
    assert counters(chosen, "n", rollups.enrolment_partition) == 2
    assert assign(chosen, "u1", {}, runtime).variant == "control"


def test_events_after_the_imported_time_count(runtime, chosen, always):
    import_rows(chosen, [row("u1")], runtime, lambda: True)

    count_events([purchase("a", NOW - DAY_MS - 1), purchase("b", NOW - DAY_MS)], runtime, always)

    assert counters(chosen, "n") == 1


def test_what_an_imported_user_did_before_is_noted_for_cuped(runtime, always, monkeypatch):
    monkeypatch.setattr(stored_user, "HEAD_LIMIT_BYTES", 0)
    chosen = running("e", NOW - 3 * DAY_MS, metrics=(Metric("m", "purchase", Kind.VALUE),))
    count_events([purchase("a", NOW - 2 * DAY_MS, value=3)], runtime, always)

    import_rows(chosen, [row("u1")], runtime, lambda: True)

    assert counters(chosen, "xvv") == 9


@pytest.mark.parametrize("is_told_late", [False, True])
def test_only_the_days_that_the_experiment_looks_back_at_are_history(runtime, always, is_told_late):
    metrics = (Metric("m", "purchase", Kind.VALUE), Metric("n", "purchase", Kind.COUNT))
    chosen = running("e", NOW - 3 * DAY_MS, metrics=metrics, cuped_days=2)
    assigned, first = NOW - DAY_MS, (NOW // DAY_MS - 3) * DAY_MS
    before = [purchase("too-early", first - 1, value=1_000), purchase("first", first, value=3)]
    before += [purchase("last", assigned - 1, value=5)]
    count_events([purchase("now", NOW, value=7)] if is_told_late else before, runtime, always)

    import_rows(chosen, [row("u1", assigned)], runtime, always)
    count_events(before if is_told_late else [purchase("now", NOW, value=7)], runtime, always)

    x = {name: counters(chosen, name) for name in ("xv", "xvv", "xvy", "xc", "xcc", "xcy")}
    assert x == {"xv": 8, "xvv": 64, "xvy": 56, "xc": 2, "xcc": 4, "xcy": 2}
    assert differences("e", NOW) == []


def test_users_with_events_since_count_as_if_they_had_been_imported_before(runtime, chosen, always):
    batch = [
        purchase("before", NOW - DAY_MS - 1, value=7),
        purchase("at", NOW - DAY_MS, value=3),
        purchase("same-day", NOW - DAY_MS + 1, value=5),
        purchase("later", NOW - 1, value=11),
    ]
    count_events(batch, runtime, always)

    outcome = import_rows(chosen, [row("u1", country="DE")], runtime, always)

    assert outcome == ["stored"]
    assert assignments.read("e", "u1").assigned_at == NOW - DAY_MS
    assert (counters(chosen, "n"), counters(chosen, "s"), counters(chosen, "u")) == (3, 19, 2)
    count_events([purchase("late", NOW - DAY_MS + 2, value=1)], runtime, always)
    assert (counters(chosen, "n"), counters(chosen, "u"), counters(chosen, "p2.3")) == (4, 2, 1)
    assert differences("e", NOW) == []


def test_late_rows_meet_other_experiments_and_ledgers_apart(runtime, chosen, always, monkeypatch):
    monkeypatch.setattr(stored_user, "HEAD_LIMIT_BYTES", 0)
    other = running("other", NOW - 3 * DAY_MS)
    import_rows(other, [row("u1", NOW - 2 * DAY_MS)], runtime, always)
    count_events([purchase(f"a{n}", NOW - n * DAY_MS // 2) for n in range(6)], runtime, always)
    count_events([made("v", type="view", at=NOW - 5, received=NOW)], runtime, always)

    assert import_rows(chosen, [row("u1")], runtime, always) == ["stored"]

    count_events([purchase("z", NOW, value=1)], runtime, always)
    assert (counters(chosen, "n"), counters(other, "n")) == (5, 7)
    assert differences("e", NOW) == differences("other", NOW) == []


def test_events_that_come_while_rows_are_read_make_them_read_again(runtime, chosen, always):
    count_events([purchase("a", NOW - 2)], runtime, always)
    raced = []

    def race(actions):
        if not raced:
            raced.append(True)
            count_events([purchase("b", NOW - 1)], Runtime(clock=runtime.clock), always)
        return ["None"]

    with cancelling(race):
        outcome = import_rows(chosen, [row("u1")], runtime, always)

    assert outcome == ["stored"]
    assert counters(chosen, "n") == 2
    assert differences("e", NOW) == []


def test_what_does_not_fit_one_transaction_is_enrolled_late(runtime, chosen, always, monkeypatch):
    days = [purchase(f"a{n}", NOW - n * DAY_MS) for n in range(45)]
    count_events(days, runtime, always)

    with monkeypatch.context() as patch:
        patch.setattr(events, "page", None)  # the ledger tells, before any event is read
        outcome = import_rows(chosen, [row("u1", NOW - 44 * DAY_MS, country="DE")], runtime, always)

    kept = assignments.read("e", "u1")
    assert (outcome, kept.assigned_at, kept.late) == (["late"], NOW + 1, True)
    assert (counters(chosen, "n"), differences("e", NOW)) == (0, [])


def test_rows_older_than_what_is_kept_are_too_old(runtime, chosen, always):
    count_events([purchase("a", NOW)], runtime, always)

    assert import_rows(chosen, [row("u1", NOW - 91 * DAY_MS)], runtime, always) == ["too_old"]
    assert assignments.read("e", "u1") is None


def test_users_whose_events_take_long_to_read_are_stored_as_far_as_there_is_time(
    runtime, chosen, always, monkeypatch
):
    """Each call stores some of them: nothing of all would be stored, again and again."""
    rows = [row(f"u{n}") for n in range(50)]
    happened = [purchase(f"e{n}", NOW - DAY_MS + 1, each.user_id) for n, each in enumerate(rows)]
    count_events(happened, runtime, always)
    read, of_users = [], events.of_users

    def slowly(user_ids, most):
        read.extend(user_ids)
        return of_users(user_ids, most)

    monkeypatch.setattr(events, "of_users", slowly)

    outcome = import_rows(chosen, [*rows, row("new")], runtime, lambda: len(read) < 30)

    assert (len(read), outcome[-1]) == (40, "stored")
    assert outcome.count("stored") == 21
    again = [each for each, answer in zip([*rows, row("new")], outcome, strict=True) if answer == "again"]
    assert import_rows(chosen, again, runtime, always) == ["stored"] * len(again)
    assert counters(chosen, "n", rollups.enrolment_partition) == 51
    assert differences("e", NOW) == []


def test_nobody_is_enrolled_after_the_end_of_an_experiment_that_ends_meanwhile(
    runtime, chosen, always, clock, monkeypatch
):
    """An import takes up to 20 s; an end is set 16 s ahead."""
    monkeypatch.setattr(placing, "MAX_LATE", 1)
    monkeypatch.setattr(placing, "MAX_EVENTS", 0)  # so everybody with events is enrolled from now on
    names = ["u1", "u2"]
    count_events([purchase(name, NOW - HOUR_MS, name) for name in names], runtime, always)
    of_users, ended = events.of_users, []

    def slowly(user_ids, most):
        if not ended:
            completed = change(
                "e", lambda each: transition(each, Status.COMPLETED, clock.now), now=clock.now, actor="ada"
            )
            ended.append(completed.ended_at)
            clock.now += 17_000
        return of_users(user_ids, most)

    monkeypatch.setattr(events, "of_users", slowly)

    outcome = import_rows(chosen, [row(name) for name in names], runtime, always)

    assert outcome == ["late", "not_running"]
    assert assignments.read("e", "u1").assigned_at < ended[0]
    assert differences("e", clock.now) == []


def test_rows_that_there_is_no_time_for_are_to_be_sent_again(runtime, chosen):
    assert import_rows(chosen, [row("u1")], runtime, lambda: False) == ["again"]


def test_a_user_in_too_many_experiments_is_answered_so(runtime, chosen, always):
    segments = (Segment("country", ("DE",)), Segment("plan", ("pro",)), Segment("os", ("ios",)))
    assign_all([running(f"e{n}", NOW, segments=segments) for n in range(18)], "u1", {}, runtime)

    outcome = import_rows(chosen, [row("u1"), row("u2")], runtime, always)

    assert outcome == ["too_many_experiments", "stored"]


def test_who_is_assigned_already_keeps_it(runtime, chosen):
    first = assign(chosen, "u1", {}, runtime)
    import_rows(chosen, [row("u2")], runtime, lambda: True)

    first_again = "already_there" if first.variant == "control" else "other_variant"
    outcome = import_rows(
        chosen, [row("u2", variant="treatment"), row("u1"), row("u3")], runtime, lambda: True
    )

    assert outcome == ["other_variant", first_again, "stored"]
    assert assignments.read("e", "u1").variant == first.variant
    assert assignments.read("e", "u2").variant == "control"
    assert counters(chosen, "n", rollups.enrolment_partition) == 3


def test_an_assignment_that_was_put_away_is_there_already(runtime, chosen):
    import_rows(chosen, [row("u1"), row("u2")], runtime, lambda: True)
    for user_id in ("u1", "u3"):
        head = users.read_head(user_id, consistent=True)
        away = replace(head, boundaries=(), past_until=NOW - 2 * DAY_MS, past_k=1)
        actions = [
            users.put_head(HeadWrite(user_id, head.version, away)),
            users.put_past(PastWrite(user_id, head.boundaries, away.past_until, away.past_k)),
        ]
        client.dynamodb().transact_write_items(TransactItems=actions)

    assert import_rows(chosen, [row("u1"), row("u3")], runtime, lambda: True) == ["already_there", "stored"]


@pytest.mark.parametrize("status", [Status.DRAFT, Status.COMPLETED])
def test_nothing_is_imported_unless_it_runs_or_pauses(runtime, chosen, status):
    with pytest.raises(ConflictError, match=status):
        import_rows(replace(chosen, status=status), [row("u1")], runtime, lambda: True)


def test_a_paused_experiment_takes_imports(runtime, chosen):
    paused = change("e", lambda e: replace(e, status=Status.PAUSED), now=NOW, actor="alice")

    assert import_rows(paused, [row("u1")], runtime, lambda: True) == ["stored"]


def test_rows_that_can_never_be_stored_are_all_named(runtime, chosen):
    rows = [row("u1", variant="unknown"), row("u2", at=NOW + 1), row("u3"), row("u3"), row("qa-1")]

    with pytest.raises(InvalidError) as refused:
        import_rows(chosen, rows, runtime, lambda: True)

    assert {(e.pointer, e.detail) for e in refused.value.errors} == {
        ("/assignments/0/variant", "is not a variant of the experiment"),
        ("/assignments/1/assigned_at", "must not be in the future"),
        ("/assignments/3/user_id", "is given twice in this request"),
        ("/assignments/4/user_id", "has an override and is never counted"),
    }


@pytest.mark.heavy
def test_500_rows_go_in_transactions_that_fit(runtime, chosen):
    rows = [row(f"u{n}", at=NOW - n, variant=("control", "treatment")[n % 2]) for n in range(500)]

    with cancelling(conflict_on("nothing")) as sent:
        outcome = import_rows(chosen, rows, runtime, lambda: True)

    assert outcome == ["stored"] * 500
    assert max(map(len, sent)) <= 100
    assert counters(chosen, "n", rollups.enrolment_partition) == 500


@pytest.mark.heavy
def test_500_users_whose_ledgers_left_their_heads_are_read_in_10_calls(runtime, clock, always, monkeypatch):
    monkeypatch.setattr(stored_user, "HEAD_LIMIT_BYTES", 0)
    chosen = running("e", NOW - 3 * DAY_MS, metrics=(Metric("m", "purchase", Kind.VALUE),))
    names = [f"u{n}" for n in range(500)]
    count_events([purchase(name, NOW - 2 * DAY_MS, name) for name in names], runtime, always)
    calls = []

    with answering(client.dynamodb(), "BatchGetItem", b"", when=calls.append):
        outcome = import_rows(chosen, [row(name) for name in names], runtime, lambda: True)

    assert outcome == ["stored"] * 500
    assert sum(b"USER#" in each.body for each in calls) == 10


def test_a_conflict_is_tried_again_for_its_rows_alone(runtime, chosen, clock):
    rows = [row(f"u{n}") for n in range(60)]

    with cancelling(conflict_on("USER#u59"), times=2) as sent:
        outcome = import_rows(chosen, rows, runtime, lambda: True)

    assert outcome == ["stored"] * 60
    assert len(clock.pauses) == 2
    assert not any("USER#u0 HEAD" in key for key in keys_of(sent[-1]))
    assert counters(chosen, "n", rollups.enrolment_partition) == 60


def test_rows_that_are_always_in_conflict_are_to_be_sent_again(runtime, chosen, clock):
    with cancelling(conflict_on("HEAD"), times=100):
        outcome = import_rows(chosen, [row("u1")], runtime, lambda: True)

    assert outcome == ["again"]
    assert len(clock.pauses) == MAX_TRIES - 1


def test_an_import_between_other_boundaries_keeps_their_order(runtime, always):
    other = running("other", NOW - 3 * DAY_MS)
    assign(other, "u1", {}, runtime)
    chosen = running("e", NOW - 3 * DAY_MS)
    import_rows(chosen, [row("u1")], runtime, lambda: True)

    boundaries = users.read_head("u1", consistent=True).boundaries

    assert [b.experiment_id for b in boundaries] == ["e", "other"]
    assert boundaries[0].k < boundaries[1].k
    assert experiments.read("other").id == "other"


@pytest.mark.parametrize(("hours", "placement"), [(1, "too_old"), (24, "stored")])
def test_into_the_day_of_which_some_events_expired_before_the_retention_was_raised_nothing_is_imported(
    runtime, always, clock, monkeypatch, hours, placement
):
    raised = NOW - NOW % DAY_MS + DAY_MS // 2
    clock.now = raised + 60 * DAY_MS
    for days in (7, 90):
        monkeypatch.setenv("RETENTION_DAYS", str(days))
        retention.note(raised)
    known = retention.current().raised_at
    chosen = running("e", raised - DAY_MS)
    count_events([purchase("a", known - 1), purchase("b", known + 30 * HOUR_MS)], runtime, always)
    client.dynamodb().delete_item(TableName="DataTable", Key={"PK": {"S": "USER#u1"}, "SK": {"S": "EVENT#a"}})

    outcome = import_rows(chosen, [row("u1", at=known + hours * HOUR_MS)], runtime, always)

    assert outcome == [placement]
