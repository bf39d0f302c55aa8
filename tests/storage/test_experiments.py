"""Experiments in the table: one item decides, one lists, and every change leaves an entry."""

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import chain, repeat

import pytest

from experimentation.domain.changes import Change
from experimentation.domain.errors import ConflictError, NotFoundError, UnavailableError
from experimentation.domain.experiment import Experiment, Kind, Metric, Pause, Status, Variant
from experimentation.domain.lifecycle import COMPLETION_DELAY_MS, removable, transition
from experimentation.domain.search import Wanted
from experimentation.storage import experiments, history, shards
from experimentation.storage.aws import client, pauses
from experimentation.storage.aws.transactions import CancelledError
from tests.experiments import CREATED_AT, experiment
from tests.wire import answering

NOW = CREATED_AT + 60_000

pytestmark = pytest.mark.usefixtures("aws")


def rename(name: str) -> Callable[[Experiment], Experiment]:
    return lambda before: replace(before, name=name)


def many(n: int) -> list[Experiment]:
    made = [experiment(id=f"exp-{number}", salt="s", created_at=CREATED_AT + number) for number in range(n)]
    for each in made:
        experiments.create(each, "alice")
    return made


@pytest.mark.parametrize("consistent", [False, True])
def test_what_was_created_is_read_back(consistent: bool) -> None:
    made = experiment(
        variants=(Variant("control", 333_333, '{"x":10.0,"é":[1e-7]}'), Variant("treatment", 666_667)),
        metrics=(Metric("m", "p", Kind.VALUE, declared_at=5),),
        started_at=1,
        ended_at=2,
        pauses=(Pause(3, 4), Pause(5)),
    )

    experiments.create(made, "alice")

    assert experiments.read(made.id, consistent) == made


def test_an_unknown_experiment_is_not_found() -> None:
    with pytest.raises(NotFoundError):
        experiments.read("nothing")


def test_an_id_is_taken_only_once() -> None:
    experiments.create(experiment(), "alice")

    with pytest.raises(ConflictError):
        experiments.create(experiment(name="Another", created_at=NOW), "bob")

    assert experiments.read("checkout-button").name == "Checkout button"
    assert len(experiments.list_page(Wanted(), 10).summaries) == 1
    assert len(history.list_page("checkout-button", 10).entries) == 1


def test_nothing_in_the_table_is_a_binary_fraction() -> None:
    experiments.create(experiment(traffic_allocation=333_333), "alice")

    items = client.dynamodb().scan(TableName="DataTable")["Items"]

    numbers = [value["N"] for item in items for value in item.values() if "N" in value]
    assert numbers
    assert all(number.isdigit() for number in numbers)


def test_a_change_makes_the_next_version() -> None:
    experiments.create(experiment(), "alice")

    changed = experiments.change("checkout-button", rename("New"), now=NOW, actor="bob")

    assert changed == experiment(name="New", version=2, updated_at=NOW)
    assert experiments.read("checkout-button") == changed


def test_a_change_of_nothing_writes_nothing() -> None:
    experiments.create(experiment(), "alice")

    unchanged = experiments.change("checkout-button", lambda before: before, now=NOW, actor="bob")

    assert unchanged == experiment()
    assert len(history.list_page("checkout-button", 10).entries) == 1


def test_a_change_of_an_unknown_experiment_is_not_found() -> None:
    with pytest.raises(NotFoundError):
        experiments.change("nothing", rename("New"), now=NOW, actor="bob")


def test_a_change_that_lost_a_race_is_applied_to_what_won() -> None:
    experiments.create(experiment(), "alice")
    interruptions = iter(["won"])

    def interrupted(before: Experiment) -> Experiment:
        for words in interruptions:
            winner = replace(before, description=words)
            experiments.change("checkout-button", lambda _, made=winner: made, now=NOW, actor="carol")
        return replace(before, name="New")

    changed = experiments.change("checkout-button", interrupted, now=NOW + 1, actor="bob")

    assert (changed.name, changed.description, changed.version) == ("New", "won", 3)
    assert [entry.actor for entry in history.list_page("checkout-button", 10).entries] == [
        "bob",
        "carol",
        "alice",
    ]


def test_a_change_that_keeps_losing_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pauses, "FIRST_SECONDS", 0)
    experiments.create(experiment(), "alice")

    def always_interrupted(before: Experiment) -> Experiment:
        experiments.change("checkout-button", rename(f"v{before.version}"), now=NOW, actor="carol")
        return replace(before, description="never")

    with pytest.raises(UnavailableError):
        experiments.change("checkout-button", always_interrupted, now=NOW, actor="bob")

    assert experiments.read("checkout-button").description == ""


def test_a_change_leaves_alone_what_others_count() -> None:
    experiments.create(experiment(), "alice")
    before = experiments.read("checkout-button")
    shards.double("checkout-button", before.shards)

    changed = experiments.change("checkout-button", rename("New"), now=NOW, actor="bob")

    assert experiments.read("checkout-button").shards == 2 * before.shards
    assert changed.version == 2


def test_every_change_is_in_the_history_newest_first() -> None:
    experiments.create(experiment(), "alice")
    experiments.change("checkout-button", rename("New"), now=NOW, actor="bob")
    experiments.change(
        "checkout-button",
        lambda before: transition(before, Status.RUNNING, NOW + 1),
        now=NOW + 1,
        actor="carol",
        action="status",
    )

    found = history.list_page("checkout-button", 10)

    assert found.next_start is None
    assert [(entry.at, entry.version, entry.actor, entry.action) for entry in found.entries] == [
        (NOW + 1, 3, "carol", "status"),
        (NOW, 2, "bob", "changed"),
        (CREATED_AT, 1, "alice", "created"),
    ]
    assert found.entries[1].changes == [Change("name", "Checkout button", "New")]


def test_the_history_is_read_page_by_page() -> None:
    experiments.create(experiment(), "alice")
    for number in range(4):
        experiments.change("checkout-button", rename(f"Name {number}"), now=NOW + number, actor="bob")

    versions, start = [], None
    for _ in range(3):
        page = history.list_page("checkout-button", 2, start)
        versions.append([entry.version for entry in page.entries])
        start = page.next_start

    assert versions == [[5, 4], [3, 2], [1]]
    assert start is None


def test_a_deleted_experiment_leaves_its_history_alone() -> None:
    experiments.create(experiment(), "alice")

    experiments.delete("checkout-button", removable, now=NOW, actor="bob")

    with pytest.raises(NotFoundError):
        experiments.read("checkout-button")
    assert experiments.list_page(Wanted(), 10).summaries == []
    assert [(entry.actor, entry.action) for entry in history.list_page("checkout-button", 10).entries] == [
        ("bob", "deleted"),
        ("alice", "created"),
    ]


def test_an_id_can_be_used_again_after_its_deletion() -> None:
    experiments.create(experiment(), "alice")
    experiments.delete("checkout-button", removable, now=NOW, actor="bob")

    experiments.create(experiment(created_at=NOW + 1), "carol")

    assert [entry.action for entry in history.list_page("checkout-button", 10).entries] == [
        "created",
        "deleted",
        "created",
    ]


def test_a_change_meant_for_a_deleted_draft_does_not_reach_its_namesake() -> None:
    experiments.create(experiment(), "alice")

    def replaced_meanwhile(before: Experiment) -> Experiment:
        if before.created_at == CREATED_AT:
            experiments.delete("checkout-button", removable, now=NOW, actor="bob")
            experiments.create(experiment(created_at=NOW, name="Namesake"), "carol")
            return transition(before, Status.RUNNING, NOW)
        return before

    found = experiments.change("checkout-button", replaced_meanwhile, now=NOW, actor="alice")

    assert (found.name, found.status) == ("Namesake", Status.DRAFT)
    listed = experiments.list_page(Wanted(), 10).summaries
    assert [each["name"] for each in listed] == ["Namesake"]


def test_a_conflict_makes_the_change_anew_so_that_the_end_lies_ahead_of_the_write() -> None:
    experiments.create(experiment(status=Status.RUNNING, started_at=CREATED_AT), "alice")
    times = iter([NOW, NOW + 10_000])

    def complete(before: Experiment) -> Experiment:
        return transition(before, Status.COMPLETED, next(times))

    conflict = cancelled("TransactionConflict", "None", "None")
    with answering(client.dynamodb(), "TransactWriteItems", conflict, 400, first_only()):
        done = experiments.change("checkout-button", complete, now=NOW, actor="bob")

    assert done.ended_at == NOW + 10_000 + COMPLETION_DELAY_MS


def test_what_may_not_be_deleted_stays() -> None:
    experiments.create(experiment(status=Status.RUNNING), "alice")

    with pytest.raises(ConflictError):
        experiments.delete("checkout-button", removable, now=NOW, actor="bob")

    assert experiments.read("checkout-button").status is Status.RUNNING


def test_an_experiment_that_starts_during_its_deletion_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pauses, "FIRST_SECONDS", 0)
    experiments.create(experiment(), "alice")

    def permit(before: Experiment) -> None:
        removable(before)
        experiments.change(
            "checkout-button", lambda e: transition(e, Status.RUNNING, NOW), now=NOW, actor="carol"
        )

    with pytest.raises(ConflictError):
        experiments.delete("checkout-button", permit, now=NOW, actor="bob")

    assert experiments.read("checkout-button").status is Status.RUNNING


def test_the_list_is_newest_first_and_paged() -> None:
    many(5)

    pages, start = [], None
    for _ in range(3):
        page = experiments.list_page(Wanted(), 2, start)
        pages.append([summary["id"] for summary in page.summaries])
        start = page.next_start

    assert pages == [["exp-4", "exp-3"], ["exp-2", "exp-1"], ["exp-0"]]
    assert start is None


def test_a_full_last_page_ends_the_list() -> None:
    many(4)

    page = experiments.list_page(Wanted(), 2, experiments.list_page(Wanted(), 2).next_start)

    assert [summary["id"] for summary in page.summaries] == ["exp-1", "exp-0"]
    assert page.next_start is None


def test_a_list_of_one_status_fills_its_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(experiments, "FILTERED_PAGE", 3)
    for made in many(20)[::4]:
        experiments.change(
            made.id, lambda before: transition(before, Status.RUNNING, NOW), now=NOW, actor="bob"
        )

    first = experiments.list_page(Wanted(Status.RUNNING), 3)
    second = experiments.list_page(Wanted(Status.RUNNING), 3, first.next_start)

    assert [summary["id"] for summary in first.summaries] == ["exp-16", "exp-12", "exp-8"]
    assert [summary["id"] for summary in second.summaries] == ["exp-4", "exp-0"]
    assert second.next_start is None


def test_the_list_says_the_status_of_every_experiment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(experiments, "FILTERED_PAGE", 2)
    many(5)

    experiments.change("exp-3", lambda before: transition(before, Status.RUNNING, NOW), now=NOW, actor="bob")

    found = experiments.listed()
    assert list(found) == ["exp-4", "exp-3", "exp-2", "exp-1", "exp-0"]
    assert [name for name, each in found.items() if each.status is Status.RUNNING] == ["exp-3"]


def test_the_list_follows_a_change() -> None:
    experiments.create(experiment(), "alice")

    experiments.change("checkout-button", rename("New"), now=NOW, actor="bob")

    (summary,) = experiments.list_page(Wanted(), 10).summaries
    assert (summary["name"], summary["version"]) == ("New", 2)
    assert summary["variants"] == [
        {"key": "control", "name": None, "weight": 50},
        {"key": "treatment", "name": None, "weight": 50},
    ]


@pytest.mark.heavy
def test_many_are_read_at_once_and_unknown_ones_left_out() -> None:
    made = many(105)

    found = experiments.read_many([*(each.id for each in made), "nothing", made[0].id])

    assert found == {each.id: each for each in made}


def cancelled(*codes: str) -> bytes:
    reasons = [{"Code": code} for code in codes]
    return json.dumps({"__type": "TransactionCanceledException", "CancellationReasons": reasons}).encode()


def first_only() -> Callable[[object], bool]:
    answers = chain([True], repeat(False))
    return lambda _: next(answers)


def test_a_conflict_with_another_transaction_is_tried_again() -> None:
    conflict = cancelled("TransactionConflict", "None", "None")

    with answering(client.dynamodb(), "TransactWriteItems", conflict, 400, first_only()):
        experiments.create(experiment(), "alice")

    assert experiments.read("checkout-button") == experiment()


def test_conflicts_without_end_are_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pauses, "FIRST_SECONDS", 0)
    conflict = cancelled("TransactionConflict", "None", "None")

    with (
        answering(client.dynamodb(), "TransactWriteItems", conflict, 400),
        pytest.raises(UnavailableError),
    ):
        experiments.create(experiment(), "alice")


def test_a_transaction_that_can_never_pass_is_a_defect() -> None:
    refused = cancelled("ValidationError", "None", "None")

    with (
        answering(client.dynamodb(), "TransactWriteItems", refused, 400),
        pytest.raises(CancelledError, match="ValidationError"),
    ):
        experiments.create(experiment(), "alice")


def test_a_deletion_that_keeps_losing_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pauses, "FIRST_SECONDS", 0)
    experiments.create(experiment(), "alice")
    lost = cancelled("ConditionalCheckFailed", "None", "None")

    with answering(client.dynamodb(), "TransactWriteItems", lost, 400), pytest.raises(UnavailableError):
        experiments.delete("checkout-button", removable, now=NOW, actor="bob")


def test_keys_that_were_not_processed_are_asked_for_again() -> None:
    made = many(2)
    key = {"PK": {"S": "EXP#exp-1"}, "SK": {"S": "META"}}
    half = json.dumps({"Responses": {}, "UnprocessedKeys": {"DataTable": {"Keys": [key]}}}).encode()

    with answering(client.dynamodb(), "BatchGetItem", half, 200, first_only()):
        found = experiments.read_many(["exp-1"])

    assert found == {"exp-1": made[1]}


def test_keys_that_are_never_processed_are_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pauses, "FIRST_SECONDS", 0)
    none = json.dumps({"Responses": {}, "UnprocessedKeys": {"DataTable": {"Keys": [{}]}}}).encode()

    with answering(client.dynamodb(), "BatchGetItem", none, 200), pytest.raises(UnavailableError):
        experiments.read_many(["exp-1"])


def test_a_change_of_the_longest_texts_fits_its_history_entry() -> None:
    longest = [{"key": f"v{n}", "config": "\U0001f600" * 2_850} for n in range(20)]
    changes = [Change("variants", longest, longest[::-1]), Change("name", "old", "\U0001f600" * 200)]

    item = history.append("e", history.Entry(NOW, 2, "alice", "changed", changes))["Put"]["Item"]

    assert len(json.dumps(longest, ensure_ascii=False).encode()) > 200_000
    assert len(item["changes"]["S"].encode()) < 10_000
    kept = [Change(*each) for each in json.loads(item["changes"]["S"])]
    assert kept[1] == changes[1]
    assert [str(kept[0].before)[:9], str(kept[0].after)[:9]] == ["not kept:"] * 2


def test_a_change_of_ordinary_size_is_kept_whole() -> None:
    changes = [Change("description", "x" * 50_000, "y" * 50_000)]

    item = history.append("e", history.Entry(NOW, 2, "alice", "changed", changes))["Put"]["Item"]

    assert [Change(*each) for each in json.loads(item["changes"]["S"])] == changes
