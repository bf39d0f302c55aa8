"""A stack with an experiment of a fortnight, and a headless chromium that notices every error."""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    StorageState,
    expect,
    sync_playwright,
)

from local.paths import ROOT
from tests.browser.seed import a_fortnight
from tests.e2e.conftest import RunningStack, start_stack, stop_stack

expect.set_options(timeout=30_000)  # a busy machine is slow, not wrong

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
PHONE_BELOW = 600  # of its width: a finger is all the pointer that there is
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PICTURES = {
    "experiment": "experiment.png",
    "plots": "plots.png",
    "new": "new-experiment.png",
    "debug": "debug.png",
    "experiment-dark": "experiment-dark.png",
}
"""What the documentation shows: written when README_PICTURES is set. (experiments.png is of `make demo`.)"""
SCREENSHOTS = Path(os.environ.get("SCREENSHOTS") or ROOT / "build" / "screenshots")


@pytest.hookimpl(tryfirst=True)  # before xdist looks at the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is in this folder; skip it where there is no chromium."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.xdist_group("browser"))
            if not CHROMIUM:
                item.add_marker(pytest.mark.skip(reason="chromium is not installed: make browser"))


@dataclass(slots=True)
class Errors:
    """What a page should not do; `expected` are the statuses that a test brings about."""

    found: list[str] = field(default_factory=list)
    expected: set[int] = field(default_factory=set)

    def note(self, text: str) -> None:
        """Keep an error unless the test asked for it."""
        if not any(f"status of {status} " in text for status in self.expected):
            self.found.append(text)


@pytest.fixture(scope="package")
def fortnight(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """A stack in which an experiment has been running for two weeks."""
    running = start_stack(tmp_path_factory.mktemp("browser"))
    try:
        with _client(running) as api:
            a_fortnight(running, api)
        yield running
    finally:
        stop_stack(running)


def _client(stack: RunningStack) -> httpx.Client:
    headers = {"Authorization": f"Bearer {stack.token()}"}
    return httpx.Client(base_url=stack.base_url, headers=headers, timeout=60)


@pytest.fixture
def api(fortnight: RunningStack) -> Iterator[httpx.Client]:
    """The API, as the administrator."""
    with _client(fortnight) as client:
        yield client


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One browser for this folder's tests; Playwright's event loop must not outlive them."""
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield launched
        launched.close()


@pytest.fixture
def errors() -> Errors:
    """The errors of this test's pages."""
    return Errors()


@pytest.fixture
def opened(browser: Browser, fortnight: RunningStack, errors: Errors) -> Iterator[Callable[..., Page]]:
    """Opens a page in a context of its own; any error on it, or request to another host, fails the test."""
    contexts: list[BrowserContext] = []
    here = urlsplit(fortnight.base_url).netloc

    def console(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            errors.note(message.text)

    def request(sent: Request) -> None:
        if urlsplit(sent.url).scheme in {"http", "https"} and urlsplit(sent.url).netloc != here:
            errors.note(f"a request to {sent.url}")

    def open_page(width: int = 1200, scheme: str = "light", state: StorageState | None = None) -> Page:
        context = browser.new_context(
            storage_state=state,
            viewport={"width": width, "height": 800},
            has_touch=width < PHONE_BELOW,
            is_mobile=width < PHONE_BELOW,
            color_scheme="dark" if scheme == "dark" else "light",
            device_scale_factor=2 if os.environ.get("README_PICTURES") else 1,
            base_url=fortnight.base_url,
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.on("console", console)
        page.on("pageerror", lambda error: errors.note(str(error)))
        page.on("request", request)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert errors.found == []


def sign_in(page: Page, stack: RunningStack) -> None:
    """Open the console and sign in as the administrator."""
    page.goto("/")
    page.get_by_label("User name").fill("admin")
    page.get_by_label("Password").fill(stack.password)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Experiments").wait_for()


@pytest.fixture(scope="package")
def session(browser: Browser, fortnight: RunningStack) -> StorageState:
    """The cookies of somebody who has signed in."""
    context = browser.new_context(base_url=fortnight.base_url)
    sign_in(context.new_page(), fortnight)
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def signed_in(opened: Callable[..., Page], session: StorageState) -> Callable[..., Page]:
    """Opens a page of somebody who has signed in."""

    def open_page(path: str = "/", width: int = 1200, scheme: str = "light") -> Page:
        page = opened(width, scheme, session)
        page.goto(path)
        return page

    return open_page


@pytest.fixture(scope="package")
def shot() -> Callable[..., None]:
    """Keeps a picture of a page, outside git."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    kept = PICTURES if os.environ.get("README_PICTURES") else {}

    def take(page: Page, name: str, *, whole: bool = False) -> None:
        page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=whole)
        if name in kept:
            shutil.copy(SCREENSHOTS / f"{name}.png", ROOT / "docs" / "images" / kept[name])

    return take
