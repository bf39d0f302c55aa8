"""Defining an experiment: its form, its mistakes and its plan."""

import re
from collections.abc import Callable

import httpx
import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Errors
from tests.browser.seed import DEFINITION
from tests.browser.steps import until

type Open = Callable[..., Page]
type Shot = Callable[..., None]

IN_LINES = {
    "country is DE": {"country": {"$eq": "DE"}},
    "age is at least 18, and age is below 65": {"age": {"$gte": 18, "$lt": 65}},
    'plan is one of pro, "18", 18, true': {"plan": {"$in": ["pro", "18", 18, True]}},
    "page is not /a, and page is not /b": {"$and": [{"page": {"$ne": "/a"}}, {"page": {"$ne": "/b"}}]},
    "app is version 2.4.0 or later": {"app": {"$vgte": "2.4.0"}},
    "email is not known": {"email": {"$exists": False}},
    'name is ""': {"name": {"$eq": ""}},
    "page matches the pattern ^/shop, and beta is true": {
        "page": {"$regex": "^/shop"},
        "beta": {"$eq": True},
    },
}
IN_JSON = (
    {"$or": [{"country": "DE"}, {"country": "AT"}]},
    {"age": {"$not": {"$gt": 18}}},
    {"tag": {"$in": ["a,b"]}},
    {"$and": [{"a": 1}], "b": 2},
)


def test_all_mistakes_are_shown_in_one_pass_and_what_was_typed_survives(
    signed_in: Open, api: httpx.Client, shot: Shot
) -> None:
    page = signed_in("/#/experiments/new")
    page.get_by_label("Name", exact=True).fill("Half a split")
    variants = page.get_by_role("group", name="Variants")
    variants.get_by_label("Weight in percent").first.fill("40")
    expect(variants.get_by_role("status").first).to_have_text("Weights sum to 90%: 10% missing")
    variants.get_by_label("Key").last.fill("big button")
    variants.get_by_label("Config (JSON)").first.fill("{blue")
    metrics = page.get_by_role("group", name="Metrics")
    metrics.get_by_label("Event type").fill("purchas")
    expect(metrics.get_by_text("No such event was ever recorded.")).to_be_visible()
    page.get_by_role("button", name="Add condition").click()

    page.get_by_role("button", name="Create draft").click()

    alert = page.get_by_role("alert")
    expect(alert.get_by_role("link")).to_have_text(
        [
            re.compile("^Variant 1, config"),
            re.compile("^Variant 2, key"),
            re.compile("^Weights"),
            re.compile("^Metric 1, key"),
            re.compile("^Condition 1, context key"),
        ]
    )
    shot(page, "mistakes", whole=True)
    alert.get_by_role("link", name="Metric 1, key").click()
    expect(metrics.get_by_label("Key")).to_be_focused()
    expect(metrics.get_by_text("Give the metric a key.")).to_be_visible()
    until(lambda: "purchas" in (page.evaluate("localStorage['typed:new']") or ""))
    page.goto("/#/events")
    page.get_by_role("heading", name="Event types").wait_for()
    page.goto("/#/experiments/new")
    expect(page.get_by_text("is here again")).to_be_visible()
    expect(page.get_by_label("Name", exact=True)).to_have_value("Half a split")
    page.get_by_role("button", name="Discard it").click()
    expect(page.get_by_label("Name", exact=True)).to_have_value("")


def test_an_experiment_is_copied_and_a_taken_id_is_told_at_its_field(signed_in: Open, errors: Errors) -> None:
    errors.expected = {409}
    page = signed_in("/#/experiments/checkout-button")
    page.get_by_text("More", exact=True).click()
    page.get_by_role("link", name="Copy").click()

    expect(page.get_by_label("Name", exact=True)).to_have_value("Copy of Checkout button")
    page.get_by_text("Advanced").click()
    other = page.get_by_label("Experiment id")
    assert other.evaluate("input => [...input.list.options].map(each => each.value)").count("checkout-button")
    other.fill("checkout-button")
    expect(page.get_by_label("Its variants")).to_have_attribute("placeholder", "control, treatment")
    other.fill("")
    page.get_by_label("Id", exact=True).fill("checkout-button")
    page.get_by_role("button", name="Create draft").click()
    expect(page.get_by_text("checkout-button is taken; choose another id.").last).to_be_visible()
    page.get_by_label("Id", exact=True).fill("checkout-again")
    page.get_by_role("button", name="Create draft").click()

    page.get_by_role("heading", name="Copy of Checkout button").wait_for()
    page.get_by_role("link", name="Setup", exact=True).click()
    expect(page.get_by_role("table", name="Metrics")).to_contain_text("Support tickets")
    expect(page.get_by_text("qa-1")).to_be_visible()
    page.get_by_text("More", exact=True).click()
    page.get_by_role("button", name="Archive").click()
    expect(page.get_by_text("archived", exact=True)).to_be_visible()
    page.get_by_role("link", name="All experiments").click()
    page.get_by_role("link", name="Checkout button", exact=True).wait_for()
    expect(page.get_by_role("link", name="Copy of Checkout button")).to_have_count(0)
    page.get_by_label("Status").select_option("archived")
    expect(page.get_by_role("link", name="Copy of Checkout button")).to_be_visible()


def test_the_calculator_fills_in_the_plan(signed_in: Open, shot: Shot) -> None:
    page = signed_in()
    page.get_by_role("link", name="New experiment").click()
    page.get_by_label("Name", exact=True).fill("Search ranking")
    page.get_by_label("Hypothesis").fill("Who sees what is bought most often first buys sooner.")
    page.get_by_role("button", name="Plan 119,608 users").wait_for()
    shot(page, "new")

    page.get_by_role("button", name="Plan 119,608 users").click()

    expect(page.get_by_label("Planned users")).to_have_value("119608")


def test_the_calculator_knows_weights_analyses_and_means(signed_in: Open) -> None:
    page = signed_in()
    page.get_by_role("link", name="New experiment").click()
    weights = page.get_by_role("group", name="Variants").get_by_label("Weight in percent")
    weights.first.fill("90")
    weights.last.fill("10")

    page.get_by_label("Analysis").select_option("fixed")
    expect(page.get_by_role("button", name="Plan 179,750 users")).to_be_visible()
    page.get_by_label("What it measures").select_option("mean")

    expect(page.get_by_label("Rate today, in percent")).to_be_hidden()
    expect(page.get_by_role("button", name="Plan 34,890 users")).to_be_visible()


def test_the_sample_size_takes_several_variants_and_shows_no_older_answer(signed_in: Open) -> None:
    page = signed_in("/#/events")
    page.get_by_role("heading", name="Events", exact=True).wait_for()
    asked = re.compile(r"/sample-size\?")
    waiting: list[Route] = []

    def hold(route: Route) -> None:
        waiting.append(route)

    page.route(asked, hold, times=1)
    with page.expect_request(asked):
        page.goto("/#/sample-size")
    page.get_by_label("Variants of equal weight").fill("3")
    expect(page.get_by_text(re.compile("^[67][0-9],[0-9]{3} per variant")).first).to_be_visible()

    with page.expect_response(asked):
        waiting[0].continue_()
    page.evaluate("fetch('/health').then((answer) => answer.text())")  # by then the page has read it

    expect(page.get_by_text("59,804 per variant")).to_have_count(0)


@pytest.mark.heavy
def test_a_ramp_is_planned_step_by_step(
    signed_in: Open, api: httpx.Client, errors: Errors, shot: Shot
) -> None:
    draft = {"id": "ramped", "name": "Ramped", "traffic_allocation": 10, "variants": DEFINITION["variants"]}
    api.post("/experiments", json=draft).raise_for_status()
    page = signed_in("/#/experiments/ramped/edit")
    schedule = page.get_by_role("group", name="Schedule")
    for number, (at, percent) in enumerate([("2099-01-01T09:00", "50"), ("2099-01-02T09:00", "20")]):
        schedule.get_by_role("button", name="Add step").click()
        schedule.get_by_label("From").nth(number).fill(at)
        schedule.get_by_label("Percent of users").nth(number).fill(percent)
    shot(page, "ramp", whole=True)
    errors.expected.add(422)

    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("link", name="Step 2, percent of users: may only grow from 50")).to_be_visible()
    expect(schedule.get_by_label("Percent of users").nth(1)).to_have_attribute("aria-invalid", "true")
    schedule.get_by_role("button", name="Remove step 2").click()
    page.get_by_role("button", name="Save").click()

    page.get_by_role("link", name="Setup", exact=True).click()
    expect(page.locator("dt:has-text('Schedule') + dd")).to_contain_text(
        "50% of users from Jan 1, 2099, 9:00"
    )
    (step,) = api.get("/experiments/ramped").json()["schedule"]["ramp"]
    assert step["percent"] == 50


def test_a_condition_is_the_same_after_it_was_lines(signed_in: Open) -> None:
    page = signed_in()
    page.get_by_role("heading", name="Experiments").wait_for()

    said = page.evaluate(
        """async (conditions) => {
          const here = document.querySelector("script[type=module]").src;
          const { linesOf, conditionOf, inWords } = await import(new URL("audience.js", here));
          return conditions.map((each) => [inWords(each), linesOf(each) && conditionOf(linesOf(each))]);
        }""",
        [*IN_LINES.values(), *IN_JSON, {"country": "DE"}],
    )

    assert said[: len(IN_LINES)] == [[words, condition] for words, condition in IN_LINES.items()]
    assert said[len(IN_LINES) : -1] == [[None, None]] * len(IN_JSON)
    assert said[-1] == ["country is DE", {"country": {"$eq": "DE"}}]
