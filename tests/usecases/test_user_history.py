"""A transaction becomes visible item by item: whoever sees HEAD without what it names reads again."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from experimentation.domain.assignment import Reason
from experimentation.domain.clock import DAY_MS
from experimentation.domain.counting.ledger import END
from experimentation.domain.errors import UnavailableError
from experimentation.domain.experiment import Experiment, Prerequisite, Status
from experimentation.storage import assignments, experiments, users
from experimentation.storage.aws import client
from experimentation.usecases import erasing, personal_data
from experimentation.usecases.assigning import assign, base_answer
from experimentation.usecases.counting import count_events
from experimentation.usecases.exporting import export
from experimentation.usecases.runtime import Runtime
from experimentation.usecases.user_history import MAX_TRIES, read_user
from tests.events import made
from tests.experiments import running
from tests.usecases.conftest import NOW, Clock
from tests.usecases.test_erasing import ORIGIN

PAST = {"PK": {"S": "USER#u1"}, "SK": {"S": "PAST"}}


@pytest.fixture
def over(runtime: Runtime, clock: Clock, always: Callable[[], bool]) -> Experiment:
    """An experiment that ended long ago, so that u1's assignment in it was put away."""
    clock.now = NOW - 100 * DAY_MS
    chosen = running("e", clock.now - DAY_MS)
    assign(chosen, "u1", {}, runtime)
    count_events([made("within", at=clock.now + 1, received=clock.now + 1)], runtime, always)
    end = {"status": Status.COMPLETED, "ended_at": clock.now + 1_000}
    experiments.change("e", lambda each: replace(each, **end), now=clock.now, actor="alice")
    runtime.experiments.clear()
    clock.now = NOW
    for event_id in ("a", "b"):
        count_events([made(event_id, at=NOW, received=NOW)], runtime, always)
    assert users.read_head("u1", consistent=True).boundaries == ()
    return experiments.read("e", consistent=True)


@pytest.fixture
def unseen(over: Experiment, runtime: Runtime) -> None:
    """PAST becomes visible with the first pause only, after HEAD."""
    table = {"TableName": "DataTable"}
    item = client.dynamodb().get_item(**table, Key=PAST)["Item"]
    client.dynamodb().delete_item(**table, Key=PAST)
    runtime.sleep = lambda _: client.dynamodb().put_item(**table, Item=item)


def test_who_is_put_away_keeps_the_answer(over: Experiment, unseen: None, runtime: Runtime) -> None:
    assert assign(over, "u1", {}, runtime).reason is Reason.STORED


def test_who_is_put_away_keeps_the_variant_of_a_prerequisite(
    over: Experiment, unseen: None, runtime: Runtime
) -> None:
    above = running("above", NOW - DAY_MS, prerequisite=Prerequisite("e", ("control",)))

    base = base_answer(above, "u1", {}, runtime)

    stored = assignments.read("e", "u1")
    assert stored is not None
    assert base == (over, stored.variant)


def test_a_persons_data_are_whole(unseen: None, runtime: Runtime) -> None:
    (enrolled,) = personal_data.profile("u1", runtime).enrolled

    assert enrolled.ended_at is not None


def test_a_users_row_is_whole(
    over: Experiment, unseen: None, runtime: Runtime, always: Callable[[], bool]
) -> None:
    (row,) = export(over, "users", 10, None, runtime, always).rows

    runtime.sleep(0)
    assert export(over, "users", 10, None, runtime, always).rows == [row]


def test_nobody_is_erased_before_all_is_visible(
    unseen: None, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    visible: list[bool] = []
    appears = runtime.sleep

    def pause(seconds: float) -> None:
        visible.append(users.read_head("u1", consistent=True).erasing)
        appears(seconds)

    runtime.sleep = pause
    erasing.begin("u1", ORIGIN, runtime)

    assert visible == [False]
    assert [each.variant for each in read_user("u1", runtime).boundaries][1:] == [END]


def test_a_user_who_stays_torn_is_told(unseen: None, runtime: Runtime) -> None:
    pauses: list[float] = []
    runtime.sleep = pauses.append

    with pytest.raises(UnavailableError):
        read_user("u1", runtime)

    assert len(pauses) == MAX_TRIES - 1
