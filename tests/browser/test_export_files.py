"""The files with all raw rows, which the platform writes while somebody waits, or has gone elsewhere."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Errors

type Open = Callable[..., Page]
type Shot = Callable[..., None]

PATH = "**/experiments/checkout-button/exports"
WAITING: dict[str, Any] = {
    "rows": "users",
    "format": "csv",
    "state": "waiting",
    "progress_percent": 0,
    "rows_written": 0,
    "ready_at": None,
    "url": None,
}
WRITING = WAITING | {"state": "writing", "progress_percent": 40, "rows_written": 48_000}
READY = WAITING | {
    "state": "ready",
    "progress_percent": 100,
    "rows_written": 120_000,
    "ready_at": "2026-11-25T09:00:00Z",
    "url": "/the-file.csv",
}


class Platform:
    """Answers for the platform: before a POST with no file, then with each state, and the last for ever."""

    def __init__(self, *states: dict[str, Any]) -> None:
        self.states = list(states)
        self.posts = 0

    def __call__(self, route: Route) -> None:
        if route.request.method == "POST":
            self.posts += 1
            route.fulfill(status=202, json=WAITING)
            return
        shown = self.states[:1] if self.posts else []
        if shown and len(self.states) > 1:
            self.states.pop(0)
        route.fulfill(json={"exports": shown})


def _opened(page: Page) -> None:
    page.get_by_text("Too many to wait for?").click()


@pytest.mark.heavy
def test_a_file_is_watched_while_it_is_written_and_found_on_coming_back(signed_in: Open, shot: Shot) -> None:
    page, platform = signed_in("/#/experiments/checkout-button"), Platform(WAITING, WRITING, READY)
    page.route(PATH, platform)
    file = {"Content-Disposition": 'attachment; filename="rows.csv"'}
    page.route("**/the-file.csv", lambda route: route.fulfill(body="a,b\r\n", headers=file))
    _opened(page)
    users = page.get_by_role("group", name="One row per user")
    users.get_by_role("button", name="Write the file").click()

    expect(users).to_contain_text("Begins within a minute")
    expect(users).to_contain_text("48,000 rows")
    shot(page, "file-writing", whole=True)
    expect(users).to_contain_text("120,000 rows, written")
    page.reload()
    _opened(page)
    shot(page, "file-ready", whole=True)
    with page.expect_download() as download:
        users.get_by_role("button", name="Save").click()

    assert (download.value.suggested_filename, platform.posts) == ("rows.csv", 1)


def test_a_file_that_cannot_be_asked_for_or_has_gone_is_said(signed_in: Open, errors: Errors) -> None:
    errors.expected.add(503)
    page = signed_in("/#/experiments/checkout-button")
    busy = {"status": 503, "detail": "The store is busy; try again."}
    answers: list[dict[str, Any]] = [{"json": {"exports": [READY]}}, {"status": 503, "json": busy}]
    page.route(
        PATH, lambda route: route.fulfill(**(answers.pop(0) if answers else {"json": {"exports": []}}))
    )
    _opened(page)
    users = page.get_by_role("group", name="One row per user")

    users.get_by_role("button", name="Write it anew").click()
    expect(page.get_by_text("The store is busy; try again.")).to_be_visible()
    users.get_by_role("button", name="Save").click()

    expect(page.get_by_text("The file is no longer there. Write it anew.")).to_be_visible()


@pytest.mark.heavy
def test_a_file_is_watched_on_after_a_fault(signed_in: Open, errors: Errors) -> None:
    errors.expected.add(503)
    page = signed_in("/#/experiments/checkout-button")
    busy = {"status": 503, "detail": "The store is busy; try again."}
    answers: list[dict[str, Any]] = [{"json": {"exports": [WRITING]}}, {"status": 503, "json": busy}]
    ready = {"json": {"exports": [READY]}}
    page.clock.install()
    page.route(PATH, lambda route: route.fulfill(**(answers.pop(0) if answers else ready)))
    _opened(page)
    users = page.get_by_role("group", name="One row per user")
    expect(users).to_contain_text("48,000 rows")

    page.clock.fast_forward(2_500)
    expect(page.get_by_text("The store is busy; try again.")).to_be_visible()
    expect(users).to_contain_text("48,000 rows")
    page.clock.fast_forward(2_500)

    expect(users).to_contain_text("120,000 rows, written")
    expect(page.get_by_text("The store is busy; try again.")).to_have_count(0)


@pytest.mark.heavy
def test_figures_come_back_after_a_fault_and_leave_the_files_open(signed_in: Open, errors: Errors) -> None:
    errors.expected.add(503)
    page = signed_in("/#/events")
    page.clock.install()
    page.goto("/#/experiments/checkout-button")
    _opened(page)
    busy, path = {"status": 503, "detail": "The store is busy; try again."}, "**/results?include_time*"
    page.route(path, lambda route: route.fulfill(status=503, json=busy))

    page.clock.fast_forward(31_000)
    expect(page.get_by_text("The store is busy; try again.")).to_be_visible()
    page.unroute(path)
    page.clock.fast_forward(31_000)

    expect(page.get_by_role("region", name="Decision")).to_be_visible()
    expect(page.get_by_role("group", name="One row per user")).to_be_visible()


def test_results_that_cannot_be_read_are_said_in_the_list(signed_in: Open, errors: Errors) -> None:
    errors.expected.add(503)
    page = signed_in("/#/events")
    page.get_by_role("heading", name="Event types").wait_for()
    busy = {"status": 503, "detail": "The store is busy; try again."}
    page.route("**/results?experiment_ids=**", lambda route: route.fulfill(status=503, json=busy))
    page.goto("/#/experiments")

    expect(page.get_by_text("Some results could not be read: The store is busy; try again.")).to_be_visible()
    expect(page.get_by_role("link", name="Checkout button", exact=True)).to_be_visible()
