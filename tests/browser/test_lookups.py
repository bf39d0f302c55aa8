"""What is known of a user and of what arrives, and erasing a user."""

import json
from collections.abc import Callable

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import sign_in
from tests.browser.seed import DAYS
from tests.browser.steps import days_ago, until
from tests.e2e.conftest import RunningStack

type Open = Callable[..., Page]
type Shot = Callable[..., None]


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
