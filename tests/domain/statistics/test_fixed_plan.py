"""A fixed plan is decided once, at the look at which it is met: not before, and not by what comes later."""

from collections.abc import Sequence

import pytest

from experimentation.domain.experiment import Analysis as Mode
from experimentation.domain.statistics.analysis import analyse, take_look
from experimentation.domain.statistics.answer import Analysis
from experimentation.domain.statistics.looks import Look
from experimentation.domain.statistics.study import MetricTotals, Progress, Query, Study
from tests.domain.statistics.test_analysis import STUDY, action_of, conversions

FIXED = STUDY._replace(analysis=Mode.FIXED, planned_users=20_000)
DAY_9 = Progress(days_running=9, completed=False, users_per_day=2000.0)
SURE = {"control": (10_000, 1000), "treatment": (10_000, 1200)}
LATER = {"control": (11_000, 1100), "treatment": (11_000, 1180)}
BROKEN = {"control": (10_000, 1000), "treatment": (10_600, 1272)}


def enrolled(metrics: Sequence[MetricTotals]) -> dict[str, int]:
    return {arm: totals.users for arm, totals in metrics[0].variants.items()}


def read(
    *metrics: MetricTotals, looks: Sequence[Look] = (), study: Study = FIXED, progress: Progress = DAY_9
) -> Analysis:
    return analyse(study, progress, Query(), enrolled(metrics), metrics, (), looks)


def look(day: int, *metrics: MetricTotals, looks: Sequence[Look] = (), study: Study = FIXED) -> Look:
    return take_look(study, DAY_9, enrolled(metrics), metrics, (), looks, day)


def refunds(control: int, treatment: int, users: int = 10_000) -> MetricTotals:
    arms = {"control": (users, control), "treatment": (users, treatment)}
    counted = conversions(arms, "refunds", "guardrail", "decrease")
    return MetricTotals(counted.metric._replace(margin=0.1), counted.variants)


def test_on_the_day_the_plan_is_met_its_figures_speak_and_say_for_how_long() -> None:
    found = read(conversions(SURE))

    assert action_of(found) == "ship"
    assert found.recommendation is not None
    assert found.recommendation.decided_on is None
    assert any("until the look" in reason for reason in found.recommendation.reasons)


def test_a_paused_plan_decides_nothing_however_often_one_reads() -> None:
    found = read(conversions(SURE), progress=DAY_9._replace(paused=True))

    deciding = found.metrics[0].comparisons["treatment"].deciding
    assert action_of(found) == "keep_running"
    assert deciding is not None
    assert not deciding.decides
    assert found.recommendation is not None
    assert any("is decided at the next look" in reason for reason in found.recommendation.reasons)


def test_a_plan_paused_after_its_look_keeps_its_verdict() -> None:
    kept = look(9, conversions(SURE))

    found = read(conversions(LATER), looks=[kept], progress=DAY_9._replace(paused=True))

    assert action_of(found) == "ship"
    assert found.recommendation is not None
    assert not any("until the look" in reason for reason in found.recommendation.reasons)


def test_the_look_decides_and_stands() -> None:
    kept = look(9, conversions(SURE))

    found = read(conversions(LATER), looks=[kept])

    deciding = found.metrics[0].comparisons["treatment"].deciding
    assert deciding is not None
    assert (deciding.method, deciding.difference, deciding.today) == (
        "fixed",
        pytest.approx(0.02),
        pytest.approx(80 / 11_000),
    )
    assert action_of(found) == "ship"
    assert found.recommendation is not None
    assert found.recommendation.decided_on == 9


@pytest.mark.parametrize("metric_first", [True, False])
def test_a_guardrail_not_shown_safe_at_the_look_is_not_shown_safe_by_a_later_day(metric_first: bool) -> None:
    at_look, later = [conversions(SURE), refunds(2000, 2120)], [conversions(SURE), refunds(2000, 2030)]
    if not metric_first:
        at_look.reverse()
        later.reverse()
    assert action_of(read(*later, looks=[look(9, *later)])) == "ship"

    first = look(9, *at_look)
    second = look(10, *later, looks=[first])

    for kept in ([first], [first, second]):
        found = read(*later, looks=kept)
        assert action_of(found) == "stop_inconclusive"
        assert found.verdicts == {}
        assert found.recommendation is not None
        assert any("not shown to be safe" in reason for reason in found.recommendation.reasons)


def test_a_guardrail_shown_safe_at_the_look_does_not_take_the_verdict_back() -> None:
    kept = look(9, conversions(SURE), refunds(2000, 2000))

    found = read(conversions(LATER), refunds(2200, 2290, users=11_000), looks=[kept])

    assert action_of(found) == "ship"


def test_a_look_that_a_mismatch_blocked_gives_its_verdict_once_the_split_is_right_again() -> None:
    first = look(9, conversions(BROKEN))
    assert first.action == "investigate_srm"
    second = look(10, conversions(LATER), looks=[first])

    found = read(conversions(LATER), looks=[first, second])

    assert action_of(found) == "ship"
    assert found.recommendation is not None
    assert found.recommendation.decided_on == 10
    deciding = found.metrics[0].comparisons["treatment"].deciding
    assert deciding is not None
    assert deciding.look == 9


def test_the_minimum_effect_is_measured_at_the_look_too() -> None:
    study = FIXED._replace(minimum_effect=0.13)
    flat = {"control": (10_000, 1000), "treatment": (10_000, 1040)}
    kept = look(9, conversions(flat), study=study)
    assert kept.action == "stop_no_meaningful_effect"
    # a control mean of 9 % today, of which 13 % is less than the interval's end
    lower = {"control": (12_000, 1080), "treatment": (12_000, 1128)}

    assert action_of(read(conversions(lower), looks=[kept], study=study)) == "stop_no_meaningful_effect"
