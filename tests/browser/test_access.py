"""The pages for people who see, hear or point differently: axe's rules, a phone, paper, the keyboard."""

import re
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from local.paths import ROOT

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
    "sign-in-failed": ("/#/sign-in-failed/refused", "signed in"),
    "nowhere": ("/#/nowhere", "There is no such page"),
}


REFERENCE = {"docs": "/docs", "redoc": "/redoc"}
SIZES = (1440, 390)


def _violations(page: Page, *impacts: str) -> list[str]:
    """Return what axe finds, of these impacts or of any."""
    return [
        f"{each['id']}: {node['html'][:200]}"
        for each in Axe().run(page).response["violations"]
        if not impacts or each["impact"] in impacts
        for node in each["nodes"]
    ]


def _go(page: Page, place: str) -> None:
    path, heading = PLACES[place]
    page.goto(path)
    page.get_by_role("heading", name=heading).first.wait_for()


def _check(page: Page, place: str, width: int) -> None:
    assert _violations(page) == [], place
    assert page.evaluate("document.documentElement.scrollWidth") <= width, place


def test_every_page_is_looked_at() -> None:
    routes = re.findall(r"^  \[/\^(.*)\$/, \(\) =>", (ROOT / "console" / "app.js").read_text(), re.MULTILINE)
    addresses = [path.removeprefix("/#") for path, _ in PLACES.values()]

    assert len(routes) > 10
    for route in routes:
        assert any(re.fullmatch(route.replace("\\/", "/"), each) for each in addresses), route


@pytest.mark.parametrize(
    ("scheme", "width"), [("light", 390), pytest.param("dark", 1200, marks=pytest.mark.heavy)]
)
def test_axe_finds_nothing_on_the_page_of_a_decision(
    signed_in: Open, shot: Shot, scheme: str, width: int
) -> None:
    page = signed_in(scheme=scheme, width=width)
    _go(page, "experiment")
    shot(page, f"experiment-{scheme}")
    _check(page, "experiment", width)


@pytest.mark.heavy
@pytest.mark.parametrize("width", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_any_page(signed_in: Open, shot: Shot, scheme: str, width: int) -> None:
    page = signed_in(scheme=scheme, width=width)

    for place in PLACES:
        _go(page, place)
        shot(page, f"{place}-{scheme}-{width}", whole=True)
        _check(page, place, width)


@pytest.mark.heavy
@pytest.mark.parametrize("width", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", REFERENCE)
def test_axe_finds_nothing_serious_in_the_reference(opened: Open, name: str, scheme: str, width: int) -> None:
    """What is moderate is the order of headings in Swagger UI and ReDoc, which is theirs."""
    page = opened(width, scheme)

    page.goto(REFERENCE[name])

    expect(page.get_by_text("Create an experiment, as a draft.").first).to_be_attached()
    assert _violations(page, "serious", "critical") == []


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 390)])
def test_axe_finds_nothing_before_signing_in(opened: Open, shot: Shot, scheme: str, width: int) -> None:
    page = opened(width, scheme)

    page.goto("/")

    page.get_by_role("heading", name="Sign in").wait_for()
    shot(page, "sign-in")
    _check(page, "sign-in", width)


@pytest.mark.heavy
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
