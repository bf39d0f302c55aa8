"""Signing out, and giving the password again where a change of keys or people wants it."""

from collections.abc import Callable

from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Errors, sign_in
from tests.e2e.conftest import RunningStack

STALE = 'Bearer realm="experimentation", error="insufficient_user_authentication", max_age=600'
type Open = Callable[..., Page]


def test_sign_out_that_failed_says_so_and_a_later_one_works(
    opened: Open, fortnight: RunningStack, errors: Errors
) -> None:
    page = opened()
    sign_in(page, fortnight)
    page.route("**/auth/revoke", lambda route: route.fulfill(status=503, body="{}"), times=1)

    errors.expected = {503}
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("You are still signed in")).to_be_visible()
    assert page.request.get("/auth/me").status == 200

    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("User name")).to_be_visible()
    assert page.request.get("/auth/me").status == 401


def test_change_that_wants_the_password_again_asks_for_it_and_goes_on(
    opened: Open, fortnight: RunningStack, errors: Errors
) -> None:
    page = opened()
    sign_in(page, fortnight)

    refused: list[str] = []

    def stale(route: Route) -> None:
        if refused or route.request.method != "POST":
            route.fallback()
        else:
            refused.append(route.request.url)
            route.fulfill(status=401, headers={"WWW-Authenticate": STALE}, body="{}")

    page.goto("/#/keys")
    page.get_by_label("Name", exact=True).fill("collector")
    page.route("**/api-keys", stale)
    errors.expected = {401}
    page.get_by_role("button", name="Create key").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Password").fill("wrong")
    dialog.get_by_role("button", name="Confirm").click()
    expect(dialog.get_by_text("The name or the password is wrong.")).to_be_visible()
    dialog.get_by_label("Password").fill(fortnight.password)
    dialog.get_by_role("button", name="Confirm").click()

    expect(page.get_by_text("Copy the key now")).to_be_visible()
