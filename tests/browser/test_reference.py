"""The API's documentation in a browser: it loads from this host alone, and its calls work."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import RunningStack

type Open = Callable[..., Page]
type Shot = Callable[..., None]


@pytest.mark.heavy
def test_a_call_is_made_from_the_docs_with_the_cookie_and_with_a_bearer_token(
    signed_in: Open, fortnight: RunningStack, shot: Shot
) -> None:
    page = signed_in("/docs")
    answer = page.locator(".live-responses-table")

    _try(page, "auth_me")
    expect(answer).to_contain_text('"admin"')
    shot(page, "docs")

    page.context.clear_cookies()
    page.get_by_role("button", name="Authorize").first.click()
    page.locator(".auth-container").filter(has_text="bearer").locator("input").first.fill(fortnight.token())
    page.get_by_role("button", name="Apply credentials").first.click()
    page.get_by_role("button", name="Close").last.click()
    page.get_by_role("button", name="Clear").click()
    page.get_by_role("button", name="Execute").click()
    expect(answer).to_contain_text('"admin"')


def test_the_reference_can_be_read(opened: Open, shot: Shot) -> None:
    page = opened()

    page.goto("/redoc")

    expect(page.get_by_role("heading", name="Experimentation API")).to_be_visible()
    expect(page.get_by_text("Create an experiment, as a draft.").first).to_be_attached()
    shot(page, "redoc")


@pytest.mark.heavy
@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_the_reference_is_dark_for_who_reads_in_the_dark(path: str, opened: Open) -> None:
    page = opened(scheme="dark")

    page.goto(path)

    expect(page.get_by_text("Create an experiment, as a draft.").first).to_be_attached()
    background = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
    assert max(background[:3]) < 64
    expect(page.get_by_role("link", name="Back to the console")).to_have_attribute("href", "/")


def _try(page: Page, operation: str) -> None:
    block = page.locator(f"[id$='-{operation}']")
    block.locator("button").first.click()
    block.get_by_role("button", name="Try it out").click()
    block.get_by_role("button", name="Execute").click()
