"""What a person does in the console: from a draft to the decision, and what goes wrong on the way."""

import csv
import re
from collections.abc import Callable

import httpx
import pytest
from playwright.sync_api import Page, StorageState, expect

from tests.browser.conftest import sign_in
from tests.browser.seed import DAYS, USERS_PER_DAY
from tests.browser.steps import until
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


def test_the_first_load_is_light(opened: Open, session: StorageState) -> None:
    page = opened(state=session)
    sizes: list[int] = []
    page.on("requestfinished", lambda request: sizes.append(request.sizes()["responseBodySize"]))
    page.goto("/")

    page.get_by_role("link", name="Checkout button", exact=True).click()
    expect(page.get_by_role("figure")).to_have_count(2)
    page.wait_for_load_state("networkidle")

    assert sum(sizes) < FIRST_LOAD_BYTES


def test_a_finger_hits_everything_on_a_phone(signed_in: Open) -> None:
    """44 pixels at least, which is what WCAG 2.5.5 asks for."""
    for path, heading in (("/", "Experiments"), ("/#/experiments/checkout-button", "Checkout button")):
        page = signed_in(path, width=390)
        page.get_by_role("heading", name=heading).first.wait_for()

        small = page.evaluate(
            """() => [...document.querySelectorAll("button, .button, select, summary, nav a, [role=tab]")]
              .map((each) => [each.textContent.trim(), each.getBoundingClientRect()])
              .filter(([, box]) => box.height > 0 && Math.round(box.height) < 44)
              .map(([text, box]) => [text, box.height])"""
        )

        assert page.evaluate("matchMedia('(pointer: coarse)').matches")
        assert small == []
