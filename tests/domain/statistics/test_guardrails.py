"""What proves that a guardrail is harmed beyond its margin, however few do it in the control."""

import pytest
from scipy import stats

from experimentation.domain.experiment import Direction, Kind, Role
from experimentation.domain.statistics.guarding import dangers
from experimentation.domain.statistics.means import welch_t
from experimentation.domain.statistics.moments import exact_moments
from experimentation.domain.statistics.study import Metric, MetricTotals, Progress, VariantTotals
from tests.domain.statistics.test_analysis import FLAT, STUDY, WIN, action_of, conversions, result_of

FIRST_DAY = Progress(days_running=0, completed=False, users_per_day=None)


def crashes(control: int, treatment: int, margin: float | None) -> MetricTotals:
    arms = {"control": (2000, control), "treatment": (2000, treatment)}
    counted = conversions(arms, "crash", "guardrail", "decrease")
    return MetricTotals(counted.metric._replace(margin=margin), counted.variants)


@pytest.mark.parametrize("margin", [None, 0.1, 0.5])
@pytest.mark.parametrize("control", [0, 1, 5])
def test_a_margin_never_hides_harm_that_a_control_hardly_knows(control: int, margin: float | None) -> None:
    guardrail = crashes(control, 120, margin)

    found = result_of(conversions(FLAT), guardrail, progress=FIRST_DAY)

    assert action_of(found) == "do_not_ship"
    comparison = found.metrics[1].comparisons["treatment"]
    assert comparison.guard is not None
    assert (comparison.guard.harmed, comparison.tendency) == (True, "worse")
    assert [each.subject for each in dangers(STUDY, [guardrail], {}, [])] == [("crash", "treatment")]


def test_harm_within_the_margin_is_not_called_harm() -> None:
    found = result_of(conversions(FLAT), crashes(5, 120, 50.0), progress=FIRST_DAY)

    assert action_of(found) == "keep_running"


@pytest.mark.parametrize(("margin", "safe"), [(None, True), (0.1, False)])
def test_a_guardrail_that_no_test_watches_yet_says_so(margin: float | None, safe: bool) -> None:
    arms = {"control": (10_000, 5), "treatment": (10_000, 120)}
    errors = conversions(arms, "errors", "guardrail", "decrease", kind="count")

    found = result_of(conversions(WIN), MetricTotals(errors.metric._replace(margin=margin), errors.variants))

    assert action_of(found) == ("ship" if safe else "keep_running")
    assert found.recommendation is not None
    said = [each for each in found.recommendation.reasons if "errors has too few outcomes" in each]
    assert len(said) == 1
    assert ("not shown to be safe" in said[0]) == (not safe)


@pytest.mark.parametrize("direction", Direction)
def test_a_control_mean_near_zero_hides_no_harm(direction: Direction) -> None:
    # Half spend 10 and half get 10 back: the control's mean, 0.02, has no lift that Fieller could bound.
    sign = 1 if direction is Direction.DECREASE else -1
    arms = {
        "control": VariantTotals(1000, 1000, 1000, sign * 20, 100_000),
        "treatment": VariantTotals(1000, 1000, 1000, sign * 4000, 116_000),
    }
    metric = Metric("cost", "cost", Kind.VALUE, direction, Role.GUARDRAIL, margin=0.1)

    found = result_of(conversions(FLAT), MetricTotals(metric, arms), progress=FIRST_DAY)

    guardrail = found.metrics[1].comparisons["treatment"]
    assert guardrail.lift_interval is None
    assert guardrail.guard is not None
    assert guardrail.guard.harmed
    assert action_of(found) == "do_not_ship"


@pytest.mark.parametrize("lift", [-0.3, 0.0, 0.1, 0.5])
def test_more_than_a_lift_is_the_test_against_a_control_raised_by_it(lift: float) -> None:
    control, treated = [3, 0, 7, 1, 4, 4, 0, 2], [5, 6, 0, 9, 3, 4]
    contrast = welch_t(
        *(exact_moments(len(x), sum(x), sum(y * y for y in x)) for x in (control, treated)), 0.05
    )
    assert contrast.contrast is not None

    beyond = contrast.contrast.beyond(lift)

    raised = [(1 + lift) * each for each in control]
    assert beyond.z == pytest.approx(stats.ttest_ind(treated, raised, equal_var=False).statistic, rel=1e-12)
