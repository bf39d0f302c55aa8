"""Finding experiments: tags, owner, archived, search and sorting; and drafts that copy another."""

import json
from dataclasses import replace
from typing import Any

import pytest

from experimentation.storage import experiments
from tests.conftest import Headers
from tests.experiments import CREATED_AT, definition, experiment
from tests.functions import experiment_calls


def store(*found: dict[str, Any]) -> None:
    for number, changes in enumerate(found):
        created_at = CREATED_AT + number
        experiments.create(experiment(created_at=created_at, updated_at=created_at, **changes), "alice")


def listed(headers: Headers, **query: object) -> list[str]:
    answer = experiment_calls.call("list", headers, query=query)
    assert answer["statusCode"] == 200, answer["body"]
    return [each["id"] for each in json.loads(answer["body"])["experiments"]]


def created(headers: Headers, body: Any, **query: object) -> tuple[int, Any]:
    answer = experiment_calls.call("create", headers, body, query=query)
    return answer["statusCode"], json.loads(answer["body"])


def test_search_finds_words_in_id_name_owner_and_tags_whatever_their_case(as_user: Headers) -> None:
    store(
        {"id": "a", "name": "Größerer Knopf", "owner": "Team Checkout"},
        {"id": "b", "name": "Button", "tags": ("pricing", "Q4")},
        {"id": "checkout-c", "name": "Price"},
    )

    assert listed(as_user, q="CHECKOUT") == ["checkout-c", "a"]
    assert listed(as_user, q="knopf größerer") == ["a"]
    assert listed(as_user, q="pri q4") == ["b"]
    assert listed(as_user, q="nothing") == []
    assert listed(as_user, tag="pricing") == ["b"]
    assert listed(as_user, tag="pri") == []
    assert listed(as_user, owner="Team Checkout", status="draft") == ["a"]
    assert listed(as_user, owner="Team Checkout", status="running") == []


def test_archived_experiments_are_listed_only_when_asked_for(as_user: Headers) -> None:
    store({"id": "a"}, {"id": "b"})

    changed = experiment_calls.call("update", as_user, {"archived": True}, "a")
    shown, hidden = listed(as_user), listed(as_user, archived="true")
    refused = experiment_calls.call("change_status", as_user, {"status": "running"}, "a")
    experiment_calls.call("update", as_user, {"archived": False}, "a")

    assert changed["statusCode"] == 200
    assert (shown, hidden) == (["b"], ["a"])
    assert refused["statusCode"] == 409
    assert '"pointer":"/archived"' in refused["body"]
    assert listed(as_user) == ["b", "a"]


def test_what_runs_is_not_archived_and_what_has_ended_may_be(as_user: Headers) -> None:
    experiment_calls.created(as_user, "running")

    running = experiment_calls.call("update", as_user, {"archived": True})
    experiment_calls.call("change_status", as_user, {"status": "completed"})
    ended = experiment_calls.call("update", as_user, {"archived": True, "tags": ["won"], "owner": "bob"})

    assert (running["statusCode"], ended["statusCode"]) == (409, 200)
    assert json.loads(ended["body"])["tags"] == ["won"]


@pytest.mark.parametrize(
    ("sort", "ids"),
    [
        ("-created_at", ["d", "c", "b", "a"]),
        ("created_at", ["a", "b", "c", "d"]),
        ("name", ["b", "d", "a", "c"]),
        ("-name", ["c", "a", "d", "b"]),
        ("-updated_at", ["b", "d", "c", "a"]),
        ("-started_at", ["c", "d", "b", "a"]),
    ],
)
@pytest.mark.parametrize("limit", [1, 3, 4])
def test_list_is_sorted_and_pages_in_that_order(
    as_user: Headers, sort: str, ids: list[str], limit: int
) -> None:
    store(
        {"id": "a", "name": "Zoo"},
        {"id": "b", "name": "apple"},
        {"id": "c", "name": "Zoo"},
        {"id": "d", "name": "Boat"},
    )
    experiment_calls.call("change_status", as_user, {"status": "running"}, "c")
    _touch("c", CREATED_AT + 2)
    _touch("b", CREATED_AT + 9)

    found: list[str] = []
    cursor: dict[str, object] = {}
    for _ in range(5):
        answer = experiment_calls.call("list", as_user, query={"sort": sort, "limit": limit, **cursor})
        page = json.loads(answer["body"])
        found += [each["id"] for each in page["experiments"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}

    assert found == ids


def _touch(name: str, at: int) -> None:
    experiments.change(name, lambda each: replace(each, description=str(at)), now=at, actor="alice")


def test_cursor_of_another_search_or_order_is_422(as_user: Headers) -> None:
    store({"id": "a"}, {"id": "b"})
    answer = experiment_calls.call("list", as_user, query={"sort": "name", "limit": 1})
    cursor = json.loads(answer["body"])["next_cursor"]

    for query in ({"sort": "-name"}, {"sort": "name", "q": "a"}, {}):
        refused = experiment_calls.call("list", as_user, query={**query, "limit": 1, "cursor": cursor})
        assert refused["statusCode"] == 422
        assert '"pointer":"/cursor"' in refused["body"]


def test_longest_name_fits_a_cursor(as_user: Headers) -> None:
    store({"id": "a" * 64, "name": "\U0001f600" * 200}, {"id": "b" * 64, "name": "\U0001f600" * 200})
    answer = experiment_calls.call("list", as_user, query={"sort": "name", "limit": 1})
    cursor = json.loads(answer["body"])["next_cursor"]

    assert listed(as_user, sort="name", limit=1, cursor=cursor) == ["b" * 64]


def test_more_than_can_be_sorted_is_422(as_user: Headers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(experiments, "MOST_SORTED", 1)
    store({"id": "a"}, {"id": "b"})

    answer = experiment_calls.call("list", as_user, query={"sort": "name"})

    assert answer["statusCode"] == 422
    assert '"pointer":"/sort"' in answer["body"]
    assert listed(as_user, sort="name", q="a", tag="none") == []


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"tags": ["a", "a"]}, "/tags/1"),
        ({"tags": [""]}, "/tags/0"),
        ({"tags": ["x" * 51]}, "/tags/0"),
        ({"tags": [f"t{n}" for n in range(21)]}, "/tags"),
        ({"owner": ""}, "/owner"),
    ],
)
def test_bad_tags_and_owners_are_422_and_named(as_user: Headers, body: Any, pointer: str) -> None:
    status, answer = created(as_user, definition(**body))

    assert (status, answer["errors"][0]["pointer"]) == (422, pointer)


def test_copy_is_a_draft_with_an_id_a_salt_and_an_owner_of_its_own(as_user: Headers) -> None:
    source = definition(
        audience={"country": "DE"},
        tags=["pricing"],
        owner="Team Checkout",
        traffic_allocation=50,
        planned_users=None,
    )
    assert created(as_user, source)[0] == 201
    experiment_calls.call("change_status", as_user, {"status": "running"})

    status, copy = created(as_user, {}, copy="checkout-button")

    original = json.loads(experiment_calls.call("read", as_user)["body"])
    own = {"id", "salt", "name", "owner", "overrides", "metrics", "status", "version"}
    own |= {"created_at", "updated_at", "started_at"}
    assert status == 201
    assert {name: copy[name] for name in copy if name not in own} == {
        name: original[name] for name in original if name not in own
    }
    assert copy["id"].startswith("copy-of-checkout-button-")
    assert copy["salt"] == copy["id"]
    assert (copy["name"], copy["owner"], copy["overrides"]) == ("Copy of Checkout button", "ursula", {})
    assert (copy["status"], copy["version"], copy["started_at"]) == ("draft", 1, None)
    assert [metric["key"] for metric in copy["metrics"]] == ["purchase_rate"]
    assert copy["metrics"][0]["declared_at"] == copy["created_at"]
    history = experiment_calls.call("history", as_user, None, copy["id"])
    assert '"reason":"copy of checkout-button"' in history["body"]


def test_what_the_body_says_goes_before_what_is_copied(as_user: Headers) -> None:
    layer = {"key": "checkout", "from": 0, "to": 50}
    body = definition(id="a", layer=layer)
    del body["traffic_allocation"]
    created(as_user, body)

    status, copy = created(
        as_user,
        {"id": "b", "name": "B", "min_days": 14, "layer": {"key": "checkout", "from": 50, "to": 75}},
        copy="a",
        overrides="true",
    )
    _, beside = created(as_user, {"id": "c"}, copy="a")

    assert (status, copy["id"], copy["name"], copy["min_days"]) == (201, "b", "B", 14)
    assert (copy["layer"]["from"], copy["traffic_allocation"]) == (50, 25)
    assert copy["overrides"] == {"qa-1": "treatment"}
    assert (beside["layer"], beside["traffic_allocation"]) == (None, 50)


def test_copy_of_nothing_is_404_and_a_draft_without_name_or_variants_is_422(as_user: Headers) -> None:
    assert created(as_user, {}, copy="never")[0] == 404

    status, answer = created(as_user, {})

    assert status == 422
    assert [error["pointer"] for error in answer["errors"]] == ["/name", "/variants"]
