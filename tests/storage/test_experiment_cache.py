"""What an environment remembers of the experiments, and for how long."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from experimentation.domain.errors import NotFoundError
from experimentation.domain.experiment import Experiment, Status
from experimentation.domain.lifecycle import CACHE_TTL_MS, transition
from experimentation.storage import experiments
from experimentation.storage.aws import client
from experimentation.storage.experiment_cache import LIST_TTL_MS, ExperimentCache
from tests.experiments import CREATED_AT, experiment

NOW = CREATED_AT + 60_000

pytestmark = pytest.mark.usefixtures("aws")


def become(experiment_id: str, status: Status) -> Experiment:
    return experiments.change(
        experiment_id, lambda before: transition(before, status, NOW), now=NOW, actor="bob"
    )


def start(experiment_id: str) -> Experiment:
    return become(experiment_id, Status.RUNNING)


@contextmanager
def counted_reads() -> Iterator[list[str]]:
    """Collect the names of the operations that our client is asked for meanwhile."""
    found: list[str] = []

    def note(model: Any, **_: object) -> None:
        found.append(model.name)

    events = client.dynamodb().meta.events
    events.register("provide-client-params.dynamodb.*", note)
    try:
        yield found
    finally:
        events.unregister("provide-client-params.dynamodb.*", note)


def test_an_experiment_is_kept_until_it_is_too_old() -> None:
    experiments.create(experiment(), "alice")
    start("checkout-button")
    cache = ExperimentCache()
    cache.read("checkout-button", NOW)

    become("checkout-button", Status.PAUSED)

    assert cache.read("checkout-button", NOW + CACHE_TTL_MS - 1).status is Status.RUNNING
    assert cache.read("checkout-button", NOW + CACHE_TTL_MS).status is Status.PAUSED


def test_the_start_of_a_draft_is_seen_at_once() -> None:
    experiments.create(experiment(), "alice")
    cache = ExperimentCache()
    cache.read("checkout-button", NOW)
    cache.read_many(["checkout-button"], NOW)

    start("checkout-button")

    assert cache.read("checkout-button", NOW).status is Status.RUNNING


def test_a_clock_that_went_back_trusts_nothing() -> None:
    experiments.create(experiment(), "alice")
    cache = ExperimentCache()
    cache.read("checkout-button", NOW)

    start("checkout-button")

    assert cache.read("checkout-button", NOW - 1).status is Status.RUNNING


def test_what_does_not_exist_is_not_remembered() -> None:
    cache = ExperimentCache()
    with pytest.raises(NotFoundError):
        cache.read("checkout-button", NOW)
    assert cache.read_many(["checkout-button"], NOW) == {}

    experiments.create(experiment(), "alice")

    assert cache.read("checkout-button", NOW) == experiment()


def test_only_what_is_missing_is_read() -> None:
    one, two = experiment(id="one"), experiment(id="two")
    experiments.create(one, "alice")
    experiments.create(two, "alice")
    start("one")
    start("two")
    cache = ExperimentCache()
    cache.read("one", NOW)
    become("one", Status.PAUSED)
    become("two", Status.PAUSED)

    found = cache.read_many(["two", "one", "two", "nothing"], NOW + 1)

    assert list(found) == ["two", "one"]
    assert found["one"].status is Status.RUNNING
    assert found["two"].status is Status.PAUSED


def test_the_running_ones_are_known_for_a_while() -> None:
    experiments.create(experiment(id="one"), "alice")
    experiments.create(experiment(id="two", created_at=CREATED_AT + 1), "alice")
    start("one")
    cache = ExperimentCache()
    assert [each.id for each in cache.shipped_or({Status.RUNNING}, NOW)] == ["one"]

    start("two")

    assert [each.id for each in cache.shipped_or({Status.RUNNING}, NOW + LIST_TTL_MS - 1)] == ["one"]
    assert [each.id for each in cache.shipped_or({Status.RUNNING}, NOW + LIST_TTL_MS)] == ["two", "one"]


def test_what_no_longer_runs_is_left_out_though_the_list_is_kept() -> None:
    experiments.create(experiment(), "alice")
    start("checkout-button")
    cache = ExperimentCache()
    assert cache.shipped_or({Status.RUNNING}, NOW)

    become("checkout-button", Status.PAUSED)

    assert cache.shipped_or({Status.RUNNING}, NOW + CACHE_TTL_MS) == []


def test_drafts_are_read_once_in_a_while_where_all_are_asked_for() -> None:
    for number in range(3):
        experiments.create(experiment(id=f"draft-{number}", created_at=CREATED_AT + number), "alice")
    cache = ExperimentCache()
    drafts = {Status.DRAFT}
    cache.shipped_or(drafts, NOW)

    with counted_reads() as reads:
        found = [cache.shipped_or(drafts, NOW + after) for after in range(4)]
        assert reads == []
        cache.shipped_or(drafts, NOW + CACHE_TTL_MS)

    assert [[each.id for each in every] for every in found] == [["draft-2", "draft-1", "draft-0"]] * 4
    assert reads == ["BatchGetItem"]


def test_a_draft_that_started_is_seen_at_once_by_who_names_it() -> None:
    experiments.create(experiment(), "alice")
    cache = ExperimentCache()
    cache.shipped_or({Status.DRAFT}, NOW)

    start("checkout-button")

    assert cache.read("checkout-button", NOW).status is Status.RUNNING
    assert cache.read_many(["checkout-button"], NOW)["checkout-button"].status is Status.RUNNING


def test_those_in_one_of_several_statuses_are_found() -> None:
    for number, experiment_id in enumerate(("draft", "one", "two")):
        experiments.create(experiment(id=experiment_id, created_at=CREATED_AT + number), "alice")
    start("one")

    found = ExperimentCache().shipped_or({Status.DRAFT, Status.RUNNING}, NOW)

    assert {each.id: each.status for each in found} == {
        "two": Status.DRAFT,
        "one": Status.RUNNING,
        "draft": Status.DRAFT,
    }


def test_a_cleared_cache_knows_nothing() -> None:
    experiments.create(experiment(), "alice")
    cache = ExperimentCache()
    cache.read("checkout-button", NOW)
    cache.shipped_or({Status.RUNNING}, NOW)
    start("checkout-button")

    cache.clear()

    assert cache.read("checkout-button", NOW).status is Status.RUNNING
    assert [each.id for each in cache.shipped_or({Status.RUNNING}, NOW)] == ["checkout-button"]
