"""The whole analysis: what decides, what it recommends, and what the summary says."""

import json
from fractions import Fraction
from math import log, sqrt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experimentation.domain.experiment import Analysis as Mode
from experimentation.domain.experiment import Direction, Kind, Role
from experimentation.domain.results.report import as_json
from experimentation.domain.statistics import means, moments
from experimentation.domain.statistics.analysis import analyse
from experimentation.domain.statistics.answer import Analysis
from experimentation.domain.statistics.cuped import PairedMoments, cuped_welch
from experimentation.domain.statistics.sequential import sequence_multiplier, sequence_rho
from experimentation.domain.statistics.study import (
    CovariateSums,
    Metric,
    MetricTotals,
    Progress,
    Query,
    Study,
    VariantTotals,
    tuning_n,
)
from experimentation.domain.statistics.summary import summary_sentence
from tests.vectors.reference.sequential import asymptotic_confidence_sequence

STUDY = Study(
    control="control",
    weights={"control": 500_000, "treatment": 500_000},
    analysis=Mode.SEQUENTIAL,
    primary_metrics=1,
    planned_users=40_000,
    min_users=150,
    min_days=7,
    minimum_effect=0.05,
)
THREE = STUDY._replace(weights={"control": 400_000, "a": 300_000, "b": 300_000})
RUNNING = Progress(days_running=9, completed=False, users_per_day=2000.0)
AS_DECLARED = Query()
COMPLETED = Progress(days_running=30, completed=True, users_per_day=None)


def conversions(
    arms: dict[str, tuple[int, int]],
    key: str = "purchase_rate",
    role: str | None = "primary",
    direction: str = "increase",
    kind: str = "conversion",
) -> MetricTotals:
    totals = {arm: VariantTotals(n, c, c, c, c) for arm, (n, c) in arms.items()}
    declared = None if role is None else Role(role)
    return MetricTotals(Metric(key, key, Kind(kind), Direction(direction), declared), totals)


def result_of(
    *metrics: MetricTotals, study: Study = STUDY, progress: Progress = RUNNING, query: Query = AS_DECLARED
) -> Analysis:
    enrolled = {arm: totals.users for arm, totals in metrics[0].variants.items()}
    return analyse(study, progress, query, enrolled, metrics)


def action_of(analysis: Analysis) -> str:
    assert analysis.recommendation is not None
    return analysis.recommendation.action


WIN = {"control": (10_000, 1000), "treatment": (10_000, 1200)}
FLAT = {"control": (10_000, 1000), "treatment": (10_000, 1010)}
NARROW = {"control": (1000, 100), "treatment": (1000, 131)}  # the fixed interval alone excludes 0
LOSS = {"control": (10_000, 1200), "treatment": (10_000, 1000)}


@pytest.mark.parametrize(
    ("arms", "study", "progress", "action"),
    [
        (WIN, STUDY, RUNNING, "ship"),
        (LOSS, STUDY, RUNNING, "do_not_ship"),
        (FLAT, STUDY, RUNNING, "keep_running"),
        (WIN, STUDY, RUNNING._replace(days_running=6), "keep_running"),
        ({"control": (140, 40), "treatment": (140, 90)}, STUDY, RUNNING, "keep_running"),
        ({"control": (10_000, 1000), "treatment": (10_600, 1500)}, STUDY, RUNNING, "investigate_srm"),
        (FLAT, STUDY, COMPLETED, "stop_inconclusive"),
        (FLAT, STUDY._replace(planned_users=20_000), RUNNING, "stop_inconclusive"),
        (FLAT, STUDY._replace(minimum_effect=0.2), COMPLETED, "stop_no_meaningful_effect"),
        (WIN, STUDY._replace(analysis=Mode.FIXED), RUNNING, "keep_running"),
        (WIN, STUDY._replace(analysis=Mode.FIXED), COMPLETED, "ship"),
        (NARROW, STUDY, COMPLETED, "stop_inconclusive"),
        (NARROW, STUDY._replace(analysis=Mode.FIXED), COMPLETED, "stop_inconclusive"),
        (NARROW, STUDY._replace(analysis=Mode.FIXED, planned_users=2000), COMPLETED, "ship"),
        (FLAT, STUDY._replace(minimum_effect=0.2, planned_users=None), RUNNING, "stop_no_meaningful_effect"),
        (WIN, STUDY, COMPLETED._replace(days_running=2), "no_verdict"),
        (LOSS, STUDY, RUNNING._replace(days_running=0), "do_not_ship"),
    ],
)  # fmt: skip
def test_the_first_rule_that_applies_decides(
    arms: dict[str, tuple[int, int]], study: Study, progress: Progress, action: str
) -> None:
    assert action_of(result_of(conversions(arms), study=study, progress=progress)) == action


def test_a_harmed_guardrail_forbids_shipping_a_win() -> None:
    refunds = conversions(WIN, "refunds", "guardrail", "decrease")

    analysis = result_of(conversions(WIN), refunds)

    assert action_of(analysis) == "do_not_ship"
    assert analysis.recommendation is not None
    assert any("guardrail metric refunds is worse" in reason for reason in analysis.recommendation.reasons)


def test_a_guardrail_is_watched_by_the_sequence_before_a_fixed_test_may_decide() -> None:
    refunds = conversions(WIN, "refunds", "guardrail", "decrease")

    assert (
        action_of(result_of(conversions(FLAT), refunds, study=STUDY._replace(analysis=Mode.FIXED)))
        == "do_not_ship"
    )


def test_a_worse_primary_outweighs_a_better_one() -> None:
    study = STUDY._replace(primary_metrics=2)

    analysis = result_of(conversions(WIN), conversions(LOSS, "signups"), study=study)

    assert action_of(analysis) == "do_not_ship"


def test_few_converters_are_decided_by_the_exact_test_alone() -> None:
    rare = {"control": (100_000, 60), "treatment": (5000, 9)}
    study = STUDY._replace(weights={"control": 952_381, "treatment": 47_619})

    analysis = result_of(conversions(rare), study=study, progress=COMPLETED)

    comparison = analysis.metrics[0].comparisons["treatment"]
    assert comparison.small_sample
    assert (comparison.p_value, comparison.always_valid) == (None, None)
    assert comparison.deciding is not None
    assert (comparison.deciding.method, comparison.deciding.significant) == ("exact", False)
    assert action_of(analysis) == "stop_inconclusive"


def test_of_three_arms_the_better_winner_is_shipped() -> None:
    arms = {"control": (10_000, 1000), "a": (7500, 950), "b": (7500, 1050)}

    analysis = result_of(conversions(arms), study=THREE)

    assert analysis.recommendation is not None
    assert (analysis.recommendation.action, analysis.recommendation.variant) == ("ship", "b")
    assert summary_sentence(analysis).startswith("B raises purchase_rate by 40% (+22% to +61%, ")


def test_one_bad_arm_does_not_stop_the_other() -> None:
    arms = {"control": (10_000, 1000), "a": (7500, 500), "b": (7500, 760)}

    analysis = result_of(conversions(arms), study=THREE)

    assert analysis.recommendation is not None
    assert analysis.recommendation.by_variant == {"a": "do_not_ship", "b": "keep_running"}
    assert analysis.recommendation.action == "keep_running"


def test_the_family_is_primary_metrics_times_treatments() -> None:
    arms = {"control": (10_000, 1000), "a": (7500, 790), "b": (7500, 800)}

    analysis = result_of(conversions(arms), study=THREE._replace(primary_metrics=2))

    deciding = analysis.metrics[0].comparisons["a"].deciding
    expected = asymptotic_confidence_sequence(
        moments.exact_moments(10_000, 1000, 1000), moments.exact_moments(7500, 790, 790), 0.05 / 4, 28_000
    )
    assert deciding is not None
    assert expected.sequence is not None
    assert deciding.alpha == 0.05
    assert deciding.interval == expected.sequence.interval(0.05 / 4)
    assert deciding.p_value == min(1.0, 4 * expected.sequence.p_value)


def test_a_query_moves_the_shown_interval_but_never_the_declared_one() -> None:
    usual, wide = (
        result_of(conversions(WIN), query=Query(level)).metrics[0].comparisons["treatment"]
        for level in (0.95, 0.5)
    )

    assert usual.interval != wide.interval
    assert usual.always_valid == wide.always_valid
    assert usual.deciding == wide.deciding


def test_an_exploratory_question_has_no_always_valid_figures_and_no_recommendation() -> None:
    analysis = result_of(conversions(WIN), query=Query(declared=False))

    comparison = analysis.metrics[0].comparisons["treatment"]
    assert analysis.recommendation is None
    assert comparison.always_valid is None
    assert comparison.confidence == "high"
    assert "exploratory" in summary_sentence(analysis)


def test_an_event_type_asked_for_after_the_fact_is_exploratory_on_its_own() -> None:
    analysis = result_of(conversions(FLAT), conversions(WIN, "clicks", role=None))

    assert analysis.metrics[0].comparisons["treatment"].always_valid is not None
    assert analysis.metrics[1].comparisons["treatment"].always_valid is None
    assert action_of(analysis) == "keep_running"


@pytest.mark.parametrize(("correction", "factors"), [("holm", (2, 1)), ("bh", (2, 1)), ("none", (1, 1))])
def test_p_values_are_adjusted_within_their_family(correction: str, factors: tuple[int, int]) -> None:
    arms = {"control": (10_000, 1000), "a": (7500, 820), "b": (7500, 810)}

    analysis = result_of(
        conversions(arms),
        conversions(arms, "harm", "guardrail"),
        study=THREE,
        query=Query(correction=correction),  # type: ignore[arg-type]
    )

    smaller, larger = (analysis.metrics[0].comparisons[arm] for arm in ("a", "b"))
    assert smaller.adjusted_p_value == pytest.approx(
        min((smaller.p_value or 0) * factors[0], (larger.p_value or 0) if correction == "bh" else 1)
    )
    assert larger.adjusted_p_value == pytest.approx(
        max((larger.p_value or 0) * factors[1], (smaller.p_value or 0) * 2 if correction == "holm" else 0)
    )
    guardrail = analysis.metrics[1].comparisons["a"]
    assert guardrail.adjusted_p_value == guardrail.p_value


def test_figures_flip_for_a_metric_that_should_fall() -> None:
    up = result_of(conversions(WIN)).metrics[0].comparisons["treatment"]
    down = result_of(conversions(WIN, direction="decrease")).metrics[0].comparisons["treatment"]

    assert (up.probability_to_beat_control or 0) + (down.probability_to_beat_control or 0) == pytest.approx(1)
    assert (up.expected_loss or 0) < 1e-6
    assert down.expected_loss == pytest.approx(down.difference, rel=1e-3)


def test_cuped_stands_beside_the_unadjusted_figures() -> None:
    arms = {
        "control": VariantTotals(
            10, 10, 10, Fraction("92.55"), Fraction("967.0567"),
            CovariateSums(Fraction("125.84"), Fraction("1865.0352"), Fraction("1312.3244"))),
        "treatment": VariantTotals(
            12, 12, 12, Fraction("112.43"), Fraction("1285.8383"),
              CovariateSums(Fraction("114.03"), Fraction("1508.3533"), Fraction("1347.4118"))),
    }  # fmt: skip
    revenue = MetricTotals(Metric("revenue", "purchase", Kind.VALUE, Direction.INCREASE, Role.PRIMARY), arms)

    cuped = result_of(revenue).metrics[0].comparisons["treatment"].cuped

    sums = [
        PairedMoments(t.users, Fraction(t.sum), Fraction(t.squares), *map(Fraction, t.covariate or ()))
        for t in arms.values()
    ]
    oracle = cuped_welch(sums[0], sums[1], 0.05)
    assert cuped.adjusted is not None
    assert cuped.adjusted.difference == oracle.test.diff
    assert cuped.unadjusted.difference == pytest.approx(0.114166667)
    assert cuped.theta == oracle.theta


def test_without_history_cuped_is_null_with_a_reason() -> None:
    cuped = result_of(conversions(WIN)).metrics[0].comparisons["treatment"].cuped

    assert (cuped.adjusted, cuped.reason) == (None, "no_history")


@pytest.mark.parametrize(("kind", "mean"), [("conversion", 0.4), ("count", 0.7), ("value", 1.2)])
def test_each_kind_looks_at_its_own_total(kind: str, mean: float) -> None:
    totals = VariantTotals(10, 4, 7, 12, 100)
    metric = MetricTotals(
        Metric("m", "e", Kind(kind), Direction.INCREASE, Role.PRIMARY),
        {"control": totals, "treatment": totals},
    )

    figures = result_of(metric).metrics[0].variants["control"]

    assert (figures.mean, figures.rate, figures.count, figures.sum) == (mean, 0.4, 7, 12.0)


@pytest.mark.parametrize(
    ("arms", "progress", "study", "days"),
    [
        (FLAT, RUNNING, STUDY, 10),  # 20,000 users of 40,000 missing, 2,000 a day
        (FLAT, RUNNING, STUDY._replace(planned_users=None, minimum_effect=None), None),
        (FLAT, RUNNING._replace(users_per_day=None), STUDY, None),
        (FLAT, RUNNING._replace(days_running=2, users_per_day=1e6), STUDY, 5),
    ],
)
def test_days_left_until_the_effect_shows_or_the_plan_ends(
    arms: dict[str, tuple[int, int]], progress: Progress, study: Study, days: int | None
) -> None:
    analysis = result_of(conversions(arms), progress=progress, study=study)

    assert analysis.recommendation is not None
    assert analysis.recommendation.days_left == days


def test_days_left_follow_the_required_users_when_they_come_before_the_planned_end() -> None:
    study = STUDY._replace(planned_users=None)
    test = means.welch_t(
        moments.exact_moments(10_000, 1000, 1000), moments.exact_moments(10_000, 1010, 1010), 0.05
    )
    se = test.contrast.se if test.contrast else 0.0

    analysis = result_of(conversions(FLAT), study=study)

    assert analysis.recommendation is not None
    days = analysis.recommendation.days_left
    assert days is not None
    for total, found in ((20_000 + 2000 * days, True), (20_000 + 2000 * (days - 1), False)):
        reach = 0.8416212 + sequence_multiplier(total, 0.05, 5000)
        assert (reach * se * sqrt(20_000 / total) <= 0.005) == found


@pytest.mark.parametrize("analysis", [Mode.FIXED, Mode.GROUP_SEQUENTIAL])
def test_a_plan_that_ends_at_its_users_says_when_that_will_be(analysis: Mode) -> None:
    arms = {"control": (40_000, 4000), "treatment": (40_000, 4040)}
    study = STUDY._replace(analysis=analysis, planned_users=200_000)

    found = result_of(conversions(arms), study=study, progress=RUNNING._replace(users_per_day=4000.0))

    assert found.recommendation is not None
    assert found.recommendation.days_left == 30


@pytest.mark.parametrize("users", [0, 1, 2])
def test_almost_nobody_gives_nulls_and_words(users: int) -> None:
    arms = {"control": (users, 0), "treatment": (users, 0)}

    analysis = result_of(conversions(arms))

    comparison = analysis.metrics[0].comparisons["treatment"]
    assert comparison.p_value is None
    assert comparison.confidence == "low"
    assert analysis.srm.status == "insufficient_data"
    assert "NaN" not in json.dumps(as_json(analysis))
    assert "keep running" in summary_sentence(analysis)


def test_a_run_completed_too_early_says_so() -> None:
    analysis = result_of(conversions(WIN), progress=COMPLETED._replace(days_running=2))

    assert analysis.recommendation is not None
    assert analysis.recommendation.action == "no_verdict"
    assert any("ended too early" in reason for reason in analysis.recommendation.reasons)


ON_ANY_DAY = "safe to read on any day"
NO_EFFECT = "Treatment shows no certain effect on purchase_rate"
CAREFUL = "Stopping early exaggerates: {} is the more careful estimate."
MINUS = "\N{MINUS SIGN}"


@pytest.mark.parametrize(
    ("arms", "study", "progress", "sentence"),
    [
        (WIN, STUDY, RUNNING,
         (f"Treatment raises purchase_rate by 20% (+6% to +36%, {ON_ANY_DAY}). {CAREFUL.format('+17%')} "
         "Recommendation: ship.")),
        (LOSS, STUDY, RUNNING,
         (f"Treatment lowers purchase_rate by 17% ({MINUS}27% to {MINUS}5.6%, {ON_ANY_DAY}). "
         f"{CAREFUL.format(MINUS + '15%')} Recommendation: do not ship.")),
        (FLAT, STUDY, RUNNING,
         (f"{NO_EFFECT} ({MINUS}11% to +15%, {ON_ANY_DAY}). "
          "Recommendation: keep running, about 10 more days.")),
        (FLAT, STUDY._replace(analysis=Mode.FIXED, planned_users=20_000), COMPLETED,
         (f"{NO_EFFECT} ({MINUS}7% to +9.7%, read at the planned end). "
         "Recommendation: stop, the experiment ended without an answer.")),
        (FLAT, STUDY._replace(minimum_effect=0.2), COMPLETED,
         (f"{NO_EFFECT} ({MINUS}11% to +15%, {ON_ANY_DAY}). "
         "Recommendation: stop, any gain is too small to matter.")),
        ({"control": (10_000, 0), "treatment": (10_600, 0)}, STUDY, RUNNING,
         ("Do not read these results: users are not split as planned (control 10,000, treatment 10,600). "
         "Recommendation: find out why the split of users is off.")),
        (WIN, STUDY, COMPLETED._replace(days_running=2),
         f"Treatment raises purchase_rate by 20% (+6% to +36%, {ON_ANY_DAY}). Ended too early: no verdict."),
    ],
)  # fmt: skip
def test_an_executive_can_read_the_summary(
    arms: dict[str, tuple[int, int]], study: Study, progress: Progress, sentence: str
) -> None:
    assert summary_sentence(result_of(conversions(arms), study=study, progress=progress)) == sentence


def test_a_summary_without_metrics_still_gives_advice() -> None:
    analysis = analyse(STUDY, RUNNING, Query(), {"control": 200, "treatment": 200}, [])

    assert (
        summary_sentence(analysis)
        == "No metric has been measured. Recommendation: keep running, about 20 more days."
    )


def test_the_sequential_mismatch_test_remembers_earlier_looks() -> None:
    days = [{"control": 3000, "treatment": 2000}, {"control": 7000, "treatment": 8000}]

    analysis = analyse(
        STUDY, RUNNING, Query(), {"control": 10_000, "treatment": 10_000}, [conversions(FLAT)], days
    )

    assert analysis.srm.status == "ok"
    assert (analysis.srm.sequential_p_value or 0) < 0.001


def test_the_answer_is_plain_json_with_intervals_as_pairs() -> None:
    answer = json.loads(json.dumps(as_json(result_of(conversions(WIN)))))

    comparison = answer["metrics"][0]["comparisons"]["treatment"]
    assert len(comparison["interval"]) == 2
    assert set(comparison["always_valid"]) == {"interval", "p_value", "lift_interval"}
    assert answer["srm"]["expected"] == {"control": 10_000.0, "treatment": 10_000.0}
    assert answer["metrics"][0]["variants"]["control"]["rate_interval"][0] < 0.1


BILLION = 10**9
stored_values = st.lists(
    st.integers(-BILLION * 10_000, BILLION * 10_000).map(lambda value: Fraction(value, 10_000)), max_size=6
)


@settings(max_examples=60, deadline=None)
@given(
    arms=st.fixed_dictionaries({"control": stored_values, "a": stored_values, "b": stored_values}),
    extra_users=st.integers(0, 300),
    kind=st.sampled_from(["conversion", "count", "value"]),
    direction=st.sampled_from(["increase", "decrease"]),
    analysis=st.sampled_from(["sequential", "fixed", "group_sequential"]),
    completed=st.booleans(),
)
def test_no_input_gives_nan_infinity_or_an_error(
    arms: dict[str, list[Fraction]],
    extra_users: int,
    kind: str,
    direction: str,
    analysis: str,
    completed: bool,
) -> None:
    totals = {
        arm: VariantTotals(
            users=len(found) + extra_users,
            converters=len(found),
            count=len(found),
            sum=sum(found, Fraction(0)),
            squares=len(found) if kind == "count" else sum((value**2 for value in found), Fraction(0)),
        )
        for arm, found in arms.items()
    }
    metric = MetricTotals(Metric("m", "e", Kind(kind), Direction(direction), Role.PRIMARY), totals)
    study = THREE._replace(analysis=Mode(analysis), min_users=2, min_days=0)

    answer = result_of(metric, study=study, progress=Progress(9, completed, 10.0))

    text = json.dumps(as_json(answer), allow_nan=False)
    assert all(
        figures.variance is None or figures.variance >= 0 for figures in answer.metrics[0].variants.values()
    )
    assert json.loads(text)["recommendation"]["action"]
    assert summary_sentence(answer).endswith(".")


def test_a_pair_without_weight_is_tuned_by_the_default() -> None:
    study = Study("c", {"c": 0, "t": 0, "z": 1_000_000}, Mode.SEQUENTIAL, 1, 1000, 1, 0, None)

    assert tuning_n(study, "t") == 5000
    assert tuning_n(study, "z") == 1000


@pytest.mark.parametrize(
    ("converters", "beaten", "says"),
    [
        (4_100, False, "a could ship as well; b is not proven to be better on purchase_rate ("),
        (6_000, True, "a could ship as well; b is better on purchase_rate ("),
    ],
)
def test_a_second_treatment_that_ships_is_compared_with_the_named_one(converters, beaten, says):
    answer = result_of(
        conversions({"control": (16_000, 2_000), "a": (12_000, 4_000), "b": (12_000, converters)}),
        study=THREE,
    )

    advice = answer.recommendation
    assert (advice.action, advice.variant) == ("ship", "b")
    (rival,) = advice.rivals
    assert (rival.variant, rival.metric, rival.beaten) == ("a", "purchase_rate", beaten)
    assert rival.difference == pytest.approx((converters - 4_000) / 12_000)
    low, high = rival.interval
    assert low < rival.difference < high
    assert beaten == (low > 0)
    assert sum(text.startswith(says) for text in advice.reasons) == 1


def test_the_interval_between_two_treatments_is_the_sequence_over_all_pairs():
    answer = result_of(
        conversions({"control": (16_000, 2_000), "a": (12_000, 4_000), "b": (12_000, 4_300)}), study=THREE
    )

    (rival,) = answer.recommendation.rivals
    p, q, n = 4_300 / 12_000, 4_000 / 12_000, 12_000
    se = sqrt((p * (1 - p) + q * (1 - q)) / (n - 1))
    rho = sequence_rho(0.05 / 2, tuning_n(THREE._replace(control="a"), "b"))
    r = n * 2 * rho**2
    half = se * sqrt((r + 1) / r * (2 * log(1 / 0.05) + log(r + 1)))
    assert rival.interval == pytest.approx((p - q - half, p - q + half), rel=1e-9)


def test_a_treatment_that_ships_alone_has_no_rival():
    answer = result_of(
        conversions({"control": (16_000, 2_000), "a": (12_000, 1_500), "b": (12_000, 4_300)}), study=THREE
    )

    assert answer.recommendation.variant == "b"
    assert answer.recommendation.rivals == []


def test_a_lift_that_may_be_anything_is_said_in_points():
    answer = result_of(conversions({"control": (10_000, 2), "treatment": (10_000, 60)}))

    sentence = summary_sentence(answer)
    assert "points" in sentence
    assert "%" not in sentence
