"""The counting worker: good messages count, poison does not block them, and an outage fails the batch."""

from itertools import chain, repeat

import pytest

from experimentation.domain.clock import DAY_MS, day_number
from experimentation.domain.counting.batching import MAX_TYPES
from experimentation.domain.drawing import variant_of
from experimentation.domain.errors import UnavailableError
from experimentation.storage import event_types, events, retention
from experimentation.storage.aws import client
from experimentation.storage.queue_message import pack, pack_exposures
from functions.workers.record_events import handler, runtime
from tests.cancelled import cancelling, conflict_on
from tests.events import RECEIVED, batch, exposed, failed, made
from tests.experiments import running
from tests.factory import Context
from tests.wire import BUSY_JSON, answering

pytestmark = pytest.mark.usefixtures("aws")


@pytest.fixture(autouse=True)
def _quick(aws, monkeypatch):
    monkeypatch.setattr(runtime, "sleep", lambda _: None)
    monkeypatch.setattr(runtime, "clock", lambda: RECEIVED)
    monkeypatch.setattr("functions.workers.record_events.seen_types", event_types.SeenTypes())


def message(*made_events):
    (text,) = pack(made_events, "request-1")
    return text


def ids(user_id="u1"):
    return [event.event_id for event in events.page(user_id, 100).events]


def types():
    return {each.name: (each.first_day, each.last_day) for each in event_types.page(10)[0]}


def test_messages_are_counted_and_their_types_noted():
    today = day_number(RECEIVED)

    answer = handler(batch([message(made("a"), made("b", type="view")), message(made("c"))]), Context())

    assert answer == {"batchItemFailures": []}
    assert ids() == ["a", "b", "c"]
    assert types() == {"purchase": (today, today), "view": (today, today)}


def test_poison_is_reported_and_its_neighbours_count():
    answer = handler(batch(["{", message(made("a")), '{"v": 2}']), Context())

    assert failed(answer) == {"m0", "m2"}
    assert ids() == ["a"]


def test_a_message_with_one_event_that_cannot_count_comes_back_with_the_rest_counted(aws_limits):
    broken = made("b", user_id="x" * 2_100)

    answer = handler(batch([message(made("a"), broken), message(made("c"))]), Context())

    assert failed(answer) == {"m0"}
    assert ids() == ["a", "c"]
    assert {"the key PK has 2105 bytes" in each for each in aws_limits.taken()} == {True}


def test_duplicates_are_acknowledged():
    handler(batch([message(made("a"))]), Context())

    answer = handler(batch([message(made("a")), message(made("a"), made("b"))]), Context())

    assert failed(answer) == set()
    assert ids() == ["a", "b"]


def test_the_type_of_an_event_that_another_worker_counted_is_noted():
    client.dynamodb().put_item(**events.put(made("a"))["Put"])

    handler(batch([message(made("a"))]), Context())

    assert types() == {"purchase": (day_number(RECEIVED),) * 2}


def test_one_users_uncounted_event_says_nothing_of_another_users_with_the_same_id(monkeypatch):
    handler(batch([message(*(made(f"e{each}", type=f"t{each}") for each in range(MAX_TYPES)))]), Context())
    monkeypatch.setattr("functions.workers.record_events.seen_types", event_types.SeenTypes())

    same = message(made("once", type="other"), made("once", user_id="u2", type="signup"))
    handler(batch([same]), Context())

    assert event_types.partial_among(["other", "signup"]) == {"other"}


def test_an_outage_fails_the_whole_batch_so_that_lambda_backs_off():
    with answering(client.dynamodb(), "BatchGetItem", BUSY_JSON, 400), pytest.raises(UnavailableError):
        handler(batch([message(made("a"))]), Context())

    assert types() == {}


def test_an_outage_after_some_counted_returns_the_others():
    seen = []

    def later(request):
        seen.append(request)
        return len(seen) > 1

    many = [message(*[made(f"e{n}-{m}") for n in range(25)]) for m in range(2)]
    with answering(client.dynamodb(), "TransactWriteItems", BUSY_JSON, 400, later):
        answer = handler(batch(many), Context())

    assert failed(answer) == {"m1"}
    assert len(ids()) == 25


def test_users_that_are_in_the_way_are_returned_and_the_others_count():
    with cancelling(conflict_on("USER#u2"), times=100):
        answer = handler(batch([message(made("a")), message(made("b", user_id="u2"))]), Context())

    assert failed(answer) == {"m1"}
    assert ids() == ["a"]
    assert ids("u2") == []


def test_what_there_is_no_time_for_is_returned():
    class Late(Context):
        calls = chain([1_000, 900], repeat(100))

        def get_remaining_time_in_millis(self):
            return next(self.calls)

    many = [message(*[made(f"e{n}-{m}") for n in range(25)]) for m in range(2)]

    answer = handler(batch(many), Late())

    assert failed(answer) == {"m1"}
    assert len(ids()) == 25


def test_an_empty_message_is_acknowledged():
    assert failed(handler(batch(['{"v": 1, "request_id": "r", "events": []}']), Context())) == set()


def test_exposures_and_events_of_one_batch_fail_and_succeed_on_their_own(aws_limits):
    good, broken = exposed("u1"), exposed("x" * 2_100)
    running("e", RECEIVED - 5)

    answer = handler(
        batch([*pack_exposures([good], "r"), *pack_exposures([good, broken], "r"), message(made("a"))]),
        Context(),
    )

    assert failed(answer) == {"m1"}
    assert ids() == ["a"]
    assert aws_limits.taken()


def test_an_outage_that_only_exposures_meet_fails_the_batch():
    with answering(client.dynamodb(), "BatchGetItem", BUSY_JSON, 500), pytest.raises(UnavailableError):
        handler(batch(pack_exposures([exposed("u1")], "r")), Context())


def test_what_became_of_exposures_is_counted(capsys):
    chosen = running("e", RECEIVED - 5)
    right, wrong = [variant_of(chosen, "u1"), *({"control", "treatment"} - {variant_of(chosen, "u1")})]

    sent = [exposed("u1", variant=right), exposed("u1", variant=wrong)]
    handler(batch(pack_exposures(sent, "r")), Context())

    printed = capsys.readouterr().out
    assert '"ExposuresEnrolled":[1.0]' in printed
    assert '"Crossovers":[1.0]' in printed
    assert '"fates":{"enrolled":1,"crossover":1}' in printed
    assert "u1" not in printed


def test_what_a_replay_brings_after_its_event_may_have_expired_is_dropped(monkeypatch, capsys):
    lasts = 120 * DAY_MS
    late, last = made("late", received=RECEIVED - 1), made("last", received=RECEIVED)
    (exposure,) = pack_exposures([exposed("u2", received=RECEIVED - 1)], "request-1")
    monkeypatch.setattr(runtime, "clock", lambda: RECEIVED + lasts)

    answer = handler(batch([message(late, last), exposure]), Context())

    assert answer == {"batchItemFailures": []}
    assert ids() == ["last"]
    assert '"EventsTooLate":[2.0]' in capsys.readouterr().out.replace(" ", "")


def test_after_retention_was_raised_what_expired_under_the_shorter_one_is_dropped(monkeypatch):
    monkeypatch.setenv("RETENTION_DAYS", "1")
    retention.note(RECEIVED - DAY_MS)
    monkeypatch.setenv("RETENTION_DAYS", "90")
    retention.note(RECEIVED)
    monkeypatch.setattr(runtime, "clock", lambda: RECEIVED + 31 * DAY_MS)

    handler(batch([message(made("expired", received=RECEIVED - 1), made("kept"))]), Context())

    assert ids() == ["kept"]


def test_what_was_received_lately_reads_no_retention(monkeypatch):
    monkeypatch.setattr(runtime, "clock", lambda: RECEIVED + 31 * DAY_MS)
    monkeypatch.setattr(retention, "current", lambda: pytest.fail("was read"))

    handler(batch([message(made("a"))]), Context())

    assert ids() == ["a"]
