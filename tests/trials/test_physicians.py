"""The Physicians' Health Study: our answer is the textbook's."""

import pytest
from scipy import stats

from tests.trials.brute_force import Rows
from tests.trials.replay import replay, results
from tools.demo.physicians import physicians


@pytest.fixture
def shown(as_user, noon):
    replay(physicians(noon), as_user, noon)
    return results(as_user, "physicians-health-study", format="full")


def test_rates_difference_and_interval_are_the_textbooks(shown):
    [metric] = shown["metrics"]
    placebo, aspirin = metric["variants"]["placebo"], metric["variants"]["aspirin"]
    comparison = metric["comparisons"]["aspirin"]

    # Agresti, Categorical Data Analysis, 2.2: 0.0171 and 0.0094; 0.0077 with interval 0.005 to 0.011
    assert (placebo["users"], placebo["converters"], round(placebo["rate"], 4)) == (11_034, 189, 0.0171)
    assert (aspirin["users"], aspirin["converters"], round(aspirin["rate"], 4)) == (11_037, 104, 0.0094)
    assert round(comparison["difference"], 4) == -0.0077
    assert [round(end, 4) for end in comparison["interval"]] == [-0.0107, -0.0047]
    assert round(1 + comparison["lift"], 2) == round(1 / 1.82, 2)


def test_the_p_value_is_welchs(shown):
    vectors = [[1] * 104 + [0] * 10_933, [1] * 189 + [0] * 10_845]

    expected = stats.ttest_ind(*vectors, equal_var=False)

    comparison = shown["metrics"][0]["comparisons"]["aspirin"]
    assert comparison["p_value"] == pytest.approx(expected.pvalue, rel=1e-8)
    assert comparison["p_value"] < 1e-6


def test_the_recommendation_is_aspirin(shown):
    assert shown["recommendation"]["action"] == "ship"
    assert shown["recommendation"]["variant"] == "aspirin"
    assert shown["summary"].startswith("Aspirin lowers heart_attack_rate by 45%")
    assert shown["srm"]["status"] == "ok"


def test_every_number_equals_the_brute_force(shown, same, noon):
    rows = Rows(physicians(noon))

    same(shown["srm"], rows.sample_ratio())
    same(shown["metrics"], rows.metrics())
