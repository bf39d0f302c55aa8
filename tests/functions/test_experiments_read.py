"""GET /experiments/{experiment_id} and GET /experiments."""

import pytest

from experimentation.web.paging import encode_cursor
from reference.schemas.experiments import ExperimentPage
from tests.conftest import Headers
from tests.factory import document
from tests.functions.experiment_calls import call, created, tag


def test_an_experiment_is_read_with_its_tag(as_user: Headers) -> None:
    made = created(as_user)

    answer = call("read", as_user)

    assert answer["statusCode"] == 200
    assert document(answer) == document(made)
    assert answer["headers"]["ETag"] == made["headers"]["ETag"]
    assert answer["headers"]["Cache-Control"] == "max-age=60"
    assert {"Authorization", "Cookie"} <= set(answer["headers"]["Vary"].split(", "))


@pytest.mark.parametrize("known", ['"1"', 'W/"1"', '"0", "1"', "*"])
def test_a_known_version_is_not_sent_again(known: str, as_user: Headers) -> None:
    made = created(as_user)

    answer = call("read", as_user, if_none_match=known.replace('"1"', tag(made, 1)))

    assert answer["statusCode"] == 304
    assert "body" not in answer
    assert answer["headers"]["ETag"] == made["headers"]["ETag"]
    assert answer["headers"]["Cache-Control"] == "max-age=60"


def test_another_version_is_sent(as_user: Headers) -> None:
    made = created(as_user, status="running")

    answer = call("read", as_user, if_none_match=tag(made, 1))

    assert answer["statusCode"] == 200
    assert answer["headers"]["ETag"] == tag(made, 2)


def test_an_unknown_experiment_is_not_found(as_user: Headers) -> None:
    answer = call("read", as_user, experiment_id="nothing")

    assert answer["statusCode"] == 404
    assert answer["headers"]["Cache-Control"] == "no-store"


@pytest.mark.parametrize("experiment_id", ["with space", "Upper", "with/slash", "x" * 65])
def test_an_id_that_cannot_be_is_refused(experiment_id: str, as_user: Headers) -> None:
    assert call("read", as_user, experiment_id=experiment_id)["statusCode"] == 422


def test_the_list_is_newest_first_and_paged(as_user: Headers) -> None:
    for number in range(5):
        created(as_user, id=f"exp-{number}")

    pages, query = [], {"limit": 2}
    for _ in range(3):
        page = document(call("list", as_user, query=query))
        pages.append([experiment["id"] for experiment in page["experiments"]])
        query = {"limit": 2, "cursor": page["next_cursor"]}

    assert pages == [["exp-4", "exp-3"], ["exp-2", "exp-1"], ["exp-0"]]
    assert page["next_cursor"] is None


def test_the_list_can_be_of_one_status(as_user: Headers) -> None:
    for status in ("draft", "running", "paused", "completed"):
        created(as_user, id=f"is-{status}", status=status)

    found = {
        status: [
            each["id"] for each in document(call("list", as_user, query={"status": status}))["experiments"]
        ]
        for status in ("draft", "running", "paused", "completed")
    }

    assert found == {status: [f"is-{status}"] for status in found}


def test_an_unchanged_list_is_not_sent_again(as_user: Headers) -> None:
    created(as_user)
    tag = call("list", as_user)["headers"]["ETag"]

    same = call("list", as_user, if_none_match=tag)
    call("update", as_user, {"name": "New"})
    changed = call("list", as_user, if_none_match=tag)

    assert same["statusCode"] == 304
    assert changed["statusCode"] == 200


def test_the_list_is_what_the_documentation_says(as_user: Headers) -> None:
    created(as_user, status="completed")

    answer = call("list", as_user)

    ExperimentPage.model_validate_json(answer["body"])
    assert answer["headers"]["Cache-Control"] == "max-age=60"


def test_another_lists_cursor_is_refused(as_user: Headers) -> None:
    for number in range(2):
        created(as_user, id=f"exp-{number}")
    cursor = document(call("list", as_user, query={"limit": 1}))["next_cursor"]

    answer = call("list", as_user, query={"limit": 1, "cursor": cursor, "status": "draft"})

    assert answer["statusCode"] == 422
    assert document(answer)["errors"][0]["pointer"] == "/cursor"


@pytest.mark.parametrize("place", [0, 5, 12, -1])
def test_a_cursor_that_was_tampered_with_is_refused(place: int, as_user: Headers) -> None:
    for number in range(2):
        created(as_user, id=f"exp-{number}")
    cursor = list(document(call("list", as_user, query={"limit": 1}))["next_cursor"])
    cursor[place] = "A" if cursor[place] != "A" else "B"

    answer = call("list", as_user, query={"cursor": "".join(cursor)})

    assert answer["statusCode"] == 422
    assert document(answer)["errors"][0]["pointer"] == "/cursor"


@pytest.mark.parametrize("position", [{}, {"after": 7}, {"after": ""}, {"after": "ü"}, {"after": "x" * 401}])
def test_a_cursor_that_was_made_up_is_refused(position: dict[str, object], as_user: Headers) -> None:
    cursor = encode_cursor(position, "experiments:all")

    assert call("list", as_user, query={"cursor": cursor})["statusCode"] == 422


@pytest.mark.parametrize(
    "query",
    [{"status": "started"}, {"limit": 0}, {"limit": 101}, {"limit": "ten"}, {"page": 2}, {"cursor": ""}],
)
def test_a_query_that_makes_no_sense_is_refused(query: dict[str, object], as_user: Headers) -> None:
    answer = call("list", as_user, query=query)

    assert answer["statusCode"] == 422
    assert document(answer)["errors"][0]["pointer"] == f"/{next(iter(query))}"
