"""What a person does in the console: from a draft to the decision, and what goes wrong on the way."""

import csv
import json
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from playwright.sync_api import Page, Route, StorageState, expect

from tests.browser.conftest import Errors, sign_in
from tests.browser.seed import DAYS, DEFINITION, USERS_PER_DAY
from tests.e2e.conftest import RunningStack

type Open = Callable[..., Page]
type Shot = Callable[..., None]

FIRST_LOAD_BYTES = 200_000
DRAWN = """(text) => {
  const drawing = new DOMParser().parseFromString(text, "image/svg+xml");
  const found = (tag) => [...drawing.querySelectorAll(tag)];
  return [found("text").map((each) => each.textContent), found("path").length];
}"""


def _create(page: Page) -> None:
    page.get_by_role("link", name="New experiment").click()
    page.get_by_label("Name", exact=True).fill("Search ranking")
    page.get_by_role("button", name="Add condition").click()
    page.get_by_label("Context key").fill("country")
    page.get_by_label("Condition", exact=True).select_option("is not")
    page.get_by_label("Value", exact=True).fill("XX")
    page.get_by_label("Ends", exact=True).fill("2099-12-31T12:00")
    page.get_by_label("A guardrail is harmed").select_option("pause")
    page.get_by_text("Advanced").click()
    page.get_by_label("Layer", exact=True).fill("search")
    page.get_by_label("To percent").fill("100")
    page.get_by_label("Id", exact=True).fill("search-ranking")
    metrics = page.get_by_role("group", name="Metrics")
    metrics.get_by_label("Key").fill("click_rate")
    metrics.get_by_label("Event type").fill("click")
    page.get_by_role("button", name="Create draft").click()
    page.get_by_role("heading", name="Search ranking").wait_for()


def _step(page: Page, name: str) -> None:
    button = page.get_by_role("main").get_by_role("button", name=name)
    more = page.get_by_text("More", exact=True)
    button.or_(more).first.wait_for()
    if not button.is_visible():
        more.click()
    button.click()
    page.get_by_role("dialog").get_by_role("button", name=name).click()


def _assign_and_record(api: httpx.Client, users: int) -> None:
    for number in range(users):
        user = {"user_id": f"searcher-{number}"}
        api.post("/experiments/search-ranking/assignments", json=user).raise_for_status()
    events = [{"user_id": f"searcher-{number}", "type": "click"} for number in range(0, users, 2)]
    api.post("/events/batch", json={"events": events}).raise_for_status()


def _wait_until_counted(api: httpx.Client, converters: int) -> None:
    def counted() -> bool:
        (metric,) = api.get("/experiments/search-ranking/results?format=metrics_only").json()["metrics"]
        return sum(each["converters"] for each in metric["variants"].values()) == converters

    until(counted)


def until(happened: Callable[[], bool]) -> None:
    """Wait for what the workers do by themselves."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if happened():
            return
        time.sleep(0.25)
    raise AssertionError("it did not happen in time")


def days_ago(days: int) -> str:
    """Return the time so many days ago, as the API takes it."""
    moment = datetime.now(UTC) - timedelta(days=days)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def test_a_person_takes_an_experiment_from_draft_to_decision(
    opened: Open, fortnight: RunningStack, api: httpx.Client, shot: Shot
) -> None:
    page = opened()
    sign_in(page, fortnight)
    _create(page)
    expect(page.get_by_text("This is a draft")).to_be_visible()

    _step(page, "Start")
    expect(page.get_by_text("Waiting for users")).to_be_visible()
    expect(page.get_by_text("running", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="One row per user")).to_be_visible()

    _assign_and_record(api, users=20)
    _wait_until_counted(api, converters=10)
    enrolment = page.get_by_role("figure", name="Enrolment per day")
    expect(enrolment.locator("canvas")).to_be_visible()  # by itself, while nothing was counted
    expect(page.get_by_text("Too early for a line")).to_be_visible()
    enrolment.get_by_text("Show as a table").click()
    expect(enrolment.get_by_role("cell").last).to_have_text("20")
    shot(page, "first-day", whole=True)

    _step(page, "Pause")
    expect(page.get_by_text("paused", exact=True)).to_be_visible()
    page.get_by_text("More", exact=True).click()
    page.get_by_role("button", name="Complete").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("less than the 7 days of its plan")
    dialog.get_by_label("Everybody gets").select_option("treatment")
    dialog.get_by_label("Note").fill("People like it.")
    shot(page, "complete")
    dialog.get_by_role("button", name="Complete").click()
    ended = page.get_by_role("region", name="Conclusion")
    expect(ended).to_contain_text("Everybody gets treatment.")
    expect(ended).to_contain_text("People like it.")
    decision = page.get_by_role("region", name="Decision")
    expect(decision).to_contain_text("No verdict: ended too early")
    expect(decision).not_to_contain_text("eep running")
    page.get_by_text("More", exact=True).click()
    expect(page.get_by_role("main").get_by_role("button", name="Pause")).to_have_count(0)
    page.get_by_role("link", name="Setup", exact=True).click()
    expect(page.locator("dt:has-text('Version') + dd")).to_have_text("4")
    expect(page.locator("dt:has-text('Audience') + dd")).to_have_text("country is not XX")
    expect(page.locator("dt:has-text('Schedule') + dd")).to_contain_text("ends Dec 31, 2099")
    expect(page.locator("dt:has-text('guardrail is harmed') + dd")).to_contain_text("pause it")
    page.get_by_role("link", name="Layers").click()
    expect(page.get_by_role("main")).to_contain_text("0% to 100%")
    page.get_by_role("link", name="Notifications").click()
    expect(page.get_by_role("main")).to_contain_text("Search ranking")

    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    names = {cookie["name"] for cookie in page.context.cookies()}
    assert not names & {"__Host-access", "__Host-refresh"}


def test_the_decision_of_a_fortnight_is_on_top_with_its_plots(signed_in: Open, shot: Shot) -> None:
    page = signed_in()
    expect(page.get_by_text("Ship Green button")).to_be_visible()
    shot(page, "experiments")

    page.get_by_role("link", name="Checkout button", exact=True).click()

    expect(page.get_by_role("region", name="Decision")).to_contain_text("Green button raises Purchase rate")
    page.get_by_role("region", name="Purchase rate by country").first.wait_for()
    shot(page, "experiment")
    row = page.get_by_role("row", name=re.compile("Green button")).first
    expect(row).to_contain_text("better")
    expect(row.locator("svg.ink-1 rect")).to_have_count(1)
    page.get_by_role("button", name="More figures of Purchase rate, Green button").click()
    expect(page.get_by_text("not protected against frequent looks").first).to_be_visible()
    for canvas in page.locator("canvas").all():
        expect(canvas).to_be_visible()
    country = page.get_by_role("region", name="Purchase rate by country").first
    expect(country.get_by_role("row")).to_have_count(5)
    expect(page.get_by_text("All groups together, weighted by their users: +").first).to_be_visible()
    shot(page, "experiment-whole", whole=True)
    over_time = page.get_by_role("heading", name="Over time and by segment")
    over_time.evaluate("(heading) => heading.closest('section').scrollIntoView()")
    expect(page.get_by_role("navigation", name="Parts of the experiment")).to_be_in_viewport()
    shot(page, "plots")


def test_plots_and_tables_are_saved_as_pictures_and_as_figures(signed_in: Open) -> None:
    page = signed_in("/#/experiments/checkout-button")
    saved: dict[str, bytes] = {}

    for title, kinds in (("the metrics", "SVG CSV"), ("Enrolment per day", "SVG PNG CSV")):
        for kind in kinds.split():
            page.get_by_label(f"Save {title}", exact=True).click()
            with page.expect_download() as download:
                page.get_by_role("button", name=f"Save {title} as {kind}").click()
            saved[download.value.suggested_filename] = download.value.path().read_bytes()

    assert saved["checkout-button-enrolment.png"].startswith(b"\x89PNG")
    for name, wanted in (("metrics", {"Revenue", "Support tickets"}), ("enrolment", {"Green button"})):
        texts, paths = page.evaluate(DRAWN, saved[f"checkout-button-{name}.svg"].decode())
        assert wanted <= set(texts)
        assert paths > 3
    first, *rows = csv.DictReader(saved["checkout-button-metrics.csv"].decode().splitlines())
    assert float(first["lift_low"]) < float(first["lift"]) < float(first["lift_high"])
    assert {row["variant"] for row in rows} == {"treatment"}


def test_the_raw_rows_are_saved_in_one_file(signed_in: Open) -> None:
    page = signed_in("/#/experiments/checkout-button")

    with page.expect_download() as download:
        page.get_by_role("button", name="One row per user").click()

    lines = download.value.path().read_text().splitlines()
    assert download.value.suggested_filename == "checkout-button-users.csv"
    assert len(lines) == 1 + DAYS * USERS_PER_DAY
    assert len(set(lines)) == len(lines)


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


def test_the_list_keeps_what_is_looked_for_in_its_address(signed_in: Open) -> None:
    page = signed_in()
    row = page.get_by_role("row", name="Checkout button checkout-button")
    expect(row).to_contain_text(re.compile(r"\+[0-9.]+% Purchase rate"))
    page.get_by_label("Search").fill("checkout b")
    page.get_by_label("Status").select_option("running")

    page.get_by_role("link", name="Checkout button", exact=True).click()
    page.get_by_role("region", name="Decision").wait_for()
    page.go_back()

    expect(page.get_by_label("Search")).to_have_value("checkout b")
    expect(page.get_by_label("Status")).to_have_value("running")
    page.get_by_label("Search").fill("nothing like it")
    expect(page.get_by_text("No experiment matches.")).to_be_visible()


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


def test_a_wrong_password_is_refused_in_words(opened: Open, errors: Errors) -> None:
    errors.expected = {401}
    page = opened()
    page.goto("/")
    page.get_by_label("User name").fill("nobody")
    page.get_by_label("Password").fill("not the password")

    page.get_by_role("button", name="Sign in").click()

    expect(page.get_by_role("alert")).to_contain_text("The name or the password is wrong.")


def test_a_user_is_looked_up_with_the_reason_for_each_event(
    signed_in: Open, api: httpx.Client, fortnight: RunningStack
) -> None:
    early = {"user_id": "user-7", "type": "purchase", "timestamp": days_ago(DAYS + 2)}
    others = [{"user_id": "user-7", "type": kind} for kind in ("purchase", "visit")]
    api.post("/events/batch", json={"events": [early, *others]}).raise_for_status()
    until(lambda: len(api.get("/events?user_id=user-7&limit=100").json()["events"]) >= 3)
    page = signed_in("/#/experiments/checkout-button/debug")
    page.get_by_label("User id").fill("user-7")

    page.get_by_role("button", name="Look up").click()

    expect(page.get_by_text("was assigned").first).to_contain_text("Green button")
    expect(page.get_by_text("The assignment was imported")).to_be_visible()
    events = page.get_by_role("table", name="Events of user-7")
    expect(events).to_contain_text("Yes, in Purchase rate and Revenue.")
    expect(events).to_contain_text("No: no metric looks at visit.")
    expect(events).to_contain_text("No: it happened before the assignment")
    page.get_by_text("How the draw goes").click()
    expect(page.get_by_label("Command that recomputes the bucket")).to_contain_text("sha256sum")


@pytest.mark.heavy
def test_what_arrives_is_seen_and_a_crossover_with_it(signed_in: Open, api: httpx.Client, shot: Shot) -> None:
    path = "/experiments/checkout-button/assignments"
    drawn = api.post(path, json={"user_id": "crossing"}).json()["variant"]
    other = {"control": "treatment", "treatment": "control"}[drawn]
    met = {"experiment_id": "checkout-button", "user_id": "crossing", "variant": other}
    api.post("/exposures", json={"exposures": [met]}).raise_for_status()
    page = signed_in("/#/experiments/checkout-button/debug")
    tail = page.get_by_role("table", name="Last events and exposures")
    expect(tail.get_by_role("row", name="exposure crossing")).to_contain_text(other)

    bought = {"user_id": "crossing", "type": "purchase", "value": 41.5, "properties": {"plan": "pro"}}
    api.post("/events/batch", json={"events": [bought, bought | {"type": "unknown"}]}).raise_for_status()

    row = tail.get_by_role("row", name="purchase crossing 41.5")
    expect(row).to_contain_text("plan pro")
    expect(tail).not_to_contain_text("unknown")
    row.get_by_role("button", name="crossing").click()
    expect(page.get_by_role("table", name="Events of crossing")).to_contain_text(
        "Yes, in Purchase rate and Revenue."
    )
    until(lambda: api.get("/experiments/checkout-button/results").json()["crossovers"][other] == 1)
    page.get_by_role("button", name="Pause").click()
    page.reload()
    users = page.get_by_role("table", name="Users, crossovers and late enrolments")
    crossovers = users.get_by_role("row", name={"control": "Blue", "treatment": "Green"}[other]).get_by_role(
        "cell"
    )
    expect(crossovers.nth(1)).to_have_text("1")
    expect(tail.get_by_role("row", name="purchase crossing 41.5")).to_be_visible()
    shot(page, "debug")
    page.goto("/#/events")
    expect(tail.get_by_role("row", name="unknown crossing")).to_be_visible()


def test_what_is_stored_about_a_user_is_shown(signed_in: Open) -> None:
    page = signed_in("/#/user-data")
    page.get_by_label("User id").fill("user-9")

    page.get_by_role("button", name="Show").click()

    stored = page.get_by_role("table", name="Assignments")
    expect(stored.get_by_role("link", name="Checkout button")).to_be_visible()
    expect(stored).to_contain_text("Green button")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as JSON").click()
    assert json.loads(download.value.path().read_text())["user_id"] == "user-9"


@pytest.mark.heavy
def test_a_user_is_erased_after_a_question(
    opened: Open, fortnight: RunningStack, api: httpx.Client, shot: Shot
) -> None:
    leaver = {"user_id": "leaver"}
    api.post("/experiments/checkout-button/assignments", json=leaver).raise_for_status()
    api.post("/events", json=leaver | {"type": "purchase", "value": 3}).raise_for_status()
    until(lambda: bool(api.get("/users", params=leaver).json()["totals"]))
    page = opened()
    sign_in(page, fortnight)
    page.get_by_role("link", name="User data").click()
    page.get_by_label("User id").fill("leaver")
    page.get_by_role("button", name="Show").click()
    assignments = page.get_by_role("table", name="Assignments")
    expect(assignments).to_contain_text("Checkout button")

    page.get_by_role("button", name="Erase").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    assert api.get("/users", params=leaver).json()["erasure"] is None
    page.get_by_role("button", name="Erase").click()
    shot(page, "erase")
    page.get_by_role("dialog").get_by_role("button", name="Erase").click()

    expect(page.get_by_text("An erasure was asked for")).to_be_visible()
    assert api.get("/users", params=leaver).json()["erasure"]["erased_at"]


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


def test_a_key_is_shown_once(signed_in: Open) -> None:
    page = signed_in("/#/keys")
    page.get_by_label("Name").fill("shop server")

    page.get_by_role("button", name="Create key").click()

    expect(page.get_by_label("The new key")).to_contain_text("export API_KEY=exp_")
    expect(page.get_by_role("table")).to_contain_text("shop server")
    expect(page.get_by_role("table")).to_contain_text("Assign users, Record events")
    page.goto("/#/people")
    own = page.get_by_role("row", name="admin you")
    expect(own).to_be_visible()
    expect(own.get_by_role("button")).to_have_count(0)


def test_dead_letters_are_replayed_and_none_says_so(signed_in: Open) -> None:
    page = signed_in("/#/events")
    page.get_by_role("heading", name="Event types").wait_for()
    letter = {
        "message_id": "1",
        "sent_at": "2026-11-01T00:00:00Z",
        "events": 3,
        "exposures": 0,
        "types": ["purchase"],
    }
    waiting = {"queue": "count", "waiting": 1, "oldest_age_seconds": 90, "sample": [letter]}
    page.route("**/events/dead-letters", lambda route: route.fulfill(json={"queues": [waiting]}), times=1)
    page.goto("/#/dead-letters")
    expect(page.get_by_role("region", name="Some messages of count")).to_contain_text("purchase")

    _step(page, "Replay")

    expect(page.get_by_text("0 messages were sent again.")).to_be_visible()
    expect(page.get_by_text("Nothing is waiting")).to_be_visible()
    expect(page.get_by_role("button", name="Replay all")).to_be_hidden()


@pytest.mark.heavy
def test_an_empty_list_offers_a_sample_that_is_decided(
    signed_in: Open, api: httpx.Client, shot: Shot
) -> None:
    page = signed_in("/#/events")
    page.get_by_role("heading", name="Event types").wait_for()
    nothing = {"experiments": [], "next_cursor": None}
    page.route("**/experiments?archived=false**", lambda route: route.fulfill(json=nothing), times=1)
    page.goto("/#/experiments")
    expect(page.get_by_role("listitem").filter(has_text="Assign your users")).to_be_visible()
    shot(page, "empty")

    page.get_by_role("button", name="Load a sample experiment").click()

    page.get_by_role("heading", name="Sample: a shorter checkout").wait_for()
    path = "/experiments/sample-checkout/results?format=summary"
    until(lambda: sum(each["enrolled"] for each in api.get(path).json()["variants"].values()) == 1_200)
    expect(page.get_by_role("region", name="Decision")).to_contain_text("Purchase rate", timeout=60_000)


def test_the_session_is_renewed_before_it_is_over(opened: Open, fortnight: RunningStack) -> None:
    page = opened()
    sign_in(page, fortnight)
    page.evaluate("localStorage.session = JSON.stringify({ until: 0, renewable: Date.now() + 1e6 })")

    with page.expect_request("**/auth/refresh"):
        page.goto("/#/events")

    expect(page.get_by_role("heading", name="Event types")).to_be_visible()
    assert page.evaluate("JSON.parse(localStorage.session).until > Date.now()")


def test_the_first_load_is_light(opened: Open, session: StorageState) -> None:
    page = opened(state=session)
    sizes: list[int] = []
    page.on("requestfinished", lambda request: sizes.append(request.sizes()["responseBodySize"]))
    page.goto("/")

    page.get_by_role("link", name="Checkout button", exact=True).click()
    expect(page.get_by_role("figure")).to_have_count(2)
    page.wait_for_load_state("networkidle")

    assert sum(sizes) < FIRST_LOAD_BYTES
