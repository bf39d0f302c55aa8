"""What stands, what falls, and what is said of it: a verdict and today's figures, a word and an action."""

import re
from collections.abc import Sequence

import pytest

from experimentation.domain.experiment import Analysis as Mode
from experimentation.domain.experiment import Direction, Kind, Role
from experimentation.domain.statistics.analysis import analyse, take_look
from experimentation.domain.statistics.answer import Analysis
from experimentation.domain.statistics.looks import Look
from experimentation.domain.statistics.study import (
    Metric,
    MetricTotals,
    Progress,
    Query,
    Study,
    VariantTotals,
)
from experimentation.domain.statistics.summary import summary_sentence
from experimentation.domain.statistics.wording import MINUS
from tests.domain.statistics.test_analysis import (
    COMPLETED,
    FLAT,
    LOSS,
    RUNNING,
    STUDY,
    WIN,
    action_of,
    conversions,
    result_of,
)

NEARLY = {"control": (10_000, 1000), "treatment": (10_000, 1040)}


def users(metrics: Sequence[MetricTotals]) -> dict[str, int]:
    return {arm: totals.users for arm, totals in metrics[0].variants.items()}


def look(day: int, *metrics: MetricTotals, study: Study = STUDY, looks: Sequence[Look] = ()) -> Look:
    return take_look(study, RUNNING, users(metrics), metrics, (), looks, day)


def read(*metrics: MetricTotals, looks: Sequence[Look], study: Study = STUDY) -> Analysis:
    return analyse(study, RUNNING, Query(), users(metrics), metrics, (), looks)


def refunds(arms: dict[str, tuple[int, int]], key: str = "refunds") -> MetricTotals:
    return conversions(arms, key, "guardrail", "decrease")


def named(metric: MetricTotals, name: str) -> MetricTotals:
    return MetricTotals(metric.metric._replace(name=name), metric.variants)


def reasons_of(analysis: Analysis) -> str:
    assert analysis.recommendation is not None
    return " ".join(analysis.recommendation.reasons)


def test_harm_of_one_guardrail_is_said_on_the_day_that_another_recovers() -> None:
    first = look(9, conversions(FLAT), refunds(WIN), refunds(FLAT, "crashes"))
    assert first.because == {"treatment": "refunds"}

    found = read(conversions(FLAT), refunds(LOSS), refunds(WIN, "crashes"), looks=[first])

    assert action_of(found) == "do_not_ship"
    assert found.recommendation is not None
    assert found.recommendation.because == {"treatment": "crashes"}
    assert found.recommendation.decided_on is None
    assert "no longer stands" in reasons_of(found)


def test_what_has_fallen_is_not_said_again_by_the_same_metric() -> None:
    first = look(9, conversions(WIN))

    found = read(conversions({"control": (10_000, 1000), "treatment": (10_000, 999)}), looks=[first])

    assert action_of(found) == "keep_running"
    assert "the effect has not held" in reasons_of(found)


def test_a_verdict_falls_with_the_name_of_what_is_harmed() -> None:
    harmed = named(refunds(WIN), "Refunds within a week")
    first = look(9, conversions(WIN), named(refunds(FLAT), "Refunds within a week"))

    found = read(conversions(WIN), harmed, looks=[first])

    assert found.verdicts["treatment"].fallen == "Refunds within a week is harmed"


def test_beside_a_standing_verdict_todays_interval_is_of_today() -> None:
    found = read(conversions(NEARLY), looks=[look(9, conversions(WIN))])

    assert action_of(found) == "ship"
    assert "shows no certain difference today" in reasons_of(found)
    assert "yet" not in reasons_of(found)


def test_a_primary_proven_bad_before_its_users_are_there_wears_the_word_of_its_verdict() -> None:
    arms = {"control": (500, 250), "treatment": (500, 50)}
    first_day = Progress(days_running=0, completed=False, users_per_day=None)

    found = result_of(conversions(arms), study=STUDY._replace(min_users=1000), progress=first_day)

    comparison = found.metrics[0].comparisons["treatment"]
    assert action_of(found) == "do_not_ship"
    assert (comparison.confidence, comparison.tendency) == ("significant", "worse")


def test_a_gain_before_its_users_are_there_is_no_finding_yet() -> None:
    arms = {"control": (500, 50), "treatment": (500, 250)}

    found = result_of(conversions(arms), study=STUDY._replace(min_users=1000))

    assert action_of(found) == "keep_running"
    assert found.metrics[0].comparisons["treatment"].confidence == "low"


@pytest.mark.parametrize(("users_at_the_look", "early"), [(10_000, True), (20_000, False)])
def test_an_early_effect_stays_exaggerated_when_the_planned_users_have_come(
    users_at_the_look: int, early: bool
) -> None:
    n = users_at_the_look
    first = look(9, conversions({"control": (n, n // 10), "treatment": (n, n // 8)}))
    assert first.plan_met != early

    found = read(conversions({"control": (20_000, 2000), "treatment": (20_000, 2300)}), looks=[first])

    assert found.recommendation is not None
    assert found.recommendation.decided_on == 9
    assert (found.recommendation.careful_lift is not None) == early
    assert ("Stopping early exaggerates" in summary_sentence(found)) == early
    assert ("more careful estimate" in reasons_of(found)) == early


@pytest.mark.parametrize(
    ("total", "verb", "careful"), [(-80_000, "raises", "+1.96"), (-120_000, "lowers", f"{MINUS}1.96")]
)
def test_the_careful_estimate_of_a_negative_mean_has_the_sign_of_the_sentence(
    total: int, verb: str, careful: str
) -> None:
    metric = Metric("revenue", "purchase", Kind.VALUE, Direction.INCREASE, Role.PRIMARY)
    arms = {
        "control": VariantTotals(10_000, 10_000, 10_000, -100_000, 2_000_000),
        "treatment": VariantTotals(10_000, 10_000, 10_000, total, total**2 // 10_000 + 1_000_000),
    }

    found = result_of(MetricTotals(metric, arms))

    assert f"{verb} revenue by 2 per user" in summary_sentence(found)
    assert f"{careful} per user is the more careful estimate" in summary_sentence(found)
    assert f"{careful} per user is the more careful estimate" in reasons_of(found)


@pytest.mark.parametrize(
    ("progress", "action"), [(RUNNING, "keep_running"), (COMPLETED, "stop_inconclusive")]
)
def test_without_a_treatment_that_gets_users_a_completed_experiment_does_not_run_on(
    progress: Progress, action: str
) -> None:
    study = STUDY._replace(weights={"control": 1_000_000, "treatment": 0})

    assert action_of(result_of(conversions(FLAT), study=study, progress=progress)) == action


@pytest.mark.parametrize(
    ("converters", "said"),
    [(1200, "exaggerates: +17% is"), (3000, "exaggerates: where effects over 10% are rare, +154% is")],
)
def test_a_careful_estimate_outside_the_interval_says_what_it_rests_on(converters: int, said: str) -> None:
    found = result_of(conversions({"control": (10_000, 1000), "treatment": (10_000, converters)}))

    deciding = found.metrics[0].comparisons["treatment"].deciding
    assert deciding is not None
    assert deciding.lift_interval is not None
    assert deciding.shrunken_lift is not None
    assert (deciding.lift_interval.low > deciding.shrunken_lift) == ("rare" in said)
    assert said in summary_sentence(found)


def test_no_amount_is_said_with_an_exponent() -> None:
    metric = Metric("revenue", "purchase", Kind.VALUE, Direction.INCREASE, Role.PRIMARY)
    arms = {
        "control": VariantTotals(400, 400, 400, 2000, 20_000),
        "treatment": VariantTotals(400, 400, 400, 902_000, 900_000**2 + 20_000),
    }

    found = result_of(MetricTotals(metric, arms))

    assert not re.search(r"[0-9]e[+-]?[0-9]", summary_sentence(found) + reasons_of(found))
    assert re.search(r"\+[1-9][0-9],[0-9]00 per user", summary_sentence(found))


def test_harm_proven_before_the_end_is_not_called_too_early_for_a_verdict() -> None:
    ended = Progress(days_running=0, completed=True, users_per_day=None)

    found = result_of(conversions(FLAT), refunds(WIN), progress=ended)

    assert action_of(found) == "do_not_ship"
    assert "too early" not in reasons_of(found)
    assert "too early" in reasons_of(result_of(conversions(FLAT), progress=ended))


def test_a_harmed_guardrail_is_not_safe() -> None:
    found = result_of(conversions(FLAT), refunds(WIN))

    guard = found.metrics[1].comparisons["treatment"].guard
    assert guard is not None
    assert (guard.harmed, guard.safe) == (True, False)


def test_nobody_joins_while_it_is_paused() -> None:
    study = STUDY._replace(analysis=Mode.FIXED, planned_users=20_000)
    paused = RUNNING._replace(paused=True, users_per_day=None)

    found = result_of(conversions(FLAT), study=study, progress=paused)

    assert action_of(found) == "keep_running"
    assert found.recommendation is not None
    assert found.recommendation.days_left is None


@pytest.mark.parametrize(("other", "action"), [(1200, "ship"), (1000, "keep_running")])
def test_a_treatment_that_harms_is_named_whatever_is_said_of_the_others(other: int, action: str) -> None:
    study = STUDY._replace(weights={"control": 400_000, "good": 300_000, "bad": 300_000})
    arms = {"control": (10_000, 1000), "good": (7500, other * 3 // 4), "bad": (7500, 450)}

    found = result_of(conversions(arms), study=study)

    assert action_of(found) == action
    assert " Do not ship bad. " in summary_sentence(found)
    assert "bad: primary metric purchase_rate is worse" in reasons_of(found)
    assert "Do not ship" not in summary_sentence(result_of(conversions(FLAT)))


def test_an_experiment_without_a_primary_says_why_nothing_can_ship() -> None:
    found = result_of(conversions(WIN, "refunds", "secondary"), study=STUDY._replace(primary_metrics=0))

    assert action_of(found) == "keep_running"
    assert "No primary metric was declared before the start" in reasons_of(found)
    assert "No primary" not in reasons_of(result_of(conversions(WIN)))


def test_a_fixed_test_without_planned_users_promises_no_planned_end() -> None:
    found = result_of(conversions(WIN), study=STUDY._replace(analysis=Mode.FIXED, planned_users=None))

    assert action_of(found) == "keep_running"
    assert "has no planned end: the sequence decides when the experiment is completed" in reasons_of(found)
