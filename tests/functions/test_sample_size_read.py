"""GET /sample-size: known answers, the way back, an experiment's own plan, and what cannot be."""

import pytest

from functions.experiments import create
from functions.results import read as results
from functions.sample_size import read
from local.paths import ROOT
from tests.experiments import definition
from tests.functions.callers import Answer, call


def ask(headers, **query) -> Answer:
    return call(read.handler, "GET", "/sample-size", query=query, headers=headers)


def refused_at(answer: Answer) -> list[str]:
    assert answer.status == 422, answer
    return [error["pointer"] for error in answer.json["errors"]]


def test_a_rate_needs_what_power_prop_test_says(as_user):
    answer = ask(as_user, baseline_rate=0.05, minimum_effect=0.1, daily_users=5000)

    assert answer.status == 200, answer.json
    required = answer.json["required"]
    assert required["fixed"] == {"users_per_variant": 31_234, "users": 62_468, "days": 13}
    assert required["effect"] == pytest.approx({"absolute": 0.005, "relative": 0.1})
    assert required["sequential"] == {"users_per_variant": 59_804, "users": 119_608, "days": 24}
    assert required["fixed"]["users"] < required["group_sequential"]["users"] < 66_000
    assert "two-proportion" in required["method"]
    assert answer.json["detectable"] is None


def test_the_quick_start_quotes_the_calculator(as_user):
    page = (ROOT / "docs" / "quickstart.md").read_text()

    users = ask(as_user, baseline_rate=0.05, minimum_effect=0.1).json["required"]["sequential"]["users"]

    assert f"takes {users:,} users" in page


def test_a_mean_needs_the_two_sample_formula(as_user):
    answer = ask(as_user, baseline_mean=10, baseline_sd=20, minimum_effect_absolute=-1)

    # by hand: twice the squared sum of 1.959964 and 0.841621, times 400, over 1
    assert answer.json["required"]["fixed"]["users_per_variant"] == 6280
    assert answer.json["required"]["fixed"]["days"] is None
    assert answer.json["required"]["effect"] == {"absolute": -1.0, "relative": -0.1}


def test_users_show_the_effect_that_needs_them(as_user):
    answer = ask(as_user, baseline_rate=0.1, users_per_variant=14_000)

    assert answer.json["detectable"]["fixed"]["absolute"] == pytest.approx(0.010046, abs=1e-6)
    assert answer.json["detectable"]["sequential"]["absolute"] > 0.010046
    assert answer.json["required"] is None


def test_there_and_back_gives_the_same_effect_for_means(as_user):
    needed = ask(as_user, baseline_mean=50, baseline_sd=80, minimum_effect=0.04, variants=4, power=0.9)

    for analysis in ("fixed", "group_sequential", "sequential"):
        users = needed.json["required"][analysis]["users_per_variant"]
        back = ask(as_user, baseline_mean=50, baseline_sd=80, users_per_variant=users, variants=4, power=0.9)

        assert back.json["detectable"][analysis]["relative"] == pytest.approx(0.04, rel=1e-3)


def test_more_variants_and_metrics_share_the_error_rate(as_user):
    answer = ask(as_user, baseline_rate=0.2, minimum_effect=0.1, variants=3, primary_metrics=2)

    assert answer.json["alpha_per_comparison"] == 0.05 / 4
    fixed = answer.json["required"]["fixed"]
    assert fixed["users"] == 3 * fixed["users_per_variant"]


def test_an_experiment_fills_in_its_own_plan(as_user):
    call(create.handler, "POST", "/experiments", definition(), headers=as_user)

    answer = ask(as_user, experiment_id="checkout-button", baseline_rate=0.1)

    assert answer.json["planned_users"] == 20_000
    assert answer.json["required"]["effect"]["relative"] == pytest.approx(0.02)
    assert answer.json["detectable"]["users"]["users_per_variant"] == 10_000


def test_uneven_weights_count_the_users_until_the_smallest_variant_has_enough(as_user):
    variants = [{"key": "control", "weight": 90}, {"key": "treatment", "weight": 10}]
    body = definition(variants=variants, overrides={})
    call(create.handler, "POST", "/experiments", body, headers=as_user)

    answer = ask(as_user, experiment_id="checkout-button", baseline_rate=0.1, minimum_effect=0.1)

    fixed = answer.json["required"]["fixed"]
    even = ask(as_user, baseline_rate=0.1, minimum_effect=0.1).json["required"]["fixed"]
    assert fixed["users"] == 10 * fixed["users_per_variant"]
    # counting every variant as the smallest one said 5 times; 0.25 / (0.9 x 0.1) is 2.8
    assert 2.7 < fixed["users"] / even["users"] < 3
    assert answer.json["detectable"]["users"]["users_per_variant"] == 2_000


@pytest.mark.parametrize("analysis", ["fixed", "group_sequential", "sequential"])
@pytest.mark.parametrize("weights", ["50,50", "90,10", "50,30,20"])
@pytest.mark.parametrize(
    ("kind", "row", "baseline"),
    [
        ("conversion", 2, {"baseline_rate": 0.05}),
        ("value", 2, {"baseline_mean": 40, "baseline_sd": 80}),
    ],
)
def test_what_the_calculator_says_is_what_the_draft_then_says(
    as_user, analysis, weights, kind, row, baseline
):
    asked = ask(as_user, **baseline, minimum_effect=0.1, weights=weights)
    users = asked.json["required"][analysis]["users"]
    keys = ["control", "blue", "green"]
    body = definition(
        variants=[{"key": keys[i], "weight": int(w)} for i, w in enumerate(weights.split(","))],
        metrics=[{"key": "bought", "event_type": "purchase", "kind": kind, "role": "primary"}],
        segments=[],
        overrides={},
        analysis=analysis,
        planned_users=users,
        minimum_effect=0.1,
    )
    assert call(create.handler, "POST", "/experiments", body, headers=as_user).status == 201

    drafted = call(
        results.handler,
        "GET",
        "/experiments/checkout-button/results",
        path_parameters={"experiment_id": "checkout-button"},
        headers=as_user,
    )
    again = ask(as_user, **baseline, experiment_id="checkout-button")

    planned = drafted.json["plan"]["by_baseline"][row]
    assert planned["required_users"] == users
    assert planned["detectable_effect"] == pytest.approx(
        again.json["detectable"][analysis]["relative"], rel=1e-9
    )
    assert again.json["required"] == asked.json["required"]


def test_a_variant_without_weight_needs_no_users_and_shares_no_error_rate(as_user):
    variants = [
        {"key": "control", "weight": 50},
        {"key": "treatment", "weight": 50},
        {"key": "qa", "weight": 0},
    ]
    body = definition(variants=variants, overrides={})
    call(create.handler, "POST", "/experiments", body, headers=as_user)

    answer = ask(as_user, experiment_id="checkout-button", baseline_rate=0.05, minimum_effect=0.1)

    assert (answer.json["variants"], answer.json["alpha_per_comparison"]) == (2, 0.05)
    assert answer.json["required"]["sequential"]["users"] == 119_608


def test_an_experiment_needs_the_scope_to_read_experiments(as_key):
    assert ask(as_key("events:write"), baseline_rate=0.1, minimum_effect=0.1).status == 200
    answer = ask(as_key("events:write"), baseline_rate=0.1, experiment_id="checkout-button")

    assert answer.status == 403


def test_an_unknown_experiment_is_404(as_user):
    assert ask(as_user, baseline_rate=0.1, experiment_id="nope").status == 404


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"baseline_rate": 1, "minimum_effect": 0.1}, "/baseline_rate"),
        ({"baseline_rate": 1.5, "minimum_effect": 0.1}, "/baseline_rate"),
        ({"baseline_rate": 0, "minimum_effect": 0.1}, "/baseline_rate"),
        ({"baseline_rate": "nan", "minimum_effect": 0.1}, "/baseline_rate"),
        ({"baseline_rate": 0.1, "minimum_effect": 0}, "/minimum_effect"),
        ({"baseline_rate": 0.1, "minimum_effect": "inf"}, "/minimum_effect"),
        ({"baseline_rate": 0.1, "minimum_effect_absolute": 0}, "/minimum_effect_absolute"),
        ({"baseline_rate": 0.6, "minimum_effect": 1}, "/minimum_effect"),
        ({"baseline_rate": 0.6, "minimum_effect_absolute": 0.5}, "/minimum_effect_absolute"),
        ({"baseline_rate": 0.1, "minimum_effect": -1.5}, "/minimum_effect"),
        (
            {"baseline_rate": 0.1, "minimum_effect": 0.1, "minimum_effect_absolute": 0.1},
            "/minimum_effect_absolute",
        ),
        ({"baseline_rate": 0.1}, "/minimum_effect"),
        ({"minimum_effect": 0.1}, "/baseline_rate"),
        ({"baseline_mean": 5, "minimum_effect": 0.1}, "/baseline_sd"),
        ({"baseline_mean": 5, "baseline_sd": 0, "minimum_effect": 0.1}, "/baseline_sd"),
        ({"baseline_mean": 1e-200, "baseline_sd": 1, "minimum_effect": 0.1}, "/baseline_mean"),
        ({"baseline_mean": 0, "baseline_sd": 1, "minimum_effect": 0.1}, "/minimum_effect"),
        ({"baseline_rate": 0.1, "baseline_sd": 1, "minimum_effect": 0.1}, "/baseline_sd"),
        ({"baseline_rate": 0.1, "minimum_effect": 0.1, "variants": 1}, "/variants"),
        ({"baseline_rate": 0.1, "minimum_effect": 0.1, "weights": "100"}, "/weights"),
        ({"baseline_rate": 0.1, "minimum_effect": 0.1, "weights": "100,0"}, "/weights"),
        ({"baseline_rate": 0.1, "minimum_effect": 0.1, "weights": "nan,inf"}, "/weights"),
        ({"baseline_rate": 0.1, "minimum_effect": 0.1, "weights": "half,half"}, "/weights"),
        ({"baseline_rate": 0.1, "minimum_effect": 0.1, "weights": "50,50", "variants": 3}, "/weights"),
        ({"baseline_rate": 0.1, "minimum_effect": 0.1, "alpha": 0}, "/alpha"),
        ({"baseline_rate": 0.1, "minimum_effect": 0.1, "power": 1}, "/power"),
        ({"baseline_rate": 0.1, "minimum_effect": 0.1, "daily_users": 0}, "/daily_users"),
        ({"baseline_rate": 0.1, "users_per_variant": 0}, "/users_per_variant"),
        ({"baseline_rate": 0.1, "minimum_effect": 0.1, "colour": "red"}, "/colour"),
    ],
)
def test_impossible_input_is_refused_by_name(as_user, query, pointer):
    assert refused_at(ask(as_user, **query)) == [pointer]


@pytest.mark.parametrize(
    "query",
    [
        {"baseline_rate": 1e-6, "minimum_effect": 1e-6},
        {"baseline_rate": 0.5, "minimum_effect_absolute": 0.5},
        {"baseline_rate": 0.5, "minimum_effect_absolute": -0.5, "power": 0.5, "alpha": 0.5},
        {"baseline_rate": 0.999999, "users_per_variant": 1},
        {"baseline_mean": -1e9, "baseline_sd": 1e10, "minimum_effect": 1e-12, "users_per_variant": 1},
        {"baseline_mean": 0, "baseline_sd": 1e-6, "minimum_effect_absolute": 1e9},
        {"baseline_mean": 1e-6, "baseline_sd": 1e10, "minimum_effect_absolute": 1e-12},
        {"baseline_rate": 0.5, "minimum_effect": 0.1, "planned_users": 1_000_000_000},
    ],
)
def test_extremes_answer_with_numbers_or_null(as_user, query):
    answer = ask(as_user, **query)

    assert answer.status == 200, answer.json


def test_nobody_gets_no_answer(aws):
    assert ask({}, baseline_rate=0.1, minimum_effect=0.1).status == 401


def test_an_experiment_that_compares_nobody_gives_no_weights(as_user):
    variants = [{"key": "control", "weight": 100}, {"key": "treatment", "weight": 0}]
    call(create.handler, "POST", "/experiments", definition(variants=variants), headers=as_user)
    question = {"experiment_id": "checkout-button", "baseline_rate": 0.1, "minimum_effect": 0.1}

    assert refused_at(ask(as_user, **question)) == ["/experiment_id"]
    assert ask(as_user, **question, variants=2).status == 200
