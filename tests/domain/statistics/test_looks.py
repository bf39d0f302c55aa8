"""Looks are kept as they were, and the first one that decides is the verdict."""

import json

import pytest

from experimentation.domain.experiment import Analysis
from experimentation.domain.statistics.deciding import Deciding
from experimentation.domain.statistics.decision import Action
from experimentation.domain.statistics.lift import Interval
from experimentation.domain.statistics.looks import Look, document, look_of, verdicts_of


def figures(difference: float) -> Deciding:
    interval = Interval(difference - 0.005, difference + 0.005)
    return Deciding(
        Analysis.SEQUENTIAL,
        "sequence",
        False,
        0.05,
        difference,
        interval,
        0.01,
        difference * 10,
        None,
        None,
        decides=True,
        significant=True,
        today=difference,
    )


def look(
    day: int, action: Action, difference: float = 0.01, *, mismatch: bool = False, because: str = "bought"
) -> Look:
    shown = {"bought": {"treatment": figures(difference)}}
    return Look(
        day,
        completed=False,
        users={"control": 1000, "treatment": 1000},
        mismatch=mismatch,
        plan_met=False,
        action=action,
        by_variant={"treatment": action},
        because={"treatment": because},
        figures=shown,
    )


def test_the_first_look_that_ships_is_the_verdict_although_a_later_one_says_keep_running() -> None:
    looks = [look(1, "keep_running"), look(2, "ship", 0.02), look(3, "keep_running", 0.004)]

    verdict = verdicts_of(looks, look(4, "keep_running", 0.003))["treatment"]

    assert (verdict.action, verdict.decided_on, verdict.fallen) == ("ship", 2, None)
    assert verdict.figures == figures(0.02)


def test_what_only_today_says_is_no_verdict() -> None:
    assert verdicts_of([look(1, "keep_running")], look(2, "ship")) == {}


@pytest.mark.parametrize(
    ("today", "reason"),
    [
        (look(9, "keep_running", -0.001), "has not held"),
        (look(9, "investigate_srm", mismatch=True), "no longer split"),
        (look(9, "do_not_ship", because="crashes"), "crashes is harmed"),
    ],
)
def test_a_verdict_falls_when_today_speaks_against_it(today: Look, reason: str) -> None:
    verdict = verdicts_of([look(2, "ship")], today)["treatment"]

    assert verdict.fallen is not None
    assert reason in verdict.fallen


def test_a_fixed_verdict_that_fell_is_not_given_again_by_the_look_that_stands() -> None:
    kept = figures(0.02)._replace(method="fixed", today=-0.001, look=2)
    later = look(3, "ship")._replace(figures={"bought": {"treatment": kept}})
    today = later._replace(day=4, figures={"bought": {"treatment": kept._replace(today=0.001)}})

    verdict = verdicts_of([look(2, "ship", 0.02), later], today)["treatment"]

    assert verdict.fallen is not None


def test_a_verdict_that_fell_at_a_look_does_not_rise_again_by_itself() -> None:
    looks = [look(2, "ship"), look(3, "keep_running", -0.001), look(4, "keep_running", 0.002)]

    assert verdicts_of(looks, look(5, "keep_running", 0.002)) == {}


def test_a_later_look_may_decide_anew() -> None:
    looks = [look(2, "ship"), look(3, "do_not_ship", -0.02)]

    verdict = verdicts_of(looks, look(4, "keep_running", -0.02))["treatment"]

    assert (verdict.action, verdict.decided_on) == ("do_not_ship", 3)


def test_a_look_comes_back_from_json_as_it_was() -> None:
    taken = look(7, "ship")

    assert look_of(json.loads(json.dumps(document(taken)))) == taken
