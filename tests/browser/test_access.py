"""The pages for people who see, hear or point differently: axe's rules, a phone, paper, the keyboard."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

type Open = Callable[..., Page]
type Shot = Callable[..., None]

PLACES = {
    "experiments": ("/#/experiments", "Experiments"),
    "new": ("/#/experiments/new", "New experiment"),
    "experiment": ("/#/experiments/checkout-button", "Metrics"),
    "setup": ("/#/experiments/checkout-button/setup", "Variants"),
    "debug": ("/#/experiments/checkout-button/debug", "Counted events per day"),
    "history": ("/#/experiments/checkout-button/history", "History"),
    "sample-size": ("/#/sample-size", "Sample size"),
    "edit": ("/#/experiments/checkout-button/edit", "Edit Checkout button"),
    "assignments": ("/#/assignments", "Assignments"),
    "events": ("/#/events", "Event types"),
    "dead-letters": ("/#/dead-letters", "Dead letters"),
    "people": ("/#/people", "Add a person"),
    "record": ("/#/record", "Audit"),
    "layers": ("/#/layers", "Layers"),
    "notifications": ("/#/notifications", "Notifications"),
    "user-data": ("/#/user-data", "User data"),
    "account": ("/#/account", "Your account"),
    "keys": ("/#/keys", "Create a key"),
}


def _serious(page: Page) -> list[str]:
    violations = Axe().run(page).response["violations"]
    return [
        f"{each['id']}: {node['html'][:200]}"
        for each in violations
        if each["impact"] in {"serious", "critical"}
        for node in each["nodes"]
    ]


def _go(page: Page, place: str) -> None:
    path, heading = PLACES[place]
    page.goto(path)
    page.get_by_role("heading", name=heading).first.wait_for()


@pytest.mark.parametrize(
    ("scheme", "places"),
    [pytest.param("light", list(PLACES), marks=pytest.mark.heavy), ("dark", ["experiment"])],
)
def test_axe_finds_no_serious_issue(signed_in: Open, shot: Shot, scheme: str, places: list[str]) -> None:
    page = signed_in(scheme=scheme)

    for place in places:
        _go(page, place)
        shot(page, f"{place}-{scheme}")
        assert _serious(page) == [], place


def test_axe_finds_no_serious_issue_before_signing_in(opened: Open, shot: Shot) -> None:
    page = opened()

    page.goto("/")

    page.get_by_role("heading", name="Sign in").wait_for()
    shot(page, "sign-in")
    assert _serious(page) == []


def test_a_phone_shows_every_page_without_sideways_scrolling(signed_in: Open, shot: Shot) -> None:
    page = signed_in(width=360)

    for place in PLACES:
        _go(page, place)
        shot(page, f"{place}-phone", whole=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, place


def test_paper_shows_the_results_without_buttons(signed_in: Open, shot: Shot) -> None:
    page = signed_in(scheme="dark")
    _go(page, "experiment")

    page.emulate_media(media="print", color_scheme="light")

    expect(page.get_by_text("Green button raises Purchase rate")).to_be_visible()
    expect(page.get_by_role("button", name="Complete")).to_be_hidden()
    shot(page, "print", whole=True)


def test_the_keyboard_alone_reaches_the_content_and_a_dialog(signed_in: Open) -> None:
    page = signed_in()
    _go(page, "experiment")
    page.get_by_role("link", name="Skip to content").focus()

    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()
    page.get_by_role("button", name="Complete").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")

    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_text("running", exact=True)).to_be_visible()
