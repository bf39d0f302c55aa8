"""What the console shows of answers in every state: words and colours by direction, and nothing else."""

import json
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from experimentation.domain.document import document
from experimentation.domain.results import report
from tests.browser.conftest import Errors
from tests.contract.random_experiments import Answered, random_experiments

type Open = Callable[..., Page]
type Shot = Callable[..., None]

PAGE = "/#/experiments/checkout-button"
FINDINGS = """async (documents) => {
  const { finding } = await import(new URL("wording.js", document.querySelector("script[type=module]").src));
  return documents.map((each) => finding(each));
}"""

SAID = """async ({ stands, splits, lost, planned }) => {
  const load = (name) => import(new URL(`${name}.js`, document.querySelector("script[type=module]").src));
  const names = ["lifecycle", "split_view", "wording", "plan_view"];
  const [lifecycle, split, wording, plan] = await Promise.all(names.map(load));
  return {
    steps: stands.map(([status, action]) => lifecycle.steps(status, action)),
    splits: splits.map(split.splitWords),
    lost: wording.conclusionBadge(lost).textContent,
    plan: plan.planView(planned, planned).innerText,
  };
}"""


def _full(answered: Answered) -> dict[str, object]:
    shown = report.full(answered.experiment, answered.analysis, None, None, chosen_window=False)
    found: dict[str, object] = json.loads(json.dumps(shown))
    return found


def _answer_with(page: Page, answered: Answered) -> None:
    """Let the page of the experiment show another one, as its API would answer."""
    full = _full(answered) | {"segments": [], "time_series": []}
    shown = document(answered.experiment)

    def results(route: Route) -> None:
        route.fulfill(json=full, headers={"ETag": '"1"'})

    page.route(re.compile(r"/experiments/checkout-button/results\?"), results)
    page.route(re.compile(r"/experiments/checkout-button$"), lambda route: route.fulfill(json=shown))


def _first(wanted: Callable[[dict[str, object]], bool]) -> Answered:
    return next(each for each in random_experiments(200, seed=14) if wanted(_full(each)))


def _action(full: dict[str, object]) -> object:
    advice = full["recommendation"]
    return advice["action"] if isinstance(advice, dict) else None


def test_no_badge_is_friendlier_than_the_word_and_proof_of_the_api(signed_in: Open) -> None:
    page = signed_in()
    page.get_by_role("heading", name="Experiments").wait_for()
    comparisons = [
        each
        for answered in random_experiments(60, seed=3)
        for metric in report.metrics(answered.analysis)
        for each in metric["comparisons"].values()
    ]

    findings = page.evaluate(FINDINGS, json.loads(json.dumps(comparisons)))

    assert len(findings) == len(comparisons) > 100
    for (text, kind), comparison in zip(findings, comparisons, strict=True):
        harmed = comparison["guard"] is not None and comparison["guard"]["harmed"]
        word = "harmed" if harmed else comparison["tendency"]
        assert text.endswith(word)
        if rounded := re.match(r"(\d+)%", text):  # as domain/statistics/reasons.py writes it
            assert int(rounded[1]) == int(100 * comparison["certainty"])
        assert kind in {"harmed": {"bad"}, "worse": {"bad", "warn"}, "unclear": {""}}.get(
            word, {"good", "accent"}
        )
        assert (kind in {"good", "bad"}) == (comparison["confidence"] == "significant" or harmed)


def test_the_loudest_button_is_what_is_advised_and_words_cannot_be_read_twice(signed_in: Open) -> None:
    page = signed_in()
    page.get_by_role("heading", name="Experiments").wait_for()

    loudest = {
        ("draft", None): ("start", True),
        ("running", "keep_running"): ("complete", False),
        ("running", "ship"): ("complete", True),
        ("paused", None): ("resume", False),
        ("paused", "do_not_ship"): ("complete", True),
    }
    mismatch = {"status": "mismatch", "p_value": 1e-5}
    shown = {
        "stands": list(loudest),
        "splits": [
            {"status": "ok", "p_value": 0.355},
            mismatch | {"sequential_p_value": 0.371},
            mismatch | {"sequential_p_value": 1e-6},
        ],
        "planned": {
            "metrics": [{"key": "sales", "name": "Purchase rate"}],
            "planned_users": 20_000,
            "minimum_effect": 0.12,
            "by_baseline": [
                {
                    "metric": "sales",
                    "baseline": {"rate": rate},
                    "required_users": users,
                    "detectable_effect": 0.1,
                }
                for rate, users in ((0.05, 80_000), (0.2, 17_000))
            ],
        },
        "lost": {"conclusion": "lost", "ship": "off", "variants": [{"key": "off", "name": "No pop-up"}]},
    }

    said = page.evaluate(SAID, shown)

    assert [(each["front"], each["main"]) for each in said["steps"]] == list(loudest.values())
    ok, unproven, proven = said["splits"]
    assert "35.5% of fair draws" in ok
    assert "does not have it yet (p 0.371)" in unproven
    assert "has that proof too" in proven
    assert said["lost"] == "Lost shipped: No pop-up"
    assert "Users to find a change of 12%" in said["plan"]
    assert re.search("Purchase rate 5%80,000.*too few users.*Purchase rate 20%17,000.*enough", said["plan"])


def test_a_page_that_is_awaited_is_drawn_and_one_that_is_not_there_leads_back(
    signed_in: Open, errors: Errors
) -> None:
    errors.expected = {404}
    page = signed_in("/#/events")
    page.get_by_role("heading", name="Events", exact=True).wait_for()
    asked = re.compile(r"/experiments/nothing$")
    waiting: list[Route] = []

    def hold(route: Route) -> None:
        waiting.append(route)

    page.route(asked, hold)

    with page.expect_request(asked):
        page.goto("/#/experiments/nothing")

    expect(page.locator(".skeleton").first).to_be_visible()
    waiting[0].continue_()
    expect(page.get_by_role("heading", name="Not found")).to_be_focused()
    expect(page).to_have_title("Not found \N{MIDDLE DOT} Evenhand")
    width = page.get_by_role("button", name="Try again").bounding_box()
    assert width is not None
    assert width["width"] < 200
    page.get_by_role("link", name="To the experiments").click()
    expect(page.get_by_role("heading", name="Experiments", exact=True)).to_be_visible()


def test_a_mismatch_leads_and_the_figures_are_folded_away(signed_in: Open, shot: Shot) -> None:
    page = signed_in("/#/events")
    _answer_with(page, _first(lambda full: _action(full) == "investigate_srm"))

    page.goto(PAGE)

    decision = page.get_by_role("region", name="Decision")
    expect(decision).to_contain_text("Do not read these results")
    expect(page.get_by_role("table", name="Figures of every metric and variant")).to_be_hidden()
    page.get_by_text("Show the figures, which cannot be trusted").click()
    expect(page.get_by_role("table", name="Figures of every metric and variant")).to_be_visible()
    faded = "each => [...each.querySelectorAll('.stack')].map(part => getComputedStyle(part).opacity)"
    assert page.locator(".untrusted").evaluate(faded).count("0.55") == 1  # not again for each part of a part
    shot(page, "mismatch", whole=True)


def test_a_kept_verdict_stands_beside_todays_figures(signed_in: Open, shot: Shot) -> None:
    page = signed_in("/#/events")
    kept = _first(lambda full: bool(_action(full) == "ship" and full["recommendation"]["verdicts"]))  # type: ignore[index]
    _answer_with(page, kept)

    page.goto(PAGE)

    decision = page.get_by_role("region", name="Decision")
    expect(decision).to_contain_text(re.compile("decided on [A-Z][a-z]+ [0-9]+, 2024"))
    expect(decision).to_contain_text("It stands.")
    page.get_by_role("button", name="More figures").first.click()
    expect(page.get_by_text("not protected against frequent looks").first).to_be_visible()
    shot(page, "verdict", whole=True)


def test_a_pause_says_who_and_why_on_the_results_and_in_the_history(signed_in: Open, shot: Shot) -> None:
    reason = "Return rate is worse by 4 points with Large (-0.24 to +7.8 points)."
    step = {"at": "2026-11-23T00:00:00.000Z", "actor": "guard", "action": "status", "reason": reason}
    paused = step | {"changes": [{"field": "status", "from": "running", "to": "paused"}]}
    resumed = step | {
        "actor": "ada",
        "reason": "",
        "changes": [{"field": "status", "from": "paused", "to": "running"}],
    }
    page = signed_in("/#/events")
    answered = _first(lambda full: full["status"] == "running")
    _answer_with(page, answered)
    shown = document(answered.experiment) | {"status": "paused"}
    page.route(re.compile(r"/experiments/checkout-button$"), lambda route: route.fulfill(json=shown))
    one, two = {"key": "a", "name": "Sales"}, {"key": "b", "name": None}
    metrics = {"field": "metrics", "from": [one], "to": [one, two]}
    edited = step | {"actor": "ada", "action": "updated", "reason": "", "changes": [metrics]}
    log = {"history": [paused, resumed, edited], "next_cursor": None}
    page.route(re.compile(r"/checkout-button/history"), lambda route: route.fulfill(json=log))

    page.goto(PAGE)

    told = page.get_by_text("Paused on")
    expect(told).to_contain_text("by the guard.")
    expect(told.locator("..")).to_contain_text("4 points with Large (\N{MINUS SIGN}0.24 to +7.8 points)")
    shot(page, "paused", whole=True)
    page.goto(f"{PAGE}/history")
    log_shown = page.get_by_role("listitem").filter(has_text="by the guard")
    expect(log_shown.get_by_text("Paused", exact=True)).to_be_visible()
    expect(page.get_by_text("Resumed", exact=True)).to_be_visible()
    expect(page.get_by_role("listitem").filter(has_text="Updated")).to_contain_text(
        "Sales \N{RIGHTWARDS ARROW} Sales, b"
    )


def test_a_layer_shows_experiments_by_name_and_the_archived_by_id(signed_in: Open) -> None:
    page = signed_in("/#/events")
    ranges = [
        {"experiment_id": key, "from": start, "to": start + 40, "free_at": None}
        for key, start in (("checkout-button", 0), ("long-gone", 40))
    ]
    layer = {"key": "checkout", "ranges": ranges, "free": [{"from": 80, "to": 100}]}
    shown = {"layers": [layer], "next_cursor": None}
    page.route(re.compile(r"/layers\?"), lambda route: route.fulfill(json=shown))

    page.goto("/#/layers")

    expect(page.get_by_role("link", name="Checkout button")).to_be_visible()
    expect(page.get_by_role("link", name="long-gone")).to_be_visible()


def test_a_late_metric_says_when_it_was_added(signed_in: Open) -> None:
    page = signed_in("/#/events")
    _answer_with(
        page,
        _first(
            lambda full: (
                full["status"] == "running"
                and _action(full) == "keep_running"
                and any(metric["late"] for metric in full["metrics"])  # type: ignore[attr-defined]
            )
        ),
    )

    page.goto(PAGE)

    expect(page.get_by_text("never decides").first).to_contain_text("added on Oct 6, 2024")


@pytest.mark.heavy
def test_the_phone_scrolls_no_page_sideways(signed_in: Open, shot: Shot) -> None:
    for scheme in ("light", "dark"):
        page = signed_in(PAGE, width=390, scheme=scheme)
        expect(page.get_by_role("figure")).to_have_count(2)

        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        shot(page, f"phone-{scheme}", whole=True)
        page = signed_in(PAGE, width=1440, scheme=scheme)
        expect(page.get_by_role("figure")).to_have_count(2)
        shot(page, f"desk-{scheme}", whole=True)
