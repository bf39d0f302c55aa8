"""LaLonde's experiment: means, Welch's interval and CUPED equal scipy's and statsmodels' on the same rows."""

import pytest
from scipy import stats

from tests.trials.brute_force import Rows, adjusted_difference
from tests.trials.replay import replay, results
from tools.demo.lalonde import lalonde, workers
from tools.demo.trial import UNIT


@pytest.fixture
def trial(as_user, noon):
    made = lalonde(noon)
    replay(made, as_user, noon)
    return made


@pytest.fixture
def shown(trial, as_user):
    [metric] = results(as_user, "lalonde-job-training", format="full")["metrics"]
    return metric


def test_training_is_worth_1794_dollars(shown):
    comparison = shown["comparisons"]["trained"]

    assert round(comparison["difference"]) == 1794
    assert round(shown["variants"]["trained"]["mean"]) == 6349
    assert round(shown["variants"]["not_trained"]["mean"]) == 4555


def test_means_interval_and_p_value_are_scipys(shown):
    earned = {
        trained: [each.earned_1978 / UNIT for each in workers() if each.trained is trained]
        for trained in (True, False)
    }

    expected = stats.ttest_ind(earned[True], earned[False], equal_var=False)

    comparison, interval = shown["comparisons"]["trained"], expected.confidence_interval(0.95)
    assert comparison["p_value"] == pytest.approx(expected.pvalue, rel=1e-9)
    assert comparison["interval"] == pytest.approx([interval.low, interval.high], rel=1e-9)
    for key, trained in (("trained", True), ("not_trained", False)):
        figures = shown["variants"][key]
        assert figures["users"] == len(earned[trained])
        assert figures["sum"] == pytest.approx(sum(earned[trained]), rel=1e-12)
        assert figures["mean"] == pytest.approx(sum(earned[trained]) / len(earned[trained]), rel=1e-12)
        assert figures["variance"] == pytest.approx(stats.tvar(earned[trained]), rel=1e-9)


def test_cuped_by_the_earnings_of_1975_is_statsmodels(trial, shown):
    rows, metric = Rows(trial), trial.definition["metrics"][0]
    arms = rows.arm(metric, "not_trained"), rows.arm(metric, "trained")

    test, difference, theta = adjusted_difference(*arms)

    cuped = shown["comparisons"]["trained"]["cuped"]
    interval = test.confidence_interval(0.95)
    assert cuped["theta"] == pytest.approx(theta, rel=1e-9)
    assert cuped["adjusted"]["difference"] == pytest.approx(difference, rel=1e-9)
    assert cuped["adjusted"]["p_value"] == pytest.approx(test.pvalue, rel=1e-9)
    assert cuped["adjusted"]["interval"] == pytest.approx([interval.low, interval.high], rel=1e-9)
    assert cuped["unadjusted"]["difference"] == shown["comparisons"]["trained"]["difference"]
    assert 0 < cuped["variance_reduction"] < 0.1


def test_every_number_equals_the_brute_force(trial, as_user, same):
    shown = results(as_user, "lalonde-job-training", format="full")

    rows = Rows(trial)
    same(shown["srm"], rows.sample_ratio())
    same(shown["metrics"], rows.metrics())
