"""What a person does in the console: from a draft to the decision, and what goes wrong on the way."""

import time
from collections.abc import Callable

import httpx
from playwright.sync_api import Page, StorageState, expect

from tests.browser.conftest import Errors, sign_in
from tests.browser.seed import DAYS, USERS_PER_DAY
from tests.e2e.conftest import RunningStack

type Open = Callable[..., Page]
type Shot = Callable[..., None]

FIRST_LOAD_BYTES = 200_000


def _create(page: Page) -> None:
    page.get_by_role("link", name="New experiment").click()
    page.get_by_label("Name", exact=True).fill("Search ranking")
    page.get_by_label("Id", exact=True).fill("search-ranking")
    metrics = page.get_by_role("group", name="Metrics")
    metrics.get_by_label("Key").fill("click_rate")
    metrics.get_by_label("Event type").fill("click")
    page.get_by_role("button", name="Create draft").click()
    page.get_by_role("heading", name="Search ranking").wait_for()


def _step(page: Page, name: str) -> None:
    page.get_by_role("main").get_by_role("button", name=name).click()
    page.get_by_role("dialog").get_by_role("button", name=name).click()


def _assign_and_record(api: httpx.Client, users: int) -> None:
    for number in range(users):
        user = {"user_id": f"searcher-{number}"}
        api.post("/experiments/search-ranking/assignments", json=user).raise_for_status()
    events = [{"user_id": f"searcher-{number}", "type": "click"} for number in range(0, users, 2)]
    api.post("/events/batch", json={"events": events}).raise_for_status()


def _wait_until_counted(api: httpx.Client, converters: int) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        (metric,) = api.get("/experiments/search-ranking/results?format=metrics_only").json()["metrics"]
        if sum(each["converters"] for each in metric["variants"].values()) == converters:
            return
        time.sleep(0.25)
    raise AssertionError("the events were not counted in time")


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
    expect(page.locator("dt:has-text('Version') + dd")).to_have_text("2")
    expect(page.get_by_role("button", name="One row per user")).to_be_visible()

    _assign_and_record(api, users=20)
    _wait_until_counted(api, converters=10)
    expect(page.locator(".tile").first).to_contain_text("20")  # by itself, while nothing was counted
    for title in ("Lift over the control", "click_rate since the start", "Enrolment per day"):
        expect(page.get_by_role("figure", name=title).locator("canvas")).to_be_visible()
    page.get_by_role("figure", name="Enrolment per day").get_by_text("Show as a table").click()
    expect(page.get_by_role("figure", name="Enrolment per day").get_by_role("cell").last).to_have_text("20")
    shot(page, "first-day", whole=True)

    _step(page, "Pause")
    expect(page.get_by_text("paused", exact=True)).to_be_visible()
    _step(page, "Complete")
    expect(page.get_by_text("completed", exact=True).first).to_be_visible()
    decision = page.get_by_role("region", name="Decision")
    expect(decision).to_contain_text("No verdict: ended too early")
    expect(decision).not_to_contain_text("eep running")
    expect(page.locator("dt:has-text('Version') + dd")).to_have_text("4")
    expect(page.get_by_role("main").get_by_role("button", name="Pause")).to_have_count(0)

    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    names = {cookie["name"] for cookie in page.context.cookies()}
    assert not names & {"__Host-access", "__Host-refresh"}


def test_the_decision_of_a_fortnight_is_on_top_with_its_plots(signed_in: Open, shot: Shot) -> None:
    page = signed_in()
    expect(page.get_by_text("Ship Green button")).to_be_visible()
    shot(page, "experiments")

    page.get_by_role("link", name="Checkout button").click()

    expect(page.get_by_role("region", name="Decision")).to_contain_text("Green button raises Purchase rate")
    expect(page.get_by_role("figure")).to_have_count(5)
    for canvas in page.locator("canvas").all():
        expect(canvas).to_be_visible()
    shot(page, "experiment")
    shot(page, "experiment-whole", whole=True)
    page.get_by_role("heading", name="Lift over the control").scroll_into_view_if_needed()
    shot(page, "plots")


def test_a_plot_is_saved_as_a_picture_and_as_figures(signed_in: Open) -> None:
    page = signed_in("/#/experiments/checkout-button")
    figure = page.get_by_role("figure", name="Lift over the control")
    saved: dict[str, bytes] = {}

    for kind in ("PNG", "CSV"):
        with page.expect_download() as download:
            figure.get_by_role("button", name=kind).click()
        saved[download.value.suggested_filename] = download.value.path().read_bytes()

    assert saved["checkout-button-lift.png"].startswith(b"\x89PNG")
    assert saved["checkout-button-lift.csv"].startswith(b"Metric,Variant,Lift,Interval from,Interval to,")


def test_the_raw_rows_are_saved_in_one_file(signed_in: Open) -> None:
    page = signed_in("/#/experiments/checkout-button")

    with page.expect_download() as download:
        page.get_by_role("button", name="One row per user").click()

    lines = download.value.path().read_text().splitlines()
    assert download.value.suggested_filename == "checkout-button-users.csv"
    assert len(lines) == 1 + DAYS * USERS_PER_DAY
    assert len(set(lines)) == len(lines)


def test_a_mistake_is_shown_at_its_field(signed_in: Open, errors: Errors) -> None:
    errors.expected = {422}
    page = signed_in()
    page.get_by_role("link", name="New experiment").click()
    page.get_by_label("Name", exact=True).fill("Half a split")
    variants = page.get_by_role("group", name="Variants")
    variants.get_by_label("Weight in percent").first.fill("40")
    expect(variants.get_by_role("status")).to_have_text("Weights sum to 90%: 10% missing")

    page.get_by_role("button", name="Create draft").click()

    key = page.get_by_role("group", name="Metrics").get_by_label("Key")
    expect(key).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_role("alert").first).to_be_visible()


def test_the_calculator_fills_in_the_plan(signed_in: Open) -> None:
    page = signed_in()
    page.get_by_role("link", name="New experiment").click()

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


def test_a_wrong_password_is_refused_in_words(opened: Open, errors: Errors) -> None:
    errors.expected = {401}
    page = opened()
    page.goto("/")
    page.get_by_label("User name").fill("nobody")
    page.get_by_label("Password").fill("not the password")

    page.get_by_role("button", name="Sign in").click()

    expect(page.get_by_role("alert")).to_contain_text("The name or the password is wrong.")


def test_a_user_is_looked_up_with_the_reason(signed_in: Open) -> None:
    page = signed_in("/#/experiments/checkout-button")
    page.get_by_label("User id").fill("user-7")

    page.get_by_role("button", name="Look up").click()

    expect(page.get_by_text("was assigned")).to_contain_text("treatment")
    expect(page.get_by_label("Command that recomputes the bucket")).to_contain_text("sha256sum")


def test_a_key_is_shown_once(signed_in: Open) -> None:
    page = signed_in("/#/keys")
    page.get_by_label("Name").fill("shop server")

    page.get_by_role("button", name="Make the key").click()

    expect(page.get_by_label("The new key")).to_contain_text("export API_KEY=exp_")
    expect(page.get_by_role("table")).to_contain_text("shop server")


def test_dead_letters_are_empty_and_can_be_replayed(signed_in: Open) -> None:
    page = signed_in("/#/dead-letters")

    _step(page, "Replay")

    expect(page.get_by_text("0 messages were sent again.")).to_be_visible()


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

    page.get_by_role("link", name="Checkout button").click()
    expect(page.get_by_role("figure")).to_have_count(5)
    page.wait_for_load_state("networkidle")

    assert sum(sizes) < FIRST_LOAD_BYTES
