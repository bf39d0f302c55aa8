"""Errors of validation are said in words that a person who never saw Pydantic understands."""

from typing import Any

import pytest
from pydantic import BaseModel

from experimentation.domain.errors import InvalidError
from experimentation.web.arguments import body_of, path_parameter, query_of
from experimentation.web.request import request_from
from experimentation.web.schemas.accounts import AccountCreate
from experimentation.web.schemas.assignments import AssignmentRequest
from experimentation.web.schemas.events import EventIn
from experimentation.web.schemas.experiments import ExperimentCreate
from experimentation.web.schemas.results import ResultsQuery
from experimentation.web.schemas.types import ExperimentId
from tests.experiments import definition
from tests.factory import event


def refused(model: type[BaseModel], body: Any) -> dict[str, str]:
    """Return what is said of each place of a body."""
    with pytest.raises(InvalidError) as failure:
        body_of(request_from(event("POST", "/", body)), model, 1_000_000, form=False)
    return {error.pointer: error.detail for error in failure.value.errors}


def metric(**changes: Any) -> dict[str, Any]:
    known = {"key": "m", "event_type": "buy", "kind": "conversion", "role": "primary"}
    return {"metrics": [{**known, **changes}]}


@pytest.mark.parametrize(
    ("change", "pointer", "words"),
    [
        (
            {"id": "No Spaces"},
            "/id",
            "use lowercase letters, digits, - _ and ., at most 64, beginning with a letter or digit",
        ),
        ({"variants": []}, "/variants", "needs at least two variants"),
        ({"variants": "two"}, "/variants", "must be a list"),
        ({"varients": []}, "/varients", "is not a field here; did you mean variants?"),
        ({"zzz": 1}, "/zzz", "is not a field here"),
        (metric(knd="count"), "/metrics/0/knd", "is not a field here; did you mean kind?"),
        (metric(kind="rate"), "/metrics/0/kind", "must be conversion, count or value"),
        (metric(event_type="a b"), "/metrics/0/event_type", None),
        ({"min_days": -1}, "/min_days", "must be at least 0"),
        ({"min_days": 1.5}, "/min_days", "must be a whole number"),
        ({"min_users": "150"}, "/min_users", "must be a whole number"),
        ({"name": ""}, "/name", "needs at least 1 character"),
        ({"name": 5}, "/name", "must be text"),
        ({"overrides": []}, "/overrides", "must be an object"),
    ],
)
def test_a_wrong_definition_is_explained(change: Any, pointer: str, words: str | None) -> None:
    said = refused(ExperimentCreate, definition(**change))

    assert list(said) == [pointer]
    assert said[pointer] == words or (words is None and said[pointer].startswith("use letters"))


def test_a_missing_field_is_needed() -> None:
    assert refused(AssignmentRequest, {}) == {"/user_id": "is needed"}


def test_a_batch_is_sent_to_its_own_route() -> None:
    said = refused(EventIn, {"events": []})["/events"]

    assert said == "is not a field here: POST /events/batch takes a list of events"


def test_a_value_that_fits_no_kind_is_told_all_of_them_once() -> None:
    said = refused(AssignmentRequest, {"user_id": "u", "context": {"plan": {"deep": 1}}})

    assert said == {"/context/plan": "must be text, true or false or a number"}


def test_what_was_sent_is_never_repeated() -> None:
    said = refused(AccountCreate, {"username": "bob", "password": "hunter2hunter2" * 20, "role": "hunter2"})

    assert "hunter2" not in " ".join(said.values())


def test_parameters_are_explained_too() -> None:
    request = request_from(event("GET", "/", query={"confidence_level": "high", "formt": "full"}))

    with pytest.raises(InvalidError) as failure:
        query_of(request, ResultsQuery)
    said = {error.pointer: error.detail for error in failure.value.errors}

    assert said["/confidence_level"] == "must be a number"
    assert said["/formt"] == "is not a field here; did you mean format?"


def test_a_part_of_the_path_is_explained() -> None:
    with pytest.raises(InvalidError) as failure:
        path_parameter("experiment_id", "No!", ExperimentId)

    (error,) = failure.value.errors
    assert (error.pointer, error.detail.partition(",")[0]) == ("/experiment_id", "use lowercase letters")
