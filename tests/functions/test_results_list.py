"""GET /results: the headlines of several experiments in one call."""

import json

from functions.results import list as results_list
from functions.results import read
from tests.factory import event
from tests.functions.experiment_calls import created


def asked(headers, experiment_ids, **sent):
    return results_list.handler(
        event("GET", "/results", query={"experiment_ids": experiment_ids}, headers={**headers, **sent})
    )


def headlines(answer):
    return {each["experiment_id"]: each for each in json.loads(answer["body"])["results"]}


def test_it_answers_as_each_experiment_would_in_the_order_asked_for(as_user):
    created(as_user, "running", id="second")
    created(as_user, id="first")

    answer = asked(as_user, "second,gone,first,second")

    assert list(headlines(answer)) == ["second", "first"]
    assert headlines(answer)["first"]["recommendation"] is None
    alone = read.handler(
        event(
            "GET",
            "/experiments/second/results",
            query={"format": "summary"},
            headers=as_user,
            path_parameters={"experiment_id": "second"},
        )
    )
    assert headlines(answer)["second"] == json.loads(alone["body"])


def test_what_is_unchanged_is_not_sent_again(as_user):
    created(as_user, "running")

    tag = asked(as_user, "checkout-button")["headers"]["ETag"]

    assert asked(as_user, "checkout-button", **{"if-none-match": tag})["statusCode"] == 304


def test_more_than_twenty_or_none_at_all_are_refused_at_the_field(as_user):
    for ids in (",".join(f"x{number}" for number in range(21)), "", "a,,b"):
        answer = asked(as_user, ids)

        assert answer["statusCode"] == 422
        assert json.loads(answer["body"])["errors"][0]["pointer"] == "/experiment_ids"
