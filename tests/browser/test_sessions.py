"""Signing in and out, staying signed in, and proving who one is where a change of keys or people wants it."""

import re
from collections.abc import Callable

import httpx
import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Errors, sign_in
from tests.e2e.conftest import RunningStack

STALE = 'Bearer realm="experimentation", error="insufficient_user_authentication", max_age=600'
type Open = Callable[..., Page]


def test_a_wrong_password_is_refused_in_words(opened: Open, errors: Errors) -> None:
    errors.expected = {401}
    page = opened()
    page.goto("/")
    page.get_by_label("User name").fill("nobody")
    page.get_by_label("Password").fill("not the password")

    page.get_by_role("button", name="Sign in").click()

    expect(page.get_by_role("alert")).to_contain_text("The name or the password is wrong.")


def test_the_session_is_renewed_before_it_is_over(opened: Open, fortnight: RunningStack) -> None:
    page = opened()
    sign_in(page, fortnight)
    page.evaluate("localStorage.session = JSON.stringify({ until: 0, renewable: Date.now() + 1e6 })")

    with page.expect_request("**/auth/refresh"):
        page.goto("/#/events")

    expect(page.get_by_role("heading", name="Event types")).to_be_visible()
    assert page.evaluate("JSON.parse(localStorage.session).until > Date.now()")


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


def test_faults_in_the_middle_are_said_and_so_is_a_session_that_has_ended(
    signed_in: Open, errors: Errors
) -> None:
    errors.expected = {401, 412, 503}
    page = signed_in("/#/experiments/checkout-button/setup")
    page.get_by_role("table", name="Variants").wait_for()
    here = re.compile(r"/experiments/checkout-button$")
    answers = {
        "GET": {"status": 503, "json": {"detail": "The store is busy."}},
        "PATCH": {"status": 412, "json": {"detail": 'It has changed: the current entity tag is "2-1".'}},
    }

    page.route(here, lambda route: route.fulfill(**answers["GET"]))
    page.get_by_text("More", exact=True).click()
    page.get_by_role("button", name="Refresh").click()
    expect(page.get_by_role("alert")).to_contain_text("The store is busy.")

    page.unroute(here)
    page.goto("/#/experiments/checkout-button/edit")
    page.get_by_label("Hypothesis").fill("Green is seen first.")
    page.route(here, lambda route: route.fulfill(**answers["PATCH"]))
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_have_text(
        "Somebody else changed it meanwhile. Load the page again, then repeat your change."
    )

    page.context.clear_cookies()
    page.get_by_role("link", name="Audit").click()
    expect(page.get_by_text("Your session has ended.")).to_be_visible()
    expect(page.get_by_label("User name")).to_be_focused()


@pytest.mark.heavy
def test_person_sees_the_own_sessions_ends_the_others_and_changes_the_password(
    opened: Open, fortnight: RunningStack, errors: Errors, api: httpx.Client
) -> None:
    account = {"username": "grace", "password": "battery staple horse", "role": "viewer"}
    api.post("/accounts", json=account).raise_for_status()
    stranger = api.post("/auth/token", json=_login(account))
    page = opened()
    page.goto("/")
    page.get_by_label("User name").fill("grace")
    page.get_by_label("Password").fill(account["password"])
    page.get_by_role("button", name="Sign in").click()

    page.get_by_role("link", name="grace").click()
    sessions = page.get_by_role("region", name="Sessions")
    expect(sessions.get_by_text("this one")).to_be_visible()
    expect(sessions.get_by_role("row")).to_have_count(3)
    expect(sessions).to_contain_text(re.compile(r"Chrome \d+ on \w+"))
    expect(sessions).to_contain_text("python-httpx/")
    page.get_by_role("button", name="End all others").click()
    page.get_by_role("dialog").get_by_role("button", name="End them").click()
    expect(sessions.get_by_role("row")).to_have_count(2)
    assert api.post("/auth/refresh", json=_refresh(stranger)).status_code == 401

    errors.expected = {401, 422}
    page.get_by_label("Current password").fill("wrong")
    page.get_by_label("New password").fill("correct staple horse")
    page.get_by_role("button", name="Change the password").click()
    expect(page.get_by_text("The name or the password is wrong.")).to_be_visible()
    page.get_by_label("New password").fill("graceful grace")
    page.get_by_label("Current password").fill(account["password"])
    page.get_by_role("button", name="Change the password").click()
    expect(page.get_by_text("Is too easy to guess.")).to_be_visible()
    page.get_by_label("New password").fill("correct staple horse")
    page.get_by_role("button", name="Change the password").click()

    expect(page.get_by_text("Your password is changed.")).to_be_visible()
    assert page.request.get("/auth/me").status == 401


def _login(account: dict[str, str]) -> dict[str, str]:
    return {"username": account["username"], "password": account["password"]}


def _refresh(answer: httpx.Response) -> dict[str, str]:
    return {"refresh_token": answer.json()["refresh_token"]}


def test_provider_has_a_button_only_where_one_is_set_up(opened: Open) -> None:
    page = opened()
    page.goto("/")
    expect(page.get_by_label("User name")).to_be_visible()
    expect(page.get_by_role("link", name="Sign in with")).to_have_count(0)

    methods = {"password": True, "oidc": {"name": "Example ID", "href": "/auth/oidc/start"}}
    page.route("**/auth/methods", lambda route: route.fulfill(json=methods))
    page.reload()

    link = page.get_by_role("link", name="Sign in with Example ID")
    expect(link).to_have_attribute("href", "/auth/oidc/start")


def test_who_comes_back_from_the_provider_is_signed_in_or_told_why_not(
    opened: Open, fortnight: RunningStack, errors: Errors
) -> None:
    page = opened()
    page.goto("/#/sign-in-failed/unavailable")
    expect(page.get_by_text("The sign-in service does not answer.")).to_be_visible()
    page.get_by_role("link", name="To the sign-in page").click()
    expect(page.get_by_label("User name")).to_be_visible()

    sent = {"username": "admin", "password": fortnight.password, "transport": "cookie"}
    origin = {"Origin": fortnight.base_url}  # the cookies, as the callback sets them
    assert page.request.post("/auth/token", data=sent, headers=origin).status == 200
    page.goto("/#/signed-in")
    page.reload()

    expect(page.get_by_role("heading", name="Experiments")).to_be_visible()
    assert page.url.endswith("#/experiments")
