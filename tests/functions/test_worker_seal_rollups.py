"""The scheduled sealing: which experiments it looks at, and when it stops."""

from collections.abc import Iterator
from typing import Any

import pytest

from experimentation.domain.clock import DAY_MS
from experimentation.domain.experiment import Status
from experimentation.domain.lifecycle import transition
from experimentation.storage import experiments
from experimentation.storage.aws import client
from functions.workers import seal_rollups
from tests.experiments import CREATED_AT, experiment
from tests.factory import Context

pytestmark = pytest.mark.usefixtures("aws")


class Hurried(Context):
    """A context whose time is over once it has been looked at."""

    looked = 0

    def get_remaining_time_in_millis(self) -> int:
        """Return 300 seconds, then one."""
        Hurried.looked += 1
        return 300_000 if Hurried.looked == 1 else 1_000


@pytest.fixture
def read() -> Iterator[set[str]]:
    """The experiments whose counters are read."""
    found: set[str] = set()

    def note(params: dict[str, Any], **_: object) -> None:
        key = params.get("ExpressionAttributeValues", {}).get(":partition")
        if key and key["S"].startswith("ROLLUP#"):
            found.add(key["S"].split("#")[1])

    events = client.dynamodb().meta.events
    events.register("provide-client-params.dynamodb.Query", note)
    yield found
    events.unregister("provide-client-params.dynamodb.Query", note)


def lived(experiment_id: str, *statuses: Status) -> None:
    experiments.create(experiment(id=experiment_id), "alice")
    for status in statuses:
        experiments.change(
            experiment_id,
            lambda before, to=status: transition(before, to, CREATED_AT),  # type: ignore[misc]
            now=CREATED_AT,
            actor="bob",
        )


def test_what_can_no_longer_change_is_not_read(read: set[str], monkeypatch: pytest.MonkeyPatch) -> None:
    lived("running", Status.RUNNING)
    lived("over", Status.RUNNING, Status.COMPLETED)
    lived("draft")
    monkeypatch.setenv("RETENTION_DAYS", "10")
    seen = {}

    for days in (10, 39, 41):
        read.clear()
        monkeypatch.setattr(seal_rollups, "wall_clock", lambda days=days: CREATED_AT + days * DAY_MS)
        seal_rollups.handler({}, Context())
        seen[days] = set(read)

    assert seen == {10: {"running", "over"}, 39: {"running", "over"}, 41: {"running"}}


def test_no_experiment_is_begun_when_the_time_is_over(read: set[str]) -> None:
    lived("running", Status.RUNNING)

    seal_rollups.handler({}, Hurried())

    assert read == set()
